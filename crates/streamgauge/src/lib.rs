//! The service: configuration, sources, sinks, the worker that drives a pipeline, and the command line.
//!
//! ```text
//! source (own thread) ─ blocks ─► feed, a queue a partition ─► worker ─► pipeline.step ─ effects ─► sink, late, dead_letter
//!                          │           ▲                         │  ▲
//!                          └► decoders ┘               metrics ◄─┘  └─ pace, silence, stop
//!                             (own threads)               │
//!                                                      endpoint (own thread)
//! ```

pub mod catalogue;
pub mod cli;
pub mod config;
mod dead_letter;
mod decoders;
mod durable;
mod endpoint;
mod log;
mod metrics;
mod pace;
mod progress;
mod report;
mod signals;
mod sink;
mod source;
mod spares;
mod stage;
mod worker;

use std::fmt::Display;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use streamgauge_flow::{Decoder, Pipeline};
use streamgauge_metrics::Metrics as _;
pub use streamgauge_state::Step;
use streamgauge_state::{Backend, StateMetrics};

use config::{Config, Speed, State};
use decoders::Decoders;
use durable::{Commits, Durable, Usage};
use endpoint::Endpoint;
use metrics::Failures;
use pace::Pace;
use progress::{Bar, Progress};
use report::ReportFile;
use signals::Stop;
use sink::{Outputs, Places, Written};
use source::{Inputs, Known};
use spares::Spares;
use stage::{Laps, Stage, StageMetrics};
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
    /// Called between each two steps of an epoch of a durable state: tests die there.
    pub steps: Option<fn(Step)>,
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
#[expect(clippy::needless_pass_by_value, reason = "a configuration is run once")]
pub fn run(config: Config, options: &RunOptions) -> u8 {
    let bar = Bar::on_stderr();
    if let Err(fault) = log::start(options.log_format, &bar) {
        eprintln!("{fault}");
        return 2;
    }
    let result = attempt(&config, options, &bar);
    bar.clear();
    let (message, code) = match result {
        Ok(()) => return 0,
        Err(Fault::Before(message)) => (message, 2),
        Err(Fault::While(message)) => (message, 1),
    };
    tracing::error!("{message}");
    code
}

/// Start-up in order: whatever can be known before the start is found out before anything is changed.
fn attempt(config: &Config, options: &RunOptions, bar: &Bar) -> Result<(), Fault> {
    let stop = Stop::on_signals().map_err(amid)?;
    let report = options.report.as_deref().map(ReportFile::prepare).transpose().map_err(before)?;
    let settings = &config.pipeline;
    let registry = metrics::registry(config.prometheus.as_ref()).map_err(before)?;
    let failures = Failures::register(&registry).map_err(amid)?;
    let stages = StageMetrics::register(&registry).map_err(amid)?;
    // Where events happen as they are read, or as if they did, latency is measured from when each of them happened.
    let live = config.source.follow.is_some() || config.source.speed != Speed::Max;
    let mut pipeline = Pipeline::new(settings.clone(), &registry).map_err(amid)?.keeping_times(live);
    let state = StateMetrics::register(&registry).map_err(amid)?;
    let steps = options.steps.unwrap_or(|_| {});
    let mut durable = match &config.state {
        State::Memory => None,
        State::Disk { path, .. } => {
            pipeline = pipeline.durable();
            Some(Durable::open(path, config, &mut pipeline, &state, steps).map_err(before)?)
        }
    };
    let known = durable.as_ref().map_or_else(Known::default, Durable::known);
    let inputs = Inputs::open(&config.source, settings.format, settings.max_record_bytes, known).map_err(before)?;
    let endpoint = Endpoint::start(config, &registry)?;
    let mut outputs = outputs(config, durable.as_mut(), &mut pipeline, bar)?;
    outputs.heed(&stop);
    let backend = if durable.is_some() { Backend::Disk } else { Backend::Memory };
    let usage = Usage::new(&state, backend);
    let commits = commits(config, durable, state, steps)?;
    let decoder = || Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes);
    let spares = Spares::default();
    let parts = Parts {
        decoder: decoder(),
        spares: spares.clone(),
        pipeline,
        outputs,
        commits,
        usage,
        split: config.source.partitions,
        origins: inputs.origins(),
        pace: pace(config.source.speed),
        idle_timeout: config.idle_timeout,
        max_drift: config.max_drift,
        live,
        stop: stop.clone(),
        progress: Progress::new(bar.clone(), inputs.total(), Instant::now()),
        health: endpoint.health(),
        judging: Laps::new(&stages, Stage::Judge),
        writing: Laps::new(&stages, Stage::Sink),
        clock: worker::wall_time,
    };
    stop.guard(told_stuck).map_err(amid)?;
    let decoders = Decoders::start(threads(config.workers), decoder, spares, &stages).map_err(amid)?;
    let reading = Laps::new(&stages, Stage::Source);
    let feed = inputs.start(decoders, failures.of_source(), reading, stages.waiting(Stage::Judge)).map_err(amid)?;
    endpoint.ready();
    let mut worker = Worker::new(parts, Instant::now());
    let result = worker.run(&feed, options.drain);
    let concluded = conclude(worker, result, report.as_ref(), &failures);
    endpoint.stop();
    concluded
}

