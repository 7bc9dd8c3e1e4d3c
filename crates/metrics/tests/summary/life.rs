//! Series that come and go, declarations, and what the formats write.

use streamgauge_metrics::encode::{self, Escaping, Format, Protocol};
use streamgauge_metrics::{
    Clock, Desc, Family, Gauge, Kind, LabelSet, LabelValue, Metrics, Options, Quantiles, RegisterError, Registry,
    Removal, Summary, assert_metrics, test::ABSENT,
};

use super::SLICE;

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Ending {
    Done,
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByEnding {
    ending: Ending,
}

#[derive(Metrics)]
#[metrics(prefix = "llm")]
struct Answers {
    /// Length of an answer in tokens.
    #[metrics(quantiles = [0.5, 0.999])]
    answer_tokens: Summary,
    /// Time to answer, by how it ended.
    #[metrics(unit = "ms", quantiles = Quantiles::from([0.9]).with_window(SLICE, 3))]
    answer_ms: Family<Summary, ByEnding>,
    /// Time to the first token, by model.
    #[metrics(labels = ["model"])]
    first_token_ms: Family<Summary>,
}

#[test]
fn a_declaration_says_quantiles_and_window() {
    let descs = Answers::describe();
    assert!(descs.iter().all(|desc| desc.kind() == Kind::Summary && desc.validate().is_ok()));
    let told: Vec<_> = descs.iter().map(|desc| desc.quantiles().unwrap().to_string()).collect();
    assert_eq!(told[0], "0.5, 0.999 of 60s in 5 slices");
    assert_eq!(told[1], "0.9 of 12s in 3 slices");
    assert_eq!(told[2], Quantiles::default().to_string());
}

#[test]
fn the_series_of_a_family_are_told_by_their_labels() {
    let registry = Registry::new();
    let answers = Answers::register(&registry).unwrap();
    assert!(answers.answer_tokens.get().quantile(0.999).unwrap().is_nan());
    answers.answer_ms.get_or_create(&ByEnding { ending: Ending::Done }).observe(3.0);
    answers.first_token_ms.get_or_create(&[("model", "large")]).observe(0.25);
    answers.first_token_ms.get_or_create(&[("model", "large")]).observe(0.75);
    assert_metrics!(registry, {
        r#"llm_answer_tokens{quantile="0.5"}"# => f64::NAN,
        r#"llm_answer_ms{quantile="0.90", ending="done"}"# => 3,
        r#"llm_answer_ms_count{ending="failed"}"# => ABSENT,
        r#"llm_first_token_ms_count{model="large"}"# => 2,
        r#"llm_first_token_ms_sum{model="large"}"# => 1,
        r#"llm_first_token_ms{quantile="0.5", model="large"}"# => 0.5,
    });
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.summary("llm_first_token_ms", &[("model", "large")]).unwrap().count(), 2);
    assert_eq!(snapshot.summary("llm_first_token_ms", &[("model", "small")]), None);
}

/// A look-up that was remembered went on with what its thread had of the removed series.
#[test]
fn trap_34_a_series_that_was_removed_begins_at_nothing_if_it_comes_back() {
    let registry = Registry::new();
    let answers = Answers::register(&registry).unwrap();
    let (by_ending, by_model) = (&answers.answer_ms, &answers.first_token_ms);
    let (failed, large) = (ByEnding { ending: Ending::Failed }, [("model", "large")]);
    for round in 1..4 {
        for _ in 0..300 * round {
            by_ending.get_or_create(&failed).observe(1.0);
            by_model.get_or_create(&large).observe(1.0);
        }
        std::thread::scope(|scope| {
            scope.spawn(|| by_ending.get_or_create(&failed).observe(2.0));
            scope.spawn(|| by_model.get_or_create(&large).observe(2.0));
        });
        let snapshot = registry.snapshot();
        for one in
            [snapshot.summary("llm_answer_ms", &[("ending", "failed")]), snapshot.summary("llm_first_token_ms", &large)]
        {
            let one = one.unwrap();
            assert_eq!((one.count(), one.sum().to_bits()), (300 * round + 1, (300.0 * round as f64 + 2.0).to_bits()));
        }
        assert_eq!((by_ending.remove(&failed), by_model.remove(&large)), (Removal::Removed, Removal::Removed));
        by_ending.get_or_create(&failed);
        let snapshot = registry.snapshot();
        let begun = snapshot.summary("llm_answer_ms", &[("ending", "failed")]).unwrap();
        assert_eq!((begun.count(), begun.quantile(0.9).map(f64::is_nan)), (0, Some(true)));
    }
}

