//! prometheus-client 0.25.

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Status {
    Ok,
    ServerError,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStatus {
    status: Status,
}

fn page(registry: &Registry) -> Result<String, fmt::Error> {
    let mut page = String::new();
    encode(&mut page, registry)?;
    Ok(page)
}

#[test]
fn it_is_used_as_the_guide_shows() -> fmt::Result {
    // Declare.
    let mut registry = Registry::with_prefix("api");
    let requests = Family::<ByStatus, Counter>::default();
    registry.register("requests", "Requests, by status", requests.clone());
    let duration = Histogram::new([0.1, 1.0]);
    registry.register_with_unit("duration", "Time to answer", Unit::Seconds, duration.clone());
    // Count, observe.
    requests.get_or_create(&ByStatus { status: Status::Ok }).inc();
    duration.observe(0.25);
    // Expose.
    let mut page = String::new();
    encode(&mut page, &registry)?;
    assert!(page.contains("api_requests_total{status=\"Ok\"} 1\n"));
    // Test.
    assert_eq!(requests.get_or_create(&ByStatus { status: Status::Ok }).get(), 1);
    // Remove.
    assert!(requests.remove(&ByStatus { status: Status::Ok }));
    Ok(())
}

#[test]
fn names_and_help_are_edited_and_values_of_enums_are_as_in_the_source() -> fmt::Result {
    let mut registry = Registry::default();
    let requests = Family::<ByStatus, Counter>::default();
    registry.register("requests", "Requests", requests.clone());
    requests.get_or_create(&ByStatus { status: Status::ServerError }).inc();
    let expected =
        "# HELP requests Requests.\n# TYPE requests counter\nrequests_total{status=\"ServerError\"} 1\n# EOF\n";
    assert_eq!(page(&registry)?, expected);
    Ok(())
}

#[test]
fn what_is_registered_twice_is_on_the_page_twice() -> fmt::Result {
    let (mut registry, counter) = (Registry::default(), Counter::<u64>::default());
    registry.register("jobs", "Jobs", counter.clone());
    registry.register("jobs", "Jobs", counter);
    assert_eq!(page(&registry)?.matches("# TYPE jobs counter\njobs_total 0\n").count(), 2);
    Ok(())
}

#[test]
fn a_name_that_no_reader_takes_is_written_as_it_is() -> fmt::Result {
    let (mut registry, counter) = (Registry::default(), Counter::<u64>::default());
    registry.register("jobs of today", "Jobs", counter);
    assert!(page(&registry)?.contains("jobs of today_total 0\n"));
    Ok(())
}

#[test]
fn what_a_removed_series_is_still_told_goes_nowhere() -> fmt::Result {
    let mut registry = Registry::default();
    let requests = Family::<ByStatus, Counter>::default();
    registry.register("requests", "Requests", requests.clone());
    let held = requests.get_or_create_owned(&ByStatus { status: Status::Ok });
    assert!(requests.remove(&ByStatus { status: Status::Ok }));
    held.inc();
    assert!(!page(&registry)?.contains("Ok"));
    Ok(())
}
