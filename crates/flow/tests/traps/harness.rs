//! A pipeline and what comes out of it.

use streamgauge_flow::{
    Account, AggregateSettings, Batch, Block, Decoder, Deduplicate, Effects, EndToEnd, Format, Function, Mapping,
    Pipeline, Reason, Settings, Span, TimeFormat, Timing, TypeFrom, Value, WallTime, WatermarkSettings, WindowKind,
    WindowSettings,
};
use streamgauge_metrics::{Registry, Snapshot};

/// 2024-01-01T00:00:00Z in seconds.
pub(crate) const NEW_YEAR: i64 = 1_704_067_200;

/// A pipeline with ten-second windows, 5 s out of orderness and 5 min of future skew, and what comes out of it.
pub(crate) struct Run {
    pub(crate) decoder: Decoder,
    pub(crate) pipeline: Pipeline,
    pub(crate) effects: Effects,
    pub(crate) registry: Registry,
    pub(crate) now: WallTime,
}

pub(crate) fn wall(seconds: i64) -> WallTime {
    WallTime::from_nanos(i128::from(seconds) * 1_000_000_000)
}

pub(crate) fn settings() -> Settings {
    let at = |text: &str| text.parse().unwrap();
    Settings {
        format: Format::Ndjson,
        mapping: Mapping {
            id: Some(at("/id")),
            event_type: TypeFrom::Value("t".to_owned()),
            time: at("/time"),
            time_format: TimeFormat::UnixSeconds,
            strings: vec![("tenant".to_owned(), at("/tenant"))],
            numbers: vec![("n".to_owned(), at("/n"))],
        },
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: Some(Deduplicate { ttl: Span::from_secs(60), max_entries: 1 << 20 }),
        watermark: WatermarkSettings {
            max_out_of_orderness: Span::from_secs(5),
            max_future_skew: Span::from_secs(300),
        },
        windows: vec![WindowSettings {
            name: "w".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(10), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![0],
            max_keys: 100,
            aggregates: vec![AggregateSettings { name: "n".to_owned(), function: Function::Count }],
        }],
        llm: None,
    }
}

impl Run {
    pub(crate) fn new(settings: Settings) -> Self {
        let registry = Registry::new();
        Run {
            decoder: Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes),
            pipeline: Pipeline::new(settings, &registry).unwrap(),
            effects: Effects::default(),
            registry,
            now: wall(NEW_YEAR),
        }
    }

    pub(crate) fn feed(&mut self, lines: &[u8]) -> Account {
        let block = self.decoder.decode(Block { bytes: lines.to_vec(), ..Block::default() });
        let batch = Batch { source: "t", partition: 0, decoded: &block, from: 0, in_turn: false };
        self.pipeline.step(&batch, self.now, None, &mut self.effects).unwrap();
        self.pipeline.account()
    }

    /// An event of this tenant, this many seconds after the new year.
    pub(crate) fn event(&mut self, id: &str, tenant: &str, seconds: i64) -> Account {
        let time = NEW_YEAR + seconds;
        self.feed(format!(r#"{{"id":"{id}","tenant":"{tenant}","time":{time}}}"#).as_bytes())
    }

    /// The reasons of the dead letters.
    pub(crate) fn dead(&self) -> Vec<Reason> {
        self.effects.dead.iter().map(|row| row.reason).collect()
    }

    pub(crate) fn snapshot(&mut self) -> Snapshot {
        let timing = Timing {
            processing_ms: 1.0,
            end_to_end: EndToEnd::Each(&|time| (self.now.as_nanos() - time.as_nanos()) as f64 / 1e6),
            now: self.now.as_event_time(),
        };
        self.pipeline.record(&timing);
        self.registry.snapshot()
    }

    /// The rows so far as `window key start..end = values #revision`, in seconds since the new year.
    pub(crate) fn rows(&self) -> Vec<String> {
        let second = |time: streamgauge_flow::EventTime| {
            let millis = time.as_nanos() / 1_000_000 - i128::from(NEW_YEAR) * 1000;
            if millis % 1000 == 0 { (millis / 1000).to_string() } else { format!("{:.3}", millis as f64 / 1e3) }
        };
        let value = |value: &Value| match value {
            Value::Null => "null".to_owned(),
            Value::Whole(whole) => whole.to_string(),
            Value::Double(double) => double.to_string(),
        };
        let row = |row: streamgauge_flow::Row<'_>| {
            let values = row.values.map(|values| values.iter().map(value).collect::<Vec<_>>().join(" "));
            let (start, end, key) = (second(row.start), second(row.end), row.key.iter().collect::<Vec<_>>().join(" "));
            let values = values.unwrap_or_else(|| "taken back".to_owned());
            format!("{} {key} {start}..{end} = {values} #{}", row.names.window, row.revision)
        };
        self.effects.rows.iter().map(row).collect()
    }
}