/// Opens the outputs: where a state knows how far they were written, they are cut back to there.
fn outputs(
    config: &Config,
    durable: Option<&mut Durable>,
    pipeline: &mut Pipeline,
    bar: &Bar,
) -> Result<Outputs, Fault> {
    let Some(durable) = durable else {
        return Outputs::open(config, &Places::default(), Written::default(), bar).map_err(before);
    };
    let places = Places::of(config, &durable.record.outputs).map_err(before)?;
    durable.record.outputs.let_go(&places).map_err(before)?;
    durable.begin(places, pipeline).map_err(before)?;
    Outputs::open(config, &durable.record.outputs, durable.record.written, bar).map_err(before)
}

fn commits(
    config: &Config,
    durable: Option<Durable>,
    metrics: StateMetrics,
    steps: fn(Step),
) -> Result<Option<Commits>, Fault> {
    match (durable, &config.state) {
        (Some(durable), State::Disk { commit_interval, .. }) => {
            Commits::start(durable, *commit_interval, metrics, steps).map(Some).map_err(amid)
        }
        _ => Ok(None),
    }
}

/// Tells what the run did, whatever became of it.
fn conclude(
    worker: Worker,
    result: Result<Ending, Failure>,
    file: Option<&ReportFile>,
    failures: &Failures,
) -> Result<(), Fault> {
    let report = worker.report();
    let result = result.map_err(|failure| {
        failures.count(&failure);
        fault(failure, report.received)
    });
    if matches!(result, Err(Fault::Before(_))) {
        worker.into_outputs().abandon();
        return result.map(drop);
    }
    match report.open_windows {
        0 => {}
        open if worker.is_durable() => tracing::info!("{open} open windows stay in the state for the next start"),
        open => tracing::warn!("{open} open windows were not printed (state is in memory)"),
    }
    tracing::info!("{report}");
    let told = file.map_or(Ok(()), |file| file.write(&report)).map_err(amid);
    match (result, told) {
        (Ok(_), told) => told,
        (Err(first), told) => {
            if let Err(Fault::Before(second) | Fault::While(second)) = told {
                tracing::error!("{second}");
            }
            Err(first)
        }
    }
}

/// A header that lacks a column, met before any event, is a mistake in the configuration.
fn fault(failure: Failure, received: u64) -> Fault {
    match failure {
        Failure::Header { .. } if received == 0 => before(failure),
        _ => amid(failure),
    }
}

/// How many threads decode, the worker included.
fn threads(workers: Option<usize>) -> usize {
    workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

fn pace(speed: Speed) -> Option<Pace> {
    match speed {
        Speed::Max => None,
        Speed::Factor(factor) => Some(Pace::new(factor)),
    }
}

fn told_stuck() {
    tracing::error!("stopping takes too long: an output does not take what is left; giving it up");
}

fn before(error: impl Display) -> Fault {
    Fault::Before(error.to_string())
}

fn amid(error: impl Display) -> Fault {
    Fault::While(error.to_string())
}
