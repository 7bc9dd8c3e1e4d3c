//! The jobs that are measured, as streamgauge is told them.

use std::path::{Path, PathBuf};

/// What is computed of the requests, by model and tenant in windows of ten seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Count, sums, average, minimum and maximum.
    A,
    /// The same and three percentiles.
    B,
    /// The first, of events whose id was not seen within ten minutes.
    C,
}

impl Job {
    /// All of them.
    pub const ALL: [Job; 3] = [Job::A, Job::B, Job::C];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Job::A => "A",
            Job::B => "B",
            Job::C => "C",
        }
    }

    /// What it computes, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Job::A => "count, sums, avg, min, max",
            Job::B => "A + p50, p95, p99",
            Job::C => "A + ids known for 10 min",
        }
    }

    /// The configuration that has it done, without anything of metrics and state.
    #[must_use]
    pub fn configuration(self, input: &Input, rows: &Path) -> String {
        format!("{}sink: {{ file: {{ path: {rows:?}, existing: truncate }} }}\n", self.work(input))
    }

    /// The same without where its rows go.
    #[must_use]
    pub fn work(self, input: &Input) -> String {
        let percentiles = if self == Job::B {
            ", p50: 'percentile(duration_ms, 0.5)', p95: 'percentile(duration_ms, 0.95)', p99: 'percentile(duration_ms, 0.99)'"
        } else {
            ""
        };
        format!(
            "\
{}event:
  id: /id
  type: /type
  time: {{ from: /time, format: rfc3339 }}
  strings: {{ model: /model, tenant: /tenant }}
  numbers: {{ input_tokens: /input_tokens, output_tokens: /output_tokens, duration_ms: /duration_ms, cost_usd: /cost_usd }}
deduplicate: {{ enabled: {}, ttl: 10m }}
watermark: {{ max_out_of_orderness: 5s }}
windows:
  - name: by_model
    type: tumbling
    size: 10s
    key: [model, tenant]
    aggregates: {{ requests: count, tokens_in: sum(input_tokens), tokens_out: sum(output_tokens), latency_avg: avg(duration_ms),
      latency_min: min(duration_ms), latency_max: max(duration_ms), cost: sum(cost_usd){percentiles} }}
",
            input.source(),
            self == Job::C
        )
    }
}

/// Where events come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    One(PathBuf),
    /// Files, each a partition of its own.
    Partitions(Vec<PathBuf>),
}

impl Input {
    /// The part of a configuration that says so.
    #[must_use]
    pub fn source(&self) -> String {
        let (paths, split) = match self {
            Input::One(path) => (std::slice::from_ref(path), "one"),
            Input::Partitions(paths) => (&paths[..], "per_file"),
        };
        format!("source: {{ file: {{ paths: {paths:?}, partitions: {split}, format: ndjson }} }}\n")
    }
}

/// Metrics on, at an endpoint of this port.
#[must_use]
pub fn scraped_at(port: u16) -> String {
    format!("observability: {{ prometheus: {{ enabled: true, endpoint: {{ host: 127.0.0.1, port: {port} }} }} }}\n")
}

/// No endpoint.
pub const UNSCRAPED: &str = "observability: { prometheus: { enabled: false } }\n";

/// State in a folder, committed every second.
#[must_use]
pub fn durable_in(folder: &Path) -> String {
    format!("state: {{ backend: disk, path: {folder:?}, commit_interval: 1s }}\ndelivery: exactly_once\n")
}
