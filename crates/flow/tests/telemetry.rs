//! What a pipeline tells about itself.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoder, Effects, EndToEnd, EventTime, Format, Function, LlmFields, Mapping,
    Pipeline, Rank, Settings, Span, TimeFormat, Timing, TypeFrom, WallTime, WatermarkSettings, WindowKind,
    WindowSettings,
};
use streamgauge_metrics::{Registry, Snapshot, assert_metrics};

const NOW: WallTime = WallTime::from_nanos(1_000_000_000_000);

fn settings() -> Settings {
    let at = |text: &str| text.parse().unwrap();
    let percentile = Function::Percentile(2, Rank::new(0.99).unwrap());
    let functions = [Function::Count, Function::Stddev(2), percentile, Function::Distinct(0)];
    let numbers = ["input_tokens", "output_tokens", "duration_ms", "time_to_first_token_ms", "cost_usd"];
    Settings {
        format: Format::Ndjson,
        mapping: Mapping {
            id: None,
            event_type: TypeFrom::Value("llm.request".to_owned()),
            time: at("/time"),
            time_format: TimeFormat::UnixSeconds,
            strings: vec![("model".to_owned(), at("/model"))],
            numbers: numbers.map(|name| (name.to_owned(), format!("/{name}").parse().unwrap())).into(),
        },
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: None,
        watermark: WatermarkSettings { max_out_of_orderness: Span::ZERO, max_future_skew: Span::ZERO },
        windows: vec![WindowSettings {
            name: "w".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(10), offset: Span::ZERO },
            allowed_lateness: Span::from_secs(10),
            key: vec![],
            max_keys: 1,
            aggregates: functions
                .map(|function| AggregateSettings { name: function.name().to_owned(), function })
                .into(),
        }],
        llm: Some(LlmFields {
            model: 0,
            input_tokens: 0,
            output_tokens: 1,
            duration_ms: 2,
            time_to_first_token_ms: 3,
            cost_usd: 4,
        }),
    }
}

/// What is told after the lines of each partition were judged, at 1000 s on a clock that counts from 1970.
fn told(partitions: &[String]) -> Snapshot {
    let (settings, registry) = (settings(), Registry::new());
    let mut decoder = Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes);
    let mut pipeline = Pipeline::new(settings, &registry).unwrap().keeping_times(true);
    let mut effects = Effects::default();
    for (partition, lines) in partitions.iter().enumerate() {
        pipeline.open(partition);
        let block = decoder.decode(Block { bytes: lines.clone().into_bytes(), ..Block::default() });
        let batch = Batch { source: "t", partition, decoded: &block, from: 0, in_turn: false };
        pipeline.step(&batch, NOW, None, &mut effects).unwrap();
    }
    let since = |time: EventTime| (NOW.as_nanos() - time.as_nanos()) as f64 / 1e6;
    pipeline.record(&Timing { processing_ms: 1.0, end_to_end: EndToEnd::Each(&since), now: NOW.as_event_time() });
    registry.snapshot()
}

fn events(times: &[i64]) -> String {
    let mut lines = String::new();
    for time in times {
        let _ = writeln!(lines, r#"{{"model":"m","time":{time}}}"#);
    }
    lines
}

#[test]
fn late_events_are_told_apart_by_whether_a_window_still_took_them() {
    let snapshot = told(&[events(&[5, 19, 7, 22, 25, 3])]);
    assert_metrics!(snapshot, {
        "stream_processor_late_events_total{outcome=\"accepted\"}" => 1,
        "stream_processor_late_events_total{outcome=\"dropped\"}" => 1,
        "stream_processor_oldest_open_window_age_ms" => 980_000,
        "stream_processor_watermark_timestamp_ms{partition=\"0\"}" => 25_000,
        "stream_processor_watermark_lag_ms{partition=\"0\"}" => 975_000,
        "stream_processor_partition_idle{partition=\"0\"}" => 0,
    });
    let lateness = snapshot.histogram("stream_processor_lateness_ms", &[]).unwrap();
    assert_eq!((lateness.count(), lateness.sum()), (2, 12_000.0 + 22_000.0));
}

#[test]
fn what_was_computed_for_rows_is_counted_by_function() {
    let snapshot = told(&[events(&[5, 12, 25])]);
    assert_metrics!(snapshot, {
        "stream_processor_aggregations_computed_total{aggregation_type=\"count\"}" => 2,
        "stream_processor_aggregations_computed_total{aggregation_type=\"stddev\"}" => 2,
        "stream_processor_aggregations_computed_total{aggregation_type=\"percentile\"}" => 2,
        "stream_processor_aggregations_computed_total{aggregation_type=\"distinct\"}" => 2,
    });
}

#[test]
fn the_delay_of_a_first_row_is_counted_from_the_end_of_its_window() {
    let snapshot = told(&[events(&[5, 12, 4, 35])]);
    let delay = snapshot.histogram("stream_processor_emission_delay_ms", &[("window_type", "tumbling")]).unwrap();
    assert_eq!((delay.count(), delay.sum()), (2, 990_000.0 + 980_000.0), "the correction at 4 is no first row");
}

#[test]
fn partitions_beyond_the_first_hundred_share_a_name_that_shows_the_last_of_them() {
    let partitions: Vec<String> = (0..120).map(|partition| events(&[500 - partition])).collect();
    let snapshot = told(&partitions);
    assert_metrics!(snapshot, {
        "stream_processor_watermark_timestamp_ms{partition=\"99\"}" => 401_000,
        "stream_processor_watermark_timestamp_ms{partition=\"other\"}" => 381_000,
    });
}

#[test]
fn llm_requests_are_counted_by_model_and_those_past_the_fiftieth_together() {
    let mut lines = String::new();
    for model in 0..60 {
        let numbers = r#""input_tokens":100,"output_tokens":7,"duration_ms":40.5,"cost_usd":0.25"#;
        let _ = writeln!(lines, r#"{{"model":"m{model}","time":5,{numbers}}}"#);
        let _ = writeln!(lines, r#"{{"model":"m{model}","time":6,{numbers},"time_to_first_token_ms":11}}"#);
    }
    let snapshot = told(&[lines]);
    assert_metrics!(snapshot, {
        "llm_requests_total{model=\"m0\"}" => 2,
        "llm_requests_total{model=\"m49\"}" => 2,
        "llm_requests_total{model=\"other\"}" => 20,
        "llm_tokens_total{model=\"m0\",kind=\"input\"}" => 200,
        "llm_tokens_total{model=\"m0\",kind=\"output\"}" => 14,
        "llm_cost_usd_total{model=\"other\"}" => 5,
    });
    let duration = snapshot.histogram("llm_request_duration_ms", &[("model", "m3")]).unwrap();
    assert_eq!((duration.count(), duration.sum()), (2, 81.0));
    let first_token = snapshot.histogram("llm_time_to_first_token_ms", &[("model", "m3")]).unwrap();
    assert_eq!((first_token.count(), first_token.sum()), (1, 11.0));
}

#[test]
fn latency_is_counted_from_when_each_event_happened_if_the_times_are_kept() {
    let snapshot = told(&[events(&[990, 995])]);
    let latency =
        snapshot.histogram("stream_processor_end_to_end_latency_ms", &[("event_type", "llm.request")]).unwrap();
    assert_eq!((latency.count(), latency.sum()), (2, 15_000.0));
}
