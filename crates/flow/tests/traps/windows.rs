//! Windows: late, early, bridged, before 1970, too many keys.

use streamgauge_flow::{Settings, Span, WindowKind, WindowSettings};

use crate::harness::{NEW_YEAR, Run, settings, wall};

const fn s(seconds: i64) -> Span {
    Span::from_secs(seconds)
}

/// One window definition, named w, that counts; no out-of-orderness, no deduplication.
fn window(kind: WindowKind, allowed_lateness: i64) -> Settings {
    let mut settings = settings();
    settings.watermark.max_out_of_orderness = Span::ZERO;
    settings.watermark.max_future_skew = s(100_000_000);
    settings.deduplicate = None;
    let window = WindowSettings { kind, allowed_lateness: s(allowed_lateness), ..settings.windows.remove(0) };
    settings.windows.push(window);
    settings
}

fn tumbling(size: i64) -> WindowKind {
    WindowKind::Tumbling { size: s(size), offset: Span::ZERO }
}

/// What comes out of events of tenant x at these seconds.
fn rows(settings: Settings, seconds: &[i64]) -> Vec<String> {
    fed(settings, seconds).rows()
}

fn fed(settings: Settings, seconds: &[i64]) -> Run {
    let mut run = Run::new(settings);
    for second in seconds {
        run.event("a", "x", *second);
    }
    run
}

/// The same file played at any order within its out-of-orderness: only event time counts.
#[test]
fn trap_5_a_backlog_gives_the_rows_of_the_live_stream_in_whatever_order_within_the_bound_it_comes() {
    let mut settings = window(tumbling(10), 0);
    settings.watermark.max_out_of_orderness = s(5);
    let ended = |seconds: &[i64]| {
        let mut run = fed(settings.clone(), seconds);
        run.pipeline.finish(&mut run.effects);
        (run.rows(), run.pipeline.account().late)
    };
    let live: Vec<i64> = (0..60).collect();
    let (want, _) = ended(&live);
    assert_eq!(want.len(), 6);
    for stride in [2, 3, 5] {
        let shuffled: Vec<i64> = live.chunks(stride).flat_map(|some| some.iter().rev().copied()).collect();
        assert_eq!(ended(&shuffled), (want.clone(), 0));
    }
}

#[test]
fn trap_6_a_late_event_within_the_allowance_corrects_the_row_and_one_at_its_end_is_dropped() {
    let mut run = fed(window(tumbling(10), 5), &[1, 14, 2]);
    assert_eq!(run.rows(), ["w x 0..10 = 1 #0", "w x 0..10 = 2 #1"]);
    run.event("a", "x", 15);
    assert_eq!(run.event("a", "x", 3).late, 1, "the watermark is at end + allowance");
    assert_eq!(run.rows().len(), 2);
    assert_eq!(run.pipeline.account().revisions, 1);
}

#[test]
fn trap_7_what_is_later_is_kept_beside_the_results_and_the_account_adds_up() {
    let run = fed(window(tumbling(10), 0), &[5, 10, 9, 25, 14, 19, 20]);
    let late: Vec<u64> = run.effects.late.iter().map(|row| row.offset).collect();
    assert_eq!(late.len(), 3);
    let account = run.pipeline.account();
    assert_eq!((account.received, account.processed, account.late), (7, 4, 3));
}

#[test]
fn trap_8_an_event_that_is_late_for_some_windows_counts_in_the_others() {
    let sliding = WindowKind::Sliding { size: s(10), slide: s(2), offset: Span::ZERO };
    let mut run = fed(window(sliding, 0), &[20]);
    let account = run.event("a", "x", 15);
    assert_eq!((account.processed, account.late), (2, 0));
    run.pipeline.finish(&mut run.effects);
    let want =
        ["w x 12..22 = 2 #0", "w x 14..24 = 2 #0", "w x 16..26 = 1 #0", "w x 18..28 = 1 #0", "w x 20..30 = 1 #0"];
    assert_eq!(run.rows(), want, "6..16, 8..18 and 10..20 had ended");
}

/// Others end a session at its last event, or tear events apart that are exactly the gap from each other.
#[test]
fn trap_9_events_exactly_a_gap_apart_are_one_session_which_ends_a_gap_after_its_last() {
    let session = WindowKind::Session { gap: s(10) };
    let mut run = fed(window(session, 0), &[0, 10, 21]);
    assert_eq!(run.rows(), ["w x 0..20 = 2 #0"]);
    run.pipeline.finish(&mut run.effects);
    assert_eq!(run.rows()[1..], ["w x 21..31 = 1 #0"]);
}

#[test]
fn trap_10_a_late_event_that_bridges_two_sessions_leaves_one_and_takes_printed_rows_back() {
    let session = WindowKind::Session { gap: s(5) };
    let mut run = fed(window(session, 100), &[0, 9]);
    run.event("a", "x", 4);
    assert_eq!(run.rows(), ["w x 0..5 = 1 #0", "w x 0..5 = taken back #1"], "the session 0..14 is open again");
    run.event("a", "y", 60);
    assert_eq!(run.rows()[2..], ["w x 0..14 = 3 #0"]);
    let mut printed = fed(window(session, 100), &[0, 9, 60]);
    assert_eq!(printed.rows(), ["w x 0..5 = 1 #0", "w x 9..14 = 1 #0"]);
    printed.event("a", "x", 5);
    let after = ["w x 0..5 = taken back #1", "w x 9..14 = taken back #1", "w x 0..14 = 3 #0"];
    assert_eq!(printed.rows()[2..], after, "one session of three");
    assert_eq!(printed.pipeline.account().revisions, 2);
}

