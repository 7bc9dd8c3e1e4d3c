//! The service: configuration, sources, sinks, the worker that drives a pipeline, and the command line.
//!
//! ```text
//! source (own thread) ─ chunks ─► worker ─► pipeline.step ─ effects ─► sink, late, dead_letter
//!                                   │  ▲
//!                         metrics ◄─┘  └─ pace, idle, stop
//!                            │
//!                         endpoint (own thread)
//! ```

pub mod catalogue;
pub mod cli;
pub mod config;
mod dead_letter;
mod log;
mod metrics;
mod pace;
mod progress;
mod report;
mod signals;
mod sink;
mod source;
mod worker;

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Instant;

use streamgauge_export::{Health, ProcessMetrics, Server};
use streamgauge_flow::Pipeline;
use streamgauge_metrics::{Metrics, Registry};

use config::{Config, Prometheus, Speed};
use metrics::Failures;
use pace::Pace;
use progress::{Bar, Progress};
use report::ReportFile;
use signals::Stop;
use sink::Outputs;
use source::Inputs;
use worker::{Ending, Failure, Parts, Worker};

/// What `run` is asked for beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Where the account of the run goes as JSON.
    pub report: Option<PathBuf>,
    /// Close the open windows on a stop instead of leaving them.
    pub drain: bool,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// Why a run ended otherwise than it should.
#[derive(Debug)]
enum Fault {
    /// It could be known before the start.
    Before(String),
    /// It showed while running.
    While(String),
}

/// Runs what `config` describes to the end of its input or until a signal.
///
/// Returns the exit code: 0 done, 1 failed while running, 2 what could be known before the start.
pub fn run(config: Config, options: &RunOptions) -> u8 {
    let bar = Bar::on_stderr();
    if let Err(fault) = log::start(options.log_format, &bar) {
        eprintln!("{fault}");
        return 2;
    }
    let (message, code) = match attempt(config, options, &bar) {
        Ok(()) => return 0,
        Err(Fault::Before(message)) => (message, 2),
        Err(Fault::While(message)) => (message, 1),
    };
    bar.clear();
    tracing::error!("{message}");
    code
}

/// Start-up in order: whatever can be known before the start is found out before anything is changed.
fn attempt(config: Config, options: &RunOptions, bar: &Bar) -> Result<(), Fault> {
    let stop = Stop::on_signals().map_err(while_running)?;
    let report = options.report.as_deref().map(ReportFile::prepare).transpose();
    let report = report.map_err(before)?;
    let settings = &config.pipeline;
    let inputs = Inputs::open(&config.source, settings.format, settings.max_record_bytes);
    let inputs = inputs.map_err(before)?;
    let registry = metrics::registry(config.prometheus.as_ref()).map_err(before)?;
    let failures = Failures::register(&registry).map_err(while_running)?;
    let pipeline = Pipeline::new(settings.clone(), &registry).map_err(while_running)?;
    let health = Health::new(&["source", "sink"]);
    let endpoint = match &config.prometheus {
        Some(wanted) => Some(serve(wanted, &registry, &health)?),
        None => None,
    };
    let outputs = Outputs::open(&config, bar).map_err(before)?;
    let progress = Progress::new(bar.clone(), inputs.total(), Instant::now());
    let messages = inputs.start().map_err(while_running)?;
    stop.guard(|| tracing::error!("stopping took too long: an output does not take what is left"))
        .map_err(while_running)?;
    health.set_ready("source");
    health.set_ready("sink");
    let pace = match config.source.speed {
        Speed::Max => None,
        Speed::Factor(factor) => Some(Pace::new(factor)),
    };
    let parts = Parts { pipeline, outputs, pace, idle_timeout: config.idle_timeout, stop, progress };
    let mut worker = Worker::new(parts, Instant::now());
    let result = worker.run(&messages, options.drain);
    bar.clear();
    let result = conclude(worker, result, report.as_ref(), &failures);
    if let Some(endpoint) = endpoint {
        endpoint.shutdown();
    }
    result
}