#[test]
fn a_handle_keeps_its_series_whatever_became_of_the_place_it_was_in() {
    let family: Family<Summary> = Family::with_labels(["model"]);
    let held = family.handle(&[("model", "large")]);
    held.observe(1.0);
    assert_eq!(family.remove(&[("model", "large")]), Removal::Held);
    for _ in 0..100 {
        family.get_or_create(&[("model", "small")]).observe(9.0);
        assert_eq!(family.remove(&[("model", "small")]), Removal::Removed);
        held.observe(1.0);
    }
    assert_eq!((held.get().count(), held.get().sum().to_bits()), (101, 101.0_f64.to_bits()));
}

#[test]
fn what_a_summary_refuses_is_counted() {
    let registry = Registry::new();
    let wait: Summary = registry.register(Desc::of::<Summary>("wait", "Waiting.")).unwrap();
    wait.observe(f64::NAN);
    assert_metrics!(registry, {
        r#"metrics_registry_refused_total{metric="wait",reason="not_a_number"}"# => 1,
        "wait_count" => 1,
        "wait_sum" => 0,
    });
}

#[test]
fn a_name_that_a_summary_writes_is_not_another_metric_s() {
    for name in ["wait_count", "wait_sum"] {
        let registry = Registry::new();
        registry.register::<Summary>(Desc::of::<Summary>("wait", "Waiting.")).unwrap();
        let refused = registry.register::<Gauge>(Desc::of::<Gauge>(name, "Level."));
        assert!(matches!(refused, Err(RegisterError::Clash { .. })), "{name}");
    }
}

#[test]
fn text_formats_write_quantiles_sum_and_count() {
    let clock = Clock::manual();
    let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Summary>>("wait_ms", "Waiting.").with_labels(["queue"]).with_quantiles([0.5, 1.0]);
    let wait: Family<Summary> = registry.register(desc.with_unit("ms")).unwrap();
    wait.get_or_create(&[("queue", "a")]).observe(2.0);
    let page = |protocol| {
        let snapshot = registry.snapshot_of(|desc| desc.name() == "wait_ms");
        String::from_utf8(encode::encode(&snapshot, Format::new(protocol, Escaping::Underscores)).body).unwrap()
    };
    let plain = concat!(
        "# HELP wait_ms Waiting.\n",
        "# TYPE wait_ms summary\n",
        "wait_ms{queue=\"a\",quantile=\"0.5\"} 2\n",
        "wait_ms{queue=\"a\",quantile=\"1\"} 2\n",
        "wait_ms_sum{queue=\"a\"} 2\n",
        "wait_ms_count{queue=\"a\"} 1\n",
    );
    assert_eq!(page(Protocol::Text004), plain);
    clock.advance(5 * SLICE);
    let open = concat!(
        "# TYPE wait_ms summary\n",
        "# UNIT wait_ms ms\n",
        "# HELP wait_ms Waiting.\n",
        "wait_ms{queue=\"a\",quantile=\"0.5\"} NaN\n",
        "wait_ms{queue=\"a\",quantile=\"1.0\"} NaN\n",
        "wait_ms_sum{queue=\"a\"} 2.0\n",
        "wait_ms_count{queue=\"a\"} 1\n",
        "# EOF\n",
    );
    assert_eq!(page(Protocol::OpenMetrics100), open);
    wait.get_or_create(&[("queue", "a")]).observe(-5.0);
    let page_without = page(Protocol::OpenMetrics100);
    assert!(!page_without.contains("_sum"), "sums there are counters, which are not negative");
    assert!(!page_without.contains("quantile"), "and quantiles are not either: {page_without}");
    assert!(page(Protocol::Text004).contains("wait_ms_sum{queue=\"a\"} -3\n"));
}