#[test]
fn trap_11_an_event_that_is_old_by_itself_is_judged_with_the_session_that_it_belongs_to() {
    let session = WindowKind::Session { gap: s(10) };
    let mut run = fed(window(session, 0), &[0, 8, 16]);
    let account = run.event("a", "x", 3);
    assert_eq!((account.processed, account.late), (4, 0), "by itself it would have ended at 13");
    run.event("b", "y", 17);
    let account = run.event("a", "y", 2);
    assert_eq!((account.processed, account.late), (5, 1), "there is no session of y that it belongs to");
}

#[test]
fn trap_12_a_time_before_1970_lies_in_the_window_that_begins_before_it() {
    let mut settings = window(WindowKind::Tumbling { size: s(10), offset: Span::ZERO }, 0);
    settings.mapping.time_format = streamgauge_flow::TimeFormat::UnixMillis;
    let mut run = Run::new(settings);
    run.now = wall(0);
    run.feed(b"{\"id\":\"a\",\"tenant\":\"x\",\"time\":-1}\n{\"id\":\"b\",\"tenant\":\"x\",\"time\":0}");
    let row = run.effects.rows.iter().next().unwrap();
    assert_eq!((row.start.as_nanos(), row.end.as_nanos()), (-10_000_000_000, 0));
}

/// An offset is fixed: a day that begins at 08:00 UTC begins there all year, whatever local clocks do.
#[test]
fn trap_13_a_day_with_an_offset_has_24_hours_also_when_local_clocks_change() {
    let day = WindowKind::Tumbling { size: s(86_400), offset: s(8 * 3600) };
    // On 10 March 2024 the clocks of Los Angeles went from 02:00 to 03:00.
    let march = 69 * 86_400;
    let rows = rows(window(day, 0), &[march, march + 8 * 3600, march + 32 * 3600, march + 56 * 3600]);
    let (a, b, c, d) = (march - 16 * 3600, march + 8 * 3600, march + 32 * 3600, march + 56 * 3600);
    let want = [(a, b), (b, c), (c, d)].map(|(start, end)| format!("w x {start}..{end} = 1 #0"));
    assert_eq!(rows, want);
}

#[test]
fn trap_33_the_end_of_the_input_closes_every_window_of_every_definition_once() {
    let mut settings = window(tumbling(10), 100);
    let named = |name: &str, kind| WindowSettings { name: name.to_owned(), kind, ..settings.windows[0].clone() };
    let session = named("b", WindowKind::Session { gap: s(3) });
    let sliding = named("a", WindowKind::Sliding { size: s(4), slide: s(2), offset: Span::ZERO });
    settings.windows.extend([session, sliding]);
    let mut run = fed(settings, &[1]);
    run.pipeline.finish(&mut run.effects);
    run.pipeline.finish(&mut run.effects);
    assert_eq!(run.rows(), ["a x -2..2 = 1 #0", "a x 0..4 = 1 #0", "b x 1..4 = 1 #0", "w x 0..10 = 1 #0"]);
    assert_eq!(run.pipeline.open_windows(), 0);
}

/// Rows of the same end come by the name of the window, then by key, byte by byte.
#[test]
fn rows_of_one_firing_come_by_end_then_name_then_key() {
    let mut settings = window(tumbling(10), 0);
    let other = WindowSettings { name: "v".to_owned(), kind: tumbling(5), ..settings.windows[0].clone() };
    settings.windows.push(other);
    let mut run = Run::new(settings);
    for (tenant, second) in [("a", 1), ("z", 7), ("\u{e9}", 6), ("", 8), ("a", 30)] {
        run.event("a", tenant, second);
    }
    let want = [
        "v a 0..5 = 1 #0",
        "v  5..10 = 1 #0",
        "v z 5..10 = 1 #0",
        "v \u{e9} 5..10 = 1 #0",
        "w  0..10 = 1 #0",
        "w a 0..10 = 1 #0",
        "w z 0..10 = 1 #0",
        "w \u{e9} 0..10 = 1 #0",
    ];
    assert_eq!(run.rows(), want);
}

/// Keys come from outside: absent ones are one group, long ones are kept as they are, and too many of them fold.
#[test]
fn trap_38_keys_that_are_absent_long_or_too_many_do_no_harm() {
    let mut settings = window(tumbling(10), 0);
    settings.windows[0].max_keys = 3;
    let mut run = Run::new(settings);
    let long = "k".repeat(10_000);
    run.feed(
        format!("{{\"id\":\"a\",\"time\":{NEW_YEAR}}}\n{{\"id\":\"b\",\"tenant\":null,\"time\":{NEW_YEAR}}}")
            .as_bytes(),
    );
    run.event("c", &long, 1);
    for n in 0..1000 {
        run.event("d", &format!("t{n}"), 2);
    }
    run.event("e", "t0", 3);
    assert_eq!(run.pipeline.account().folded, 999);
    let culprit = run.pipeline.explosions().next().unwrap();
    assert_eq!((&*culprit.window, &*culprit.field, culprit.max_keys, culprit.folded), ("w", "tenant", 3, 999));
    assert!((995..=1015).contains(&culprit.distinct), "{} of 1,002", culprit.distinct);
    assert_eq!(culprit.samples, ["t1", "t2", "t3", "t4", "t5"]);
    assert_eq!(run.snapshot().counter("stream_processor_keys_folded_total", &[("window_type", "tumbling")]), Some(999));
    run.pipeline.finish(&mut run.effects);
    let want =
        ["w  0..10 = 2 #0", "w __other__ 0..10 = 999 #0", &format!("w {long} 0..10 = 1 #0"), "w t0 0..10 = 2 #0"];
    assert_eq!(run.rows(), want);
}
