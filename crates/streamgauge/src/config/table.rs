//! Every key there is: the one truth that reading, the JSON Schema and the reference are derived from.

use super::scalar::{Choice, Scalar};

/// One key of a record.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What may stand behind it.
    pub(crate) kind: Kind,
    /// What happens if it is not there.
    pub(crate) presence: Presence,
    /// Whether this version does what it asks for.
    pub(crate) offered: Offered,
    /// What it is for, in one line.
    pub(crate) doc: &'static str,
}

/// What may stand behind a key.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A single value.
    Scalar(Scalar),
    /// A sequence of one kind.
    List(&'static Kind),
    /// A mapping whose names are free.
    Map(&'static Kind),
    /// A mapping whose names are listed.
    Record(&'static [Key]),
    /// A mapping with exactly one of the listed names.
    OneOf(&'static [Key]),
    /// A single value, or a record.
    Either(Scalar, &'static [Key]),
}

/// What happens if a key is not there.
#[derive(Debug)]
pub(crate) enum Presence {
    /// That is a fault.
    Required,
    /// Then it is not there.
    Optional,
    /// Then this YAML is read instead.
    Default(&'static str),
}

/// Whether this version does what a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// Yes.
    Yes,
    /// Only what the default says.
    OnlyDefault,
    /// No: the key may not be there.
    No,
}

impl Key {
    const fn scalar(name: &'static str, scalar: Scalar, doc: &'static str) -> Self {
        Self::of(name, Kind::Scalar(scalar), doc)
    }

    const fn of(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Key { name, kind, presence: Presence::Optional, offered: Offered::Yes, doc }
    }

    /// A record that is there even if it is not written, so that its defaults are.
    const fn record(name: &'static str, keys: &'static [Key], doc: &'static str) -> Self {
        Self::of(name, Kind::Record(keys), doc).or("{}")
    }

    const fn required(self) -> Self {
        Key { presence: Presence::Required, ..self }
    }

    const fn or(self, default: &'static str) -> Self {
        Key { presence: Presence::Default(default), ..self }
    }

    /// A default that this version knows no alternative to.
    const fn only(self, default: &'static str) -> Self {
        Key { presence: Presence::Default(default), offered: Offered::OnlyDefault, ..self }
    }

    const fn later(self) -> Self {
        Key { offered: Offered::No, ..self }
    }
}

const TEXT: Kind = Kind::Scalar(Scalar::Text);
const POINTER: Kind = Kind::Scalar(Scalar::Pointer);
const AGGREGATE: Kind = Kind::Scalar(Scalar::Aggregate);
const BOUND: Kind = Kind::Scalar(Scalar::Number { min: f64::MIN, max: f64::MAX });
const TEXTS: Kind = Kind::List(&TEXT);
const BOUNDS: Kind = Kind::List(&BOUND);
const COUNT: Scalar = Scalar::Integer { min: 1, max: 1_000_000_000_000 };
const SHARE: Scalar = Scalar::Number { min: 0.0, max: 1.0 };
const POSITIVE: Scalar = Scalar::Duration { min: 1 };
const NOT_NEGATIVE: Scalar = Scalar::Duration { min: 0 };
const SIGNED: Scalar = Scalar::Duration { min: i128::MIN };

const fn choice(name: &'static str) -> Choice {
    Choice { name, offered: true }
}

const fn later(name: &'static str) -> Choice {
    Choice { name, offered: false }
}

/// The whole file.
pub(crate) const ROOT: &[Key] = &[
    Key::record("observability", OBSERVABILITY, "What the service shows of itself."),
    Key::of("source", Kind::OneOf(SOURCE), "Where events come from.").required(),
    Key::of(
        "event",
        Kind::Record(EVENT),
        "Where the fields of an event stand, as JSON Pointers; for CSV `/` and the column's name.",
    )
    .required(),
    Key::of(
        "filter",
        Kind::Map(&TEXTS),
        "Keeps the events whose field has one of these values; several fields must all match.",
    )
    .or("{}"),
    Key::record("deduplicate", DEDUPLICATE, "Drops events whose id was seen before."),
    Key::record("watermark", WATERMARK, "When the past is taken for complete."),
    Key::of("windows", Kind::List(&Kind::Record(WINDOW)), "What is computed, window by window.").required(),
    Key::record("state", STATE, "Where running state is kept."),
    Key::of("sink", Kind::OneOf(SINK), "Where result rows go.").or("{stdout: {}}"),
    Key::of("late", Kind::OneOf(SINK), "Where late events go; they are only counted if this is not given."),
    Key::of(
        "dead_letter",
        Kind::OneOf(SINK),
        "Where unreadable events go; they are only counted and logged if this is not given.",
    ),
    Key::scalar(
        "delivery",
        Scalar::Choice(&[choice("at_least_once"), choice("exactly_once")]),
        "What a restart may do to rows.",
    )
    .or("at_least_once"),
    Key::scalar(
        "workers",
        Scalar::Workers,
        "How many threads decode records; `auto`: one for each core. The output is the same.",
    )
    .or("auto"),
];

const OBSERVABILITY: &[Key] = &[
    Key::record("service", SERVICE, "Who is running."),
    Key::record("prometheus", PROMETHEUS, "The scrape endpoint."),
    Key::record("opentelemetry", OPENTELEMETRY, "Export of traces and metrics by OTLP."),
    Key::record("cardinality", CARDINALITY, "How many series there may be."),
];

const SERVICE: &[Key] = &[
    Key::scalar("name", Scalar::Text, "The service's name.").or("streamgauge"),
    Key::scalar("version", Scalar::Text, "Its version.").or(env!("CARGO_PKG_VERSION")),
    Key::scalar("environment", Scalar::Text, "Such as `production` or `dev`.").or("dev"),
    Key::scalar("instance_id", Scalar::Text, "Which of several instances this is.").or("streamgauge-0"),
];

const PROMETHEUS: &[Key] = &[
    Key::scalar("enabled", Scalar::Bool, "Whether metrics are served.").or("true"),
    Key::record("endpoint", ENDPOINT, "Where they are served."),
    Key::record("registry", REGISTRY, "Limits of the registry."),
    Key::record("histograms", HISTOGRAMS, "Other upper bounds of the histograms' buckets."),
];

const ENDPOINT: &[Key] = &[
    Key::scalar("host", Scalar::Text, "The address or host name to listen on.").or("0.0.0.0"),
    Key::scalar("port", Scalar::Integer { min: 0, max: 65_535 }, "The port; 0 picks a free one.").or("9090"),
    Key::scalar("path", Scalar::Text, "The path of the metrics.").or("/metrics"),
    Key::scalar(
        "web_config_file",
        Scalar::Name,
        "A `web.config.yml` with TLS, credentials, headers or a rate for all paths; it is read again when it changes.",
    ),
];

const REGISTRY: &[Key] = &[
    Key::scalar("max_cardinality", COUNT, "The most series of all metrics together; more share one series.")
        .or("10000"),
    Key::scalar("max_labels_per_metric", COUNT, "The most labels of one metric.").or("10"),
    Key::scalar("max_label_value_length", COUNT, "The longest label value, in characters.").or("256"),
];

const HISTOGRAMS: &[Key] = &[
    Key::of("latency_ms_buckets", BOUNDS, "For latencies, in milliseconds, increasing."),
    Key::of("size_bytes_buckets", BOUNDS, "For sizes, in bytes, increasing."),
    Key::of("throughput_buckets", BOUNDS, "For throughput, in events per second, increasing."),
    Key::of("per_metric", Kind::Map(&BOUNDS), "For single histograms by their names, before the others.").or("{}"),
    Key::of("native", TEXTS, "Names of histograms that have native buckets besides, for scrapes by protobuf.").or("[]"),
];

const OPENTELEMETRY: &[Key] = &[
    Key::scalar("enabled", Scalar::Bool, "Whether anything is exported.").only("false"),
    Key::record("otlp", OTLP, "Where it is sent."),
    Key::record("tracing", TRACING, "Traces."),
    Key::record("metrics", OTEL_METRICS, "Metrics."),
    Key::record("resource", RESOURCE, "What describes this process."),
];

const OTLP: &[Key] = &[
    Key::scalar("endpoint", Scalar::Url, "The collector.").or("http://127.0.0.1:4317"),
    Key::scalar("protocol", Scalar::Choice(&[choice("grpc"), choice("http/protobuf")]), "How it is spoken to.")
        .or("grpc"),
    Key::scalar("timeout_seconds", COUNT, "How long one export may take.").or("10"),
    Key::scalar("compression", Scalar::Choice(&[choice("gzip"), choice("none")]), "How exports are compressed.")
        .or("gzip"),
];

const TRACING: &[Key] = &[
    Key::scalar("enabled", Scalar::Bool, "Whether traces are exported.").or("true"),
    Key::record("sampling", SAMPLING, "Which traces are kept."),
    Key::record("batch", BATCH, "How spans are collected before they are sent."),
];

const SAMPLING: &[Key] = &[
    Key::scalar("strategy", Scalar::Choice(STRATEGIES), "How a trace is chosen.").or("parent_based"),
    Key::scalar("ratio", SHARE, "The share of traces that is kept.").or("0.1"),
];

const STRATEGIES: &[Choice] =
    &[choice("always_on"), choice("always_off"), choice("trace_id_ratio"), choice("parent_based")];

const BATCH: &[Key] = &[
    Key::scalar("max_queue_size", COUNT, "The most spans that wait.").or("2048"),
    Key::scalar("max_export_batch_size", COUNT, "The most spans of one export.").or("512"),
    Key::scalar("scheduled_delay_ms", COUNT, "The longest wait before an export.").or("5000"),
    Key::scalar("export_timeout_ms", COUNT, "How long one export may take.").or("30000"),
];

const OTEL_METRICS: &[Key] = &[
    Key::scalar("enabled", Scalar::Bool, "Whether metrics are exported.").or("true"),
    Key::scalar("export_interval_seconds", COUNT, "The time between two exports.").or("60"),
    Key::scalar(
        "temporality",
        Scalar::Choice(&[choice("cumulative"), choice("delta")]),
        "What a counter's value counts from.",
    )
    .or("cumulative"),
];

const RESOURCE: &[Key] = &[Key::of("attributes", Kind::Map(&TEXT), "Attributes by name.").or("{}")];

const CARDINALITY: &[Key] = &[
    Key::scalar("max_total_series", COUNT, "The same as `registry.max_cardinality`; unequal values are a fault.")
        .or("10000"),
    Key::scalar(
        "max_series_per_metric",
        COUNT,
        "The most series of one metric; past that the label that explodes is folded.",
    )
    .or("1000"),
    Key::scalar("warning_threshold", SHARE, "The share of a limit that is worth a warning.").or("0.8"),
    Key::scalar("critical_threshold", SHARE, "The share of a limit that is critical.").or("0.95"),
    Key::of("high_cardinality_labels", TEXTS, "Label names that are refused because their values have no bound.")
        .or("[user_id, session_id, request_id, trace_id, timestamp, ip_address]"),
];

const SOURCE: &[Key] = &[
    Key::of("file", Kind::Record(FILE_SOURCE), "Files and standard input."),
    Key::of("kafka", Kind::Record(KAFKA_SOURCE), "A consumer group.").later(),
];

const FILE_SOURCE: &[Key] = &[
    Key::of("paths", TEXTS, "Files and globs; `-` is standard input; `.gz` and `.zst` are decompressed.").required(),
    Key::scalar(
        "format",
        Scalar::Choice(&[choice("ndjson"), choice("csv"), later("cloudevents")]),
        "How the input is written; by default its extension decides.",
    ),
    Key::scalar(
        "partitions",
        Scalar::Choice(&[choice("one"), choice("per_file")]),
        "`one`: files follow each other in name order; `per_file`: each is a partition of its own.",
    )
    .or("one"),
    Key::scalar("follow", Scalar::Bool, "Whether to wait for more at the end, and for files that are yet to come.")
        .or("false"),
    Key::scalar("speed", Scalar::Speed, "`max`, or a factor of event time: 1 is live, 60 plays an hour in a minute.")
        .or("max"),
    Key::scalar("max_line_bytes", Scalar::Size, "A longer line is a dead letter.").or("1MiB"),
];

const KAFKA_SOURCE: &[Key] = &[
    Key::scalar("brokers", Scalar::Text, "Addresses to begin with, separated by commas.").required(),
    Key::of("topics", TEXTS, "What to read.").required(),
    Key::scalar("group_id", Scalar::Text, "The consumer group.").or("streamgauge"),
    Key::scalar(
        "auto_offset_reset",
        Scalar::Choice(&[choice("earliest"), choice("latest")]),
        "Where a new group begins.",
    )
    .or("earliest"),
    Key::of("properties", Kind::Map(&TEXT), "Further settings of the client.").or("{}"),
];

const EVENT: &[Key] = &[
    Key::scalar(
        "preset",
        Scalar::Choice(&[choice("llm")]),
        "`llm`: the mapping of the built-in LLM request event; what stands beside it overrides it.",
    ),
    Key::scalar("id", Scalar::PointerOrNone, "The event's identity, or `none`.").or("none"),
    Key::of("type", Kind::Either(Scalar::Pointer, TYPE_VALUE), "The event's type: a pointer, or one value for all.")
        .or("{value: event}"),
    Key::of("time", Kind::Record(TIME), "When the event happened.").required(),
    Key::of("strings", Kind::Map(&POINTER), "Text fields by name, for keys and filters.").or("{}"),
    Key::of("numbers", Kind::Map(&POINTER), "Number fields by name, for aggregates.").or("{}"),
];

const TYPE_VALUE: &[Key] = &[Key::scalar("value", Scalar::Text, "The type of every event.").required()];

const TIME: &[Key] = &[
    Key::scalar("from", Scalar::Pointer, "Where the time stands.").required(),
    Key::scalar(
        "format",
        Scalar::TimeFormat,
        "`rfc3339`, `unix_s`, `unix_ms`, `unix_us`, `unix_ns` or a strptime pattern, read as UTC.",
    )
    .or("rfc3339"),
];

const DEDUPLICATE: &[Key] = &[
    Key::scalar("enabled", Scalar::Bool, "Whether to; needs `event.id`.").or("false"),
    Key::scalar("ttl", POSITIVE, "How long after its first event, in event time, an id is known.").or("10m"),
    Key::scalar("max_entries", COUNT, "The most ids that are remembered.").or("10000000"),
];

const WATERMARK: &[Key] = &[
    Key::scalar("max_out_of_orderness", NOT_NEGATIVE, "How far the watermark stays behind the highest event time.")
        .or("5s"),
    Key::scalar("idle_timeout", POSITIVE, "After this long without events a live input lets the watermark move on.")
        .or("30s"),
    Key::scalar("max_drift", POSITIVE, "A live partition further ahead of the lowest one in event time waits for it.")
        .or("1m"),
    Key::scalar("max_future_skew", NOT_NEGATIVE, "An event further ahead of the wall clock is a dead letter.").or("5m"),
];

const WINDOW: &[Key] = &[
    Key::scalar("name", Scalar::Name, "Its unique name.").required(),
    Key::scalar(
        "type",
        Scalar::Choice(&[choice("tumbling"), choice("sliding"), choice("session")]),
        "How it cuts time: into windows side by side, into overlapping ones, or wherever a key was silent for long enough.",
    )
    .or("tumbling"),
    Key::scalar("size", POSITIVE, "The length of a tumbling or sliding window."),
    Key::scalar("slide", POSITIVE, "From the start of a sliding window to the start of the next: at most size, at least size / 10000."),
    Key::scalar("gap", POSITIVE, "The silence that ends a session; events exactly this far apart belong together."),
    Key::scalar("offset", SIGNED, "Shifts the windows' alignment to the epoch; may be negative.").or("0s"),
    Key::scalar("allowed_lateness", NOT_NEGATIVE, "How long after its end a window still takes late events.").or("0s"),
    Key::of("key", TEXTS, "The string fields to group by; `[]` is one group for all.").or("[]"),
    Key::scalar("max_keys", COUNT, "The most live keys; further ones fold into `__other__`.").or("100000"),
    Key::of(
        "aggregates",
        Kind::Map(&AGGREGATE),
        "What is computed, by name: `count`; of a number field `sum(field)`, `avg(field)`, `min(field)`, `max(field)`, \
         `stddev(field)`, `percentile(field, 0.99)`; of a string field `distinct(field)`.",
    )
    .or("{count: count}"),
];

const STATE: &[Key] = &[
    Key::scalar("backend", Scalar::Choice(BACKENDS), "Where state is kept.").or("memory"),
    Key::scalar("path", Scalar::Name, "The folder of the disk backend.").or("state"),
    Key::scalar("url", Scalar::Url, "The server of the redis or postgres backend.").later(),
    Key::scalar("commit_interval", POSITIVE, "The time between two commits.").or("1s"),
];

const BACKENDS: &[Choice] = &[choice("memory"), choice("disk"), later("redis"), later("postgres")];

const SINK: &[Key] = &[
    Key::of("stdout", Kind::Record(&[]), "Standard output."),
    Key::of("file", Kind::Record(FILE_SINK), "A file."),
    Key::of("kafka", Kind::Record(KAFKA_SINK), "A topic.").later(),
];

const FILE_SINK: &[Key] = &[
    Key::scalar("path", Scalar::Name, "Where it is.").required(),
    Key::scalar(
        "existing",
        Scalar::Choice(&[choice("append"), choice("truncate"), choice("refuse")]),
        "What to do if it is there already.",
    )
    .or("refuse"),
];

const KAFKA_SINK: &[Key] = &[
    Key::scalar("brokers", Scalar::Text, "Addresses to begin with, separated by commas."),
    Key::scalar("topic", Scalar::Text, "Where to write.").required(),
    Key::of("properties", Kind::Map(&TEXT), "Further settings of the client.").or("{}"),
];
