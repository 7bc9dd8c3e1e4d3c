//! Clocks, units, identity, and records that are none.

use streamgauge_flow::{Batch, Block, Deduplicate, EventTime, Keep, Reason, Span, TimeFormat};

use crate::harness::{NEW_YEAR, Run, settings, wall};

#[test]
fn trap_2_when_all_inputs_are_quiet_the_last_window_comes_by_the_clock_and_ages_until_then() {
    let mut run = Run::new(settings());
    run.event("a", "x", 3);
    run.now = wall(NEW_YEAR + 13);
    assert_eq!(run.snapshot().gauge("stream_processor_oldest_open_window_age_ms", &[]), Some(13_000.0));
    run.pipeline.idle(0, &mut run.effects);
    run.pipeline.pass(Span::from_secs(11), &mut run.effects);
    assert!(run.effects.rows.is_empty(), "the watermark is at 9 s");
    run.pipeline.pass(Span::from_secs(12), &mut run.effects);
    assert_eq!(run.effects.rows.len(), 1);
    assert_eq!(run.snapshot().gauge("stream_processor_oldest_open_window_age_ms", &[]), Some(0.0));
    assert_eq!(run.snapshot().gauge("stream_processor_partition_idle", &[("partition", "0")]), Some(1.0));
}

/// A clock in one unit read as another is off by a factor of a thousand: such times are refused, not believed.
#[test]
fn trap_14_each_unit_of_time_is_read_as_configured_and_the_wrong_one_is_refused() {
    let units = [
        (TimeFormat::UnixSeconds, "1704067200.5"),
        (TimeFormat::UnixMillis, "1704067200500"),
        (TimeFormat::UnixMicros, "\"1704067200500000\""),
        (TimeFormat::UnixNanos, "1704067200500000000"),
        (TimeFormat::Rfc3339, "\"2024-01-01T01:00:00.5+01:00\""),
    ];
    let read = |format: &TimeFormat, time: &str| {
        let mut settings = settings();
        settings.mapping.time_format = format.clone();
        let mut run = Run::new(settings);
        run.feed(format!(r#"{{"id":"a","time":{time}}}"#).as_bytes());
        let mark = run.pipeline.watermark().get().map(|mark| mark + Span::from_secs(5));
        (mark, run.dead())
    };
    let half_past = EventTime::from_nanos((i128::from(NEW_YEAR) * 10 + 5) * 100_000_000);
    for (format, time) in &units {
        assert_eq!(read(format, time), (Some(half_past), vec![]), "{time}");
    }
    let wrong = [
        (&units[0].0, units[1].1, Reason::InvalidTimestamp), // the year 55969
        (&units[2].0, units[3].1, Reason::InvalidTimestamp),
        (&units[4].0, "\"2024-01-01 00:00:00\"", Reason::InvalidTimestamp), // no zone
        (&units[4].0, "1704067200", Reason::InvalidTimestamp),
    ];
    for (format, time, reason) in wrong {
        assert_eq!(read(format, time), (None, vec![reason]), "{time}");
    }
    let leap = read(&TimeFormat::Rfc3339, "\"2016-12-31T23:59:60Z\"");
    assert_eq!(leap, read(&TimeFormat::Rfc3339, "\"2017-01-01T00:00:00Z\""), "second 60 is the next second");
}

#[test]
fn trap_15_an_event_from_the_future_is_a_dead_letter_and_makes_nobody_late() {
    let mut run = Run::new(settings());
    run.event("a", "x", 0);
    run.event("b", "x", 10 * 365 * 86_400);
    run.event("c", "y", 301);
    assert_eq!(run.dead(), [Reason::FutureTimestamp, Reason::FutureTimestamp]);
    let account = run.event("d", "y", 1);
    assert_eq!((account.processed, account.late, account.dead_letters), (2, 0, 2));
    assert_eq!(run.event("e", "x", 300).processed, 3, "as far ahead as is allowed");
}

/// A clock that was set back an hour, and forward again, as a time server does: event time does not care, the guard against
/// the future follows the clock, and no duration comes out negative.
#[test]
fn trap_16_a_clock_that_steps_changes_no_row_and_no_duration_becomes_negative() {
    let mut run = Run::new(settings());
    for (step, hour) in [(0, 0), (1, -3600), (2, 3600), (3, 0)] {
        run.now = wall(NEW_YEAR + hour);
        let account = run.event(&format!("a{step}"), "x", -4000 + step * 20);
        assert_eq!(account.processed, u64::try_from(step).unwrap() + 1);
        let snapshot = run.snapshot();
        let ages = ["oldest_open_window_age_ms", "watermark_lag_ms"];
        for age in ages {
            let name = format!("stream_processor_{age}");
            let labels: &[(&str, &str)] = if age.starts_with("watermark") { &[("partition", "0")] } else { &[] };
            assert!(snapshot.gauge(&name, labels).unwrap() >= 0.0, "{name} with the clock at {hour} s");
        }
    }
    assert_eq!(run.effects.rows.len(), 3);
    run.now = wall(NEW_YEAR - 3600);
    run.event("far", "x", -3000);
    assert_eq!(run.dead(), [Reason::FutureTimestamp], "by the clock as it stands now");
}

/// The id alone decides: not the tenant, and not what else the event says.
#[test]
fn trap_18_an_id_is_known_for_its_time_to_live_whoever_sends_it_and_whatever_with_it() {
    let mut run = Run::new(settings());
    run.event("a", "x", 0);
    assert_eq!(run.event("a", "y", 1).duplicates, 1, "another tenant");
    let other = format!(r#"{{"id":"a","tenant":"x","n":7,"time":{NEW_YEAR}}}"#);
    assert_eq!(run.feed(other.as_bytes()).duplicates, 2, "another payload");
    run.event("b", "x", 64);
    assert_eq!(run.event("a", "x", 64).duplicates, 3, "the watermark is at 59 s");
    run.event("c", "x", 65);
    let account = run.event("a", "x", 65);
    assert_eq!((account.duplicates, account.processed), (3, 4), "after its time an id counts as new");
    assert_eq!(run.snapshot().gauge("stream_processor_deduplication_entries", &[]), Some(3.0));
    assert_eq!(account.evicted, 0);
}

#[test]
fn trap_18_ids_forgotten_before_their_time_are_counted() {
    let mut settings = settings();
    settings.deduplicate = Some(Deduplicate { ttl: Span::from_secs(60), max_entries: 16 });
    let mut run = Run::new(settings);
    for n in 0..17 {
        run.event(&format!("a{n}"), "x", 0);
    }
    let evicted = run.pipeline.account().evicted;
    assert_eq!(evicted, 1);
    assert_eq!(run.snapshot().counter("stream_processor_deduplication_evictions_total", &[]), Some(evicted));
}

/// A consumer that only counts what it keeps never gets to the end of an input whose last records it drops.
#[test]
fn trap_27_records_that_are_dropped_at_the_end_are_done_with_like_any_other() {
    let mut settings = settings();
    settings.filter = vec![Keep { field: 0, values: vec!["x".to_owned()] }];
    let line =
        |id: &str, tenant: &str, time: i64| format!("{{\"id\":\"{id}\",\"tenant\":\"{tenant}\",\"time\":{time}}}\n");
    let first = line("a", "x", NEW_YEAR);
    let tails =
        [line("a", "x", NEW_YEAR), line("b", "y", NEW_YEAR), line("b", "x", NEW_YEAR - 60), "no event\n".to_owned()];
    for tail in tails {
        let bytes = format!("{first}{tail}").into_bytes();
        let end = bytes.len() as u64;
        let mut run = Run::new(settings.clone());
        let block = run.decoder.decode(Block { bytes, ..Block::default() });
        let batch = Batch { source: "t", partition: 0, decoded: &block, from: 0, in_turn: false };
        let progress = run.pipeline.step(&batch, run.now, None, &mut run.effects).unwrap();
        assert_eq!((progress.done, block.offset_behind(progress.done)), (2, end), "{tail}");
        let account = run.pipeline.account();
        assert_eq!((account.received, account.processed), (2, 1), "{tail}");
    }
}

/// What makes other consumers die and come back for ever is one dead letter here, with its bytes and its place.
#[test]
fn trap_28_no_record_can_poison_those_around_it() {
    let good = |id: usize| format!("{{\"id\":\"{id}\",\"tenant\":\"x\",\"time\":{NEW_YEAR}}}").into_bytes();
    let endless = vec![b'x'; (1 << 20) + 1];
    let poison: [(&[u8], Reason); 9] = [
        (b"\xff\xfe\x00", Reason::InvalidUtf8),
        (b"{\"id\":\"x\",\"ti", Reason::InvalidJson),
        (&[b'['; 10_000], Reason::InvalidJson),
        (&endless, Reason::LineTooLong),
        (b"null", Reason::InvalidJson),
        (b"{\"id\":\"x\",\"time\":NaN}", Reason::InvalidJson),
        (b"{\"id\":\"x\",\"time\":1704067200,\"n\":1e400}", Reason::InvalidField),
        (b"{\"id\":null,\"time\":1704067200}", Reason::MissingField),
        (b"{\"id\":\"x\",\"tenant\":{},\"time\":1704067200}", Reason::InvalidField),
    ];
    let mut run = Run::new(settings());
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for (n, (record, _)) in poison.iter().enumerate() {
        bytes.extend(good(n));
        bytes.push(b'\n');
        places.push(bytes.len() as u64);
        bytes.extend_from_slice(record);
        bytes.push(b'\n');
    }
    let account = run.feed(&bytes);
    assert_eq!((account.processed, account.dead_letters), (9, 9));
    for ((row, (record, reason)), place) in run.effects.dead.iter().zip(poison).zip(places) {
        let kept = record.len().min(64 << 10);
        assert_eq!((row.reason, row.offset, &row.payload[..]), (reason, place, &record[..kept]));
    }
    let doubled = format!("{{\"id\":\"a\",\"id\":\"z\",\"tenant\":\"x\",\"time\":{NEW_YEAR}}}");
    run.feed(doubled.as_bytes());
    assert_eq!(run.event("z", "x", 0).duplicates, 1, "of doubled names the last one counts");
}
