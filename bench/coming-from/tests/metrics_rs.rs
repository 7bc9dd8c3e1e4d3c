//! metrics 0.24, with metrics-exporter-prometheus 0.18 and with our recorder.

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use std::error::Error;
use streamgauge_metrics::encode::{self, Format};
use streamgauge_metrics::{Buckets, Counter, Desc, Facade, Registry, assert_metrics};

fn serve() {
    describe_counter!("api_requests_total", "Requests, by status.");
    describe_histogram!("api_duration_seconds", Unit::Seconds, "Time to answer.");
    counter!("api_requests_total", "status" => "ok").increment(1);
    histogram!("api_duration_seconds").record(0.25);
}

#[test]
fn it_is_used_as_the_guide_shows() -> Result<(), Box<dyn Error>> {
    // Expose; a program installs its recorder for the whole process: `install_recorder()`.
    let recorder = PrometheusBuilder::new().set_buckets(&[0.1, 1.0])?.build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, serve);
    let page = handle.render();
    assert!(page.contains("api_requests_total{status=\"ok\"} 1\n"));
    // Test.
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, serve);
    let (key, _, _, value) = snapshotter.snapshot().into_vec().swap_remove(0);
    assert_eq!((key.key().name(), value), ("api_requests_total", DebugValue::Counter(1)));
    Ok(())
}

#[test]
fn our_recorder_is_used_as_the_guide_shows() -> Result<(), Box<dyn Error>> {
    // Expose; a program installs its recorder for the whole process: `facade.clone().install()?`.
    let registry = Registry::new();
    let facade = Facade::new(&registry)?.with_buckets(Buckets::Custom(vec![0.1, 1.0].into()));
    metrics::with_local_recorder(&facade, serve);
    let page = registry.render_prometheus();
    assert!(page.contains("api_requests_total{status=\"ok\"} 1\n"));
    // Test.
    assert_metrics!(registry, { r#"api_requests_total{status="ok"}"# => 1, "api_duration_seconds_count" => 1 });
    // Metrics that need no macro are on the same page.
    let starts: Counter = registry.register(Desc::of::<Counter>("api_starts_total", "Starts."))?;
    starts.inc();
    Ok(())
}

#[test]
fn a_histogram_that_nobody_has_given_buckets_is_a_summary_there_and_a_histogram_here() -> Result<(), Box<dyn Error>> {
    let (theirs, ours) = (PrometheusBuilder::new().build_recorder(), Registry::new());
    let handle = theirs.handle();
    metrics::with_local_recorder(&theirs, serve);
    metrics::with_local_recorder(&Facade::new(&ours)?, serve);
    assert!(handle.render().contains("# TYPE api_duration_seconds summary\n"));
    assert!(ours.render_prometheus().contains("# TYPE api_duration_seconds histogram\n"));
    Ok(())
}

#[test]
fn a_counter_without_the_ending_gets_it_here_and_not_there() -> Result<(), Box<dyn Error>> {
    let (theirs, ours) = (PrometheusBuilder::new().build_recorder(), Registry::new());
    let handle = theirs.handle();
    let count = || counter!("jobs").increment(1);
    metrics::with_local_recorder(&theirs, count);
    metrics::with_local_recorder(&Facade::new(&ours)?, count);
    assert!(handle.render().contains("\njobs 1\n"));
    assert!(ours.render_prometheus().contains("\njobs_total 1\n"));
    Ok(())
}

#[test]
fn a_name_with_dots_is_rewritten_there_and_told_as_it_is_to_who_can_take_it_here() -> Result<(), Box<dyn Error>> {
    let (theirs, ours) = (PrometheusBuilder::new().build_recorder(), Registry::new());
    let handle = theirs.handle();
    let set = || gauge!("http.open").set(1.0);
    metrics::with_local_recorder(&theirs, set);
    metrics::with_local_recorder(&Facade::new(&ours)?, set);
    assert!(handle.render().contains("\nhttp_open 1\n"));
    let utf8 = Format::negotiate("text/plain;version=1.0.0;escaping=allow-utf-8");
    let page = String::from_utf8(encode::encode(&ours.snapshot(), utf8).body)?;
    assert!(ours.render_prometheus().contains("\nhttp_open 1\n") && page.contains("\n{\"http.open\"} 1\n"));
    Ok(())
}

#[test]
fn a_name_of_two_kinds_is_two_families_there_and_refused_here() -> Result<(), Box<dyn Error>> {
    let (theirs, ours) = (PrometheusBuilder::new().build_recorder(), Registry::new());
    let (handle, facade) = (theirs.handle(), Facade::new(&ours)?);
    let count = || {
        counter!("depth_total").increment(1);
        gauge!("depth_total").set(2.0);
    };
    metrics::with_local_recorder(&theirs, count);
    metrics::with_local_recorder(&facade, count);
    assert_eq!(handle.render().matches("# TYPE depth_total ").count(), 2);
    assert_metrics!(ours, {
        "depth_total" => 1,
        r#"metrics_facade_refused_total{metric="depth_total"}"# => 1,
    });
    assert_eq!(facade.refused().len(), 1);
    Ok(())
}
