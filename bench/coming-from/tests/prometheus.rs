//! prometheus 0.14.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

fn by(labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new("requests_total", "Requests."), labels)
}

fn page(registry: &Registry) -> prometheus::Result<String> {
    TextEncoder::new().encode_to_string(&registry.gather())
}

#[test]
fn it_is_used_as_the_guide_shows() -> prometheus::Result<()> {
    // Declare.
    let registry = Registry::new();
    let requests = IntCounterVec::new(Opts::new("api_requests_total", "Requests, by status."), &["status"])?;
    registry.register(Box::new(requests.clone()))?;
    let options = HistogramOpts::new("api_duration_seconds", "Time to answer.").buckets(vec![0.1, 1.0]);
    let duration = Histogram::with_opts(options)?;
    registry.register(Box::new(duration.clone()))?;
    // Count, observe.
    requests.with_label_values(&["ok"]).inc();
    duration.observe(0.25);
    // Expose.
    let page = TextEncoder::new().encode_to_string(&registry.gather())?;
    assert!(page.contains("api_requests_total{status=\"ok\"} 1\n"));
    // Test.
    assert_eq!(requests.with_label_values(&["ok"]).get(), 1);
    assert_eq!(duration.get_sample_count(), 1);
    // Remove.
    requests.remove_label_values(&["ok"])?;
    Ok(())
}

#[test]
fn two_label_sets_whose_texts_join_to_the_same_are_one_series() -> prometheus::Result<()> {
    let requests = by(&["a", "b"])?;
    requests.with_label_values(&["ab", "c"]).inc();
    assert_eq!(requests.with_label_values(&["a", "bc"]).get(), 1);
    Ok(())
}

#[test]
fn to_look_a_value_up_is_to_make_its_series() -> prometheus::Result<()> {
    let (registry, requests) = (Registry::new(), by(&["status"])?);
    registry.register(Box::new(requests.clone()))?;
    assert_eq!(requests.with_label_values(&["typo"]).get(), 0);
    assert!(page(&registry)?.contains("requests_total{status=\"typo\"} 0\n"));
    Ok(())
}

#[test]
#[should_panic(expected = "InconsistentCardinality")]
fn too_few_label_values_are_a_panic() {
    if let Ok(requests) = by(&["a", "b"]) {
        requests.with_label_values(&["one"]).inc();
    }
}

#[test]
fn what_a_removed_series_is_still_told_goes_nowhere() -> prometheus::Result<()> {
    let (registry, requests) = (Registry::new(), by(&["status"])?);
    registry.register(Box::new(requests.clone()))?;
    let held = requests.with_label_values(&["ok"]);
    requests.remove_label_values(&["ok"])?;
    held.inc();
    assert!(!page(&registry)?.contains("ok"));
    assert_eq!(requests.with_label_values(&["ok"]).get(), 0);
    Ok(())
}

#[test]
fn who_registers_a_name_again_gets_an_error_and_no_handle() -> prometheus::Result<()> {
    let (registry, counter) = (Registry::new(), IntCounter::new("jobs_total", "Jobs.")?);
    registry.register(Box::new(counter.clone()))?;
    assert!(matches!(registry.register(Box::new(counter)), Err(prometheus::Error::AlreadyReg)));
    Ok(())
}

#[test]
fn whole_numbers_beyond_what_a_float_holds_are_rounded_on_the_page() -> prometheus::Result<()> {
    let (registry, counter) = (Registry::new(), IntCounter::new("jobs_total", "Jobs.")?);
    registry.register(Box::new(counter.clone()))?;
    counter.inc_by((1 << 53) + 1);
    assert!(page(&registry)?.contains("jobs_total 9007199254740992\n"));
    Ok(())
}
