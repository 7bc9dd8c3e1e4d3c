//! From values of the right shape to proven types: what only several keys together, or the machine, can tell.

mod event;
mod files;
mod observability;
mod output;
mod source;
mod state;
mod windows;

pub(crate) use output::user_of;

use std::time::Duration;

use streamgauge_flow::{Settings, Span, WatermarkSettings};
use streamgauge_yaml::Faults;

use super::value::Value;
use super::{Config, Delivery};

/// Everything that was proven; some of it may be missing where a fault was reported.
pub(crate) fn prove(root: &Value, faults: &mut Faults) -> Option<Config> {
    let service = observability::service(root);
    let prometheus = observability::prometheus(root, faults);
    observability::contradictions(root, faults);
    let event = event::prove(root, faults);
    let windows = windows::prove(root, &event.fields, faults);
    let source = source::prove(root, event.mapping.as_ref(), faults);
    let outputs = output::prove(root, &source, faults);
    let state = state::prove(root, faults);
    let delivery = delivery(root, faults);
    Some(Config {
        service: service?,
        prometheus: prometheus.ok()?,
        source: source.source?,
        pipeline: Settings {
            format: source.format?,
            mapping: event.mapping?,
            max_record_bytes: source.max_record_bytes?,
            filter: event.filter?,
            deduplicate: event.deduplicate.ok()?,
            watermark: watermark(root)?,
            windows: windows?,
            llm: event.llm,
        },
        idle_timeout: duration(root.span("watermark.idle_timeout")?)?,
        max_drift: root.span("watermark.max_drift")?,
        state: state?,
        delivery,
        workers: root.parse("workers"),
        sink: outputs.sink?,
        late: outputs.late.ok()?,
        dead_letter: outputs.dead_letter.ok()?,
    })
}

fn watermark(root: &Value) -> Option<WatermarkSettings> {
    Some(WatermarkSettings {
        max_out_of_orderness: root.span("watermark.max_out_of_orderness")?,
        max_future_skew: root.span("watermark.max_future_skew")?,
    })
}

fn duration(span: Span) -> Option<Duration> {
    u64::try_from(span.as_nanos()).ok().map(Duration::from_nanos)
}

/// Exactly-once rests on state that outlives the process, on input that can be read again and on output that can be cut back.
fn delivery(root: &Value, faults: &mut Faults) -> Delivery {
    let Some(delivery) = root.get("delivery").filter(|d| d.text() == Some("exactly_once")) else {
        return Delivery::AtLeastOnce;
    };
    let mut refuse = |why: &str| faults.push(delivery.fault(format!("exactly_once contradicts {why}")));
    for output in ["sink", "late", "dead_letter"] {
        if root.at(&format!("{output}.stdout")).is_some() {
            refuse(&format!("{output}.stdout: what was printed cannot be taken back; expected a file or kafka sink"));
        }
    }
    if root.says("state.backend", "memory") {
        refuse("state.backend memory: it does not outlive the process; expected a durable backend");
    }
    let paths = root.at("source.file.paths").and_then(Value::items).unwrap_or_default();
    if paths.iter().any(|p| p.text() == Some("-")) {
        refuse("standard input in source.file.paths: it cannot be read again; expected files");
    }
    Delivery::ExactlyOnce
}
