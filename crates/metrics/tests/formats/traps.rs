//! The traps of exposition formats, by their numbers, as far as they concern what is written.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use streamgauge_metrics::encode::{self, Escaping, Fault, Format, Protocol};
use streamgauge_metrics::{
    Buckets, Counter, Declared, Desc, Family, Gauge, Histogram, Info, LabelSet, Registry, StateSet,
};

use crate::page::{Exemplar, Sample, formats, told};

const OPEN_METRICS: Format = Format::new(Protocol::OpenMetrics100, Escaping::AllowUtf8);
const TEXT: Format = Format::new(Protocol::Text100, Escaping::AllowUtf8);

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Version {
    version: String,
}

/// A page without what the registry tells of itself, as text.
fn page(registry: &Registry, protocol: Protocol) -> String {
    let snapshot = registry.snapshot_of(|desc| !desc.name().starts_with("metrics_registry_"));
    String::from_utf8(encode::encode(&snapshot, protocol.into()).body).unwrap()
}

fn register<T: Declared>(registry: &Registry, name: &'static str) -> T {
    registry.register(Desc::of::<T>(name, "Help.").with_utf8_names()).unwrap()
}

fn histogram(registry: &Registry, name: &'static str, bounds: &[f64]) -> Histogram {
    let desc = Desc::of::<Histogram>(name, "Help.").with_buckets(Buckets::Custom(bounds.to_vec().into()));
    registry.register(desc).unwrap()
}

fn labelled(registry: &Registry, name: &'static str, labels: &'static [&'static str]) -> Family<Gauge> {
    let desc = Desc::of::<Family<Gauge>>(name, "Help.").with_utf8_names().with_labels(labels.iter().copied());
    registry.register(desc).unwrap()
}

#[test]
fn trap_1_a_label_value_is_the_same_in_every_format() {
    let registry = Registry::new();
    let family = labelled(&registry, "g", &["l"]);
    let values = ["\\", "\\\\", "\"", "\n", "\\n", "a\\\nb\"", "\r\n", "\u{0}", "} 1", ""];
    for value in values {
        family.get_or_create(&[("l", value)]).set(1.0);
    }
    let expected: BTreeSet<_> = values.map(|value| Sample::new("g", &[("l", value)], 1.0)).into();
    for format in formats() {
        let families = told(&registry.snapshot(), format);
        assert_eq!(families[0].samples.iter().cloned().collect::<BTreeSet<_>>(), expected, "{format:?}");
    }
}

#[test]
fn trap_2_a_help_text_is_escaped_as_each_format_wants() {
    let registry = Registry::new();
    let _: Gauge = registry.register(Desc::of::<Gauge>("g", "a\\b\nc \"d\"")).unwrap();
    assert!(page(&registry, Protocol::Text004).starts_with("# HELP g a\\\\b\\nc \"d\"\n"));
    assert!(page(&registry, Protocol::OpenMetrics100).contains("# HELP g a\\\\b\\nc \\\"d\\\"\n"));
    for format in formats() {
        assert_eq!(told(&registry.snapshot(), format)[0].help, "a\\b\nc \"d\"");
    }
}

#[test]
fn trap_3_bounds_are_spelled_as_each_format_wants() {
    let registry = Registry::new();
    histogram(&registry, "h", &[0.00001, 0.5, 1.0, 1e6]);
    let bounds = |protocol| {
        let page = page(&registry, protocol);
        let lines = page.lines().filter_map(|line| line.strip_prefix("h_bucket{le=\"")?.strip_suffix("\"} 0"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(bounds(Protocol::Text004), ["1e-05", "0.5", "1", "1e+06", "+Inf"]);
    assert_eq!(bounds(Protocol::Text100), bounds(Protocol::Text004));
    assert_eq!(bounds(Protocol::OpenMetrics100), ["1e-05", "0.5", "1.0", "1e+06", "+Inf"]);
}

#[test]
fn trap_4_what_is_no_number_counts_above_all_bounds_and_is_in_no_sum() {
    let registry = Registry::new();
    let sizes = histogram(&registry, "h", &[1.0]);
    sizes.observe(0.5);
    sizes.observe(f64::NAN);
    for format in formats() {
        let samples = &told(&registry.snapshot(), format)[0].samples;
        for (name, value) in [("h_count", 2.0), ("h_sum", 0.5)] {
            assert!(samples.contains(&Sample::new(name, &[], value)), "{samples:?}");
        }
        assert!(samples.iter().any(|sample| sample.labels.values().any(|le| le == "+Inf" || le == "inf")));
    }
}

#[test]
fn trap_5_infinities_are_observed_and_spelled_exactly() {
    let registry = Registry::new();
    let sizes = histogram(&registry, "h", &[1.0]);
    sizes.observe(f64::INFINITY);
    let level: Gauge = register(&registry, "low");
    level.set(f64::NEG_INFINITY);
    for protocol in [Protocol::Text004, Protocol::Text100, Protocol::OpenMetrics001, Protocol::OpenMetrics100] {
        let page = page(&registry, protocol);
        for line in ["h_bucket{le=\"+Inf\"} 1\n", "h_sum +Inf\n", "h_count 1\n", "low -Inf\n"] {
            assert!(page.contains(line), "{page}");
        }
    }
}

#[test]
fn trap_18_a_sum_below_zero_is_left_out_where_it_is_forbidden() {
    let registry = Registry::new();
    let sizes = histogram(&registry, "h", &[1.0]);
    sizes.observe(2.0);
    assert!(page(&registry, Protocol::OpenMetrics100).contains("h_sum 2.0\nh_count 1\n"));
    sizes.observe(-3.0);
    assert!(page(&registry, Protocol::Text004).contains("h_sum -1\nh_count 2\n"));
    let strict = page(&registry, Protocol::OpenMetrics100);
    assert!(strict.contains("h_bucket{le=\"+Inf\"} 2\n") && !strict.contains("_sum") && !strict.contains("_count"));
}

#[test]
fn trap_7_a_counter_ends_with_total_once_and_its_family_without_in_open_metrics() {
    let registry = Registry::new();
    register::<Counter>(&registry, "jobs_total").inc();
    let text = "# HELP jobs_total Help.\n# TYPE jobs_total counter\njobs_total 1\n";
    assert_eq!(page(&registry, Protocol::Text004), text);
    let strict = "# TYPE jobs counter\n# HELP jobs Help.\njobs_total 1\n# EOF\n";
    assert_eq!(page(&registry, Protocol::OpenMetrics100), strict);
}

#[test]
fn trap_9_open_metrics_ends_with_its_last_line_once_whatever_was_dropped() {
    let registry = Registry::new();
    assert_eq!(page(&registry, Protocol::OpenMetrics001), "# EOF\n");
    register::<Gauge>(&registry, "a.b");
    labelled(&registry, "z", &["l.l", "l_l"]).get_or_create(&[("l.l", "1"), ("l_l", "2")]).set(1.0);
    let page = page(&registry, Protocol::OpenMetrics100);
    assert!(page.ends_with("a_b 0.0\n# EOF\n"), "{page}");
    assert_eq!(page.matches("# EOF").count(), 1);
}

#[test]
fn trap_11_names_that_become_one_are_one_family_less_and_no_other_is_hurt() {
    let registry = Registry::new();
    for name in ["a_b", "a.b", "a-b", "c.d", "e.f_count"] {
        register::<Gauge>(&registry, name);
    }
    register::<Histogram>(&registry, "e f");
    let dropped = |escaping| {
        let page = encode::encode(&registry.snapshot(), Format::new(Protocol::Text100, escaping));
        page.dropped.into_iter().map(|dropped| (dropped.family, dropped.fault)).collect::<Vec<_>>()
    };
    let taken = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Fault::NameTaken)).collect::<Vec<_>>();
    assert_eq!(dropped(Escaping::Underscores), taken(&["a-b", "a.b", "e.f_count"]));
    assert_eq!(dropped(Escaping::Dots), taken(&[]));
    assert_eq!(dropped(Escaping::Values), taken(&[]));
    assert_eq!(dropped(Escaping::AllowUtf8), taken(&[]));
}

#[test]
fn trap_13_labels_that_become_one_cost_their_family() {
    let registry = Registry::new();
    labelled(&registry, "g", &["l.l", "l_l"]).get_or_create(&[("l.l", "1"), ("l_l", "2")]).set(1.0);
    let page = encode::encode(&registry.snapshot(), Protocol::Text100.into());
    assert_eq!(page.dropped[0].fault, Fault::LabelTaken);
    assert!(!String::from_utf8(page.body).unwrap().contains("# HELP g "), "nothing of it is left");
    let both = told(&registry.snapshot(), TEXT);
    assert_eq!(both[0].samples, [Sample::new("g", &[("l.l", "1"), ("l_l", "2")], 1.0)]);
}

#[test]
fn trap_14_a_label_that_becomes_a_reserved_one_costs_its_family() {
    let registry = Registry::new();
    labelled(&registry, "g", &["..name"]).get_or_create(&[("..name", "1")]).set(1.0);
    let page = encode::encode(&registry.snapshot(), Protocol::Protobuf.into());
    assert_eq!((page.dropped.len(), page.dropped[0].fault), (1, Fault::LabelReserved));
    for reserved in ["le", "quantile", "__x"] {
        let desc = Desc::of::<Family<Gauge>>("h", "Help.").with_utf8_names().with_labels([reserved]);
        assert!(registry.register::<Family<Gauge>>(desc).is_err(), "{reserved}");
    }
}

#[test]
fn trap_18_a_histogram_with_a_negative_bound_has_no_sum_in_open_metrics() {
    let registry = Registry::new();
    histogram(&registry, "h", &[-1.0, 1.0]).observe(0.5);
    let strict = page(&registry, Protocol::OpenMetrics100);
    assert!(strict.ends_with("h_bucket{le=\"-1.0\"} 0\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\n# EOF\n"));
    assert!(page(&registry, Protocol::Text004).ends_with("h_sum 0.5\nh_count 1\n"));
}

#[test]
fn trap_19_the_last_bucket_is_there_once_and_has_no_bound() {
    let registry = Registry::new();
    histogram(&registry, "h", &[0.5, 2.0]);
    for format in formats() {
        let samples = &told(&registry.snapshot(), format)[0].samples;
        let bounds: Vec<f64> = samples.iter().filter_map(|sample| sample.labels.get("le")?.parse().ok()).collect();
        assert_eq!(bounds, [0.5, 2.0, f64::INFINITY], "{format:?}");
    }
}

#[test]
fn trap_22_and_27_nothing_has_a_timestamp_and_only_protobuf_tells_what_was_created_when() {
    let registry = Registry::new();
    register::<Counter>(&registry, "jobs_total");
    histogram(&registry, "h", &[1.0]);
    for format in formats() {
        // The readers refuse timestamps, and fields that are not named in them.
        let families = told(&registry.snapshot(), format);
        let samples = families.iter().flat_map(|family| &family.samples);
        assert!(samples.into_iter().all(|sample| !sample.name.ends_with("_created")));
        let is_told = format.protocol() == Protocol::Protobuf;
        // After this was written, and not as a count of milliseconds in the place of seconds.
        let is_now = |at: &u64| (1_700_000_000_000..10_000_000_000_000).contains(at);
        assert!(families.iter().all(|family| family.created.len() == usize::from(is_told)));
        assert!(families.iter().flat_map(|family| &family.created).all(is_now));
    }
}

#[test]
fn trap_26_what_a_format_has_no_word_for_is_a_gauge() {
    let registry = Registry::new();
    register::<Info<Version>>(&registry, "build_info").set(&Version { version: "1.2".to_owned() });
    register::<StateSet<bool>>(&registry, "ready").set(&true);
    for format in formats() {
        let families = told(&registry.snapshot(), format);
        let kinds: Vec<_> = families.iter().map(|family| (family.name.as_str(), family.kind.as_str())).collect();
        if matches!(format.protocol(), Protocol::OpenMetrics001 | Protocol::OpenMetrics100) {
            assert_eq!(kinds, [("build", "info"), ("ready", "stateset")]);
        } else {
            assert_eq!(kinds, [("build_info", "gauge"), ("ready", "gauge")]);
        }
        assert!(families[0].samples.contains(&Sample::new("build_info", &[("version", "1.2")], 1.0)));
        assert!(families[1].samples.contains(&Sample::new("ready", &[("ready", "false")], 0.0)));
    }
}

#[test]
fn trap_29_counts_beyond_the_integers_of_a_float_are_exact_as_text() {
    let registry = Registry::new();
    let many = (1 << 53) + 1;
    register::<Counter>(&registry, "jobs_total").inc_by(many);
    histogram(&registry, "h", &[1.0]).observe_n(0.5, many);
    for protocol in [Protocol::Text004, Protocol::Text100, Protocol::OpenMetrics001, Protocol::OpenMetrics100] {
        let page = page(&registry, protocol);
        for series in ["jobs_total", "h_count", "h_bucket{le=\"+Inf\"}"] {
            assert!(page.contains(&format!("{series} {many}\n")), "{page}");
        }
    }
}

#[test]
fn trap_30_metadata_come_once_and_in_their_order_also_of_a_metric_in_two_scopes() {
    let registry = Registry::new();
    for region in ["eu", "us"] {
        let scoped = registry.scoped("store", &[("region", region)]).unwrap();
        let desc = Desc::of::<Gauge>("size_bytes", "Size.").with_unit("bytes");
        scoped.register::<Gauge>(desc).unwrap().set(1.0);
    }
    let expected = "# TYPE store_size_bytes gauge\n# UNIT store_size_bytes bytes\n# HELP store_size_bytes Size.\n\
                    store_size_bytes{region=\"eu\"} 1.0\nstore_size_bytes{region=\"us\"} 1.0\n# EOF\n";
    assert_eq!(page(&registry, Protocol::OpenMetrics100), expected);
}

#[test]
fn trap_31_a_unit_is_told_only_as_the_end_of_the_name_that_is_told() {
    let registry = Registry::new();
    let desc = Desc::of::<Counter>("a.b_bytes_total", "Bytes.").with_utf8_names().with_unit("bytes");
    registry.register::<Counter>(desc).unwrap();
    let units = |escaping| {
        let format = Format::new(Protocol::OpenMetrics100, escaping);
        told(&registry.snapshot(), format)[0].unit.clone()
    };
    assert_eq!(units(Escaping::AllowUtf8).as_deref(), Some("bytes"));
    assert_eq!(units(Escaping::Underscores).as_deref(), Some("bytes"));
    // The family is called `a_dot_b__bytes_` then.
    assert_eq!(units(Escaping::Dots), None);
    for format in formats() {
        let has_unit = told(&registry.snapshot(), format)[0].unit.is_some();
        assert!(!has_unit || !matches!(format.protocol(), Protocol::Text004 | Protocol::Text100));
    }
}

#[test]
fn trap_32_every_line_of_a_text_page_ends_and_none_is_empty() {
    let registry = Registry::new();
    register::<Gauge>(&registry, "g");
    for protocol in [Protocol::Text004, Protocol::Text100, Protocol::OpenMetrics001, Protocol::OpenMetrics100] {
        let page = page(&registry, protocol);
        assert!(page.ends_with('\n') && !page.contains("\n\n") && !page.contains('\r') && !page.contains('\t'));
    }
}

#[test]
fn trap_25_names_that_are_not_plain_stand_in_quotation_marks_or_are_escaped() {
    let registry = Registry::new();
    labelled(&registry, "http.open", &["peer.name"]).get_or_create(&[("peer.name", "x")]).set(1.0);
    register::<Histogram>(&registry, "w\u{e4}it");
    register::<Counter>(&registry, "\u{65e5}_total");
    let lines = |format: Format| {
        let snapshot = registry.snapshot_of(|desc| !desc.name().starts_with("metrics_registry_"));
        String::from_utf8(encode::encode(&snapshot, format).body).unwrap()
    };
    let quoted = lines(TEXT);
    for line in [
        "# TYPE \"http.open\" gauge\n{\"http.open\",\"peer.name\"=\"x\"} 1\n",
        "{\"w\u{e4}it_bucket\",le=\"+Inf\"} 0\n{\"w\u{e4}it_sum\"} 0\n{\"w\u{e4}it_count\"} 0\n",
        "# TYPE \"\u{65e5}_total\" counter\n{\"\u{65e5}_total\"} 0\n",
    ] {
        assert!(quoted.contains(line), "{quoted}");
    }
    assert!(lines(OPEN_METRICS).contains("# TYPE \"\u{65e5}\" counter\n"));
    let of = |escaping| lines(Format::new(Protocol::Text100, escaping));
    assert!(of(Escaping::Underscores).contains("http_open{peer_name=\"x\"} 1\n"));
    assert!(of(Escaping::Dots).contains("http_dot_open{peer_dot_name=\"x\"} 1\n"));
    assert!(of(Escaping::Values).contains("U__http_2e_open{U__peer_2e_name=\"x\"} 1\n"));
    assert!(of(Escaping::Values).contains("U__w_e4_it_bucket{le=\"+Inf\"} 0\n"));
}

/// A panicking callback costs its own metric, in every format, and is counted.
#[test]
fn trap_37_a_callback_that_panics_costs_its_own_metric_only() {
    let registry = Registry::new();
    registry.register_fn(Desc::of::<Gauge>("bad", "Bad."), || panic!("on purpose")).unwrap();
    register::<Gauge>(&registry, "good").set(1.0);
    for format in formats() {
        let families = told(&registry.snapshot(), format);
        let samples: Vec<_> = families.into_iter().flat_map(|family| family.samples).collect();
        assert_eq!(samples, [Sample::new("good", &[], 1.0)], "{format:?}");
    }
    let panics = registry.snapshot().counter("metrics_registry_hook_panics_total", &[]);
    assert!(panics >= Some(formats().len() as u64));
}

#[test]
fn trap_39_protobuf_is_one_message_a_family_each_behind_its_length() {
    let registry = Registry::new();
    register::<Gauge>(&registry, "g").set(1.5);
    let snapshot = registry.snapshot_of(|desc| desc.name() == "g");
    let body = encode::encode(&snapshot, Protocol::Protobuf.into()).body;
    let mut expected = vec![25];
    expected.extend(b"\x0a\x01g\x12\x05Help.\x18\x01\x22\x0b\x12\x09\x09");
    expected.extend(1.5_f64.to_le_bytes());
    assert_eq!(body, expected);
}

/// The exemplars of a page, by the bounds of their buckets.
fn exemplars(registry: &Registry, protocol: Protocol) -> Vec<(Option<String>, Exemplar)> {
    let families = told(&registry.snapshot(), protocol.into());
    let samples = families.into_iter().flat_map(|family| family.samples);
    samples.filter_map(|sample| Some((sample.labels.get("le").cloned(), sample.exemplar?))).collect()
}

#[test]
fn trap_20_an_exemplar_stands_once_at_its_bucket_and_one_that_is_too_long_nowhere() {
    for protocol in [Protocol::OpenMetrics001, Protocol::OpenMetrics100, Protocol::Protobuf] {
        let registry = Registry::new();
        let wait = histogram(&registry, "wait", &[1.0, 2.0]);
        let long = "é".repeat(129);
        let longest = "é".repeat(128 - "order".len());
        for (value, order) in [(0.5, "first"), (0.7, "second"), (1.0, "third"), (2.0, &longest), (9.0, &long)] {
            wait.observe_with_exemplar(value, streamgauge_metrics::Exemplar::of_labels(&[("order", order)]));
        }
        wait.observe_with_exemplar(f64::NAN, streamgauge_metrics::Exemplar::of_span(1, 2));
        let told = exemplars(&registry, protocol);
        let told: Vec<_> = told.iter().map(|(le, one)| (le.as_deref().unwrap(), &*one.labels["order"])).collect();
        let bounds = if protocol == Protocol::Protobuf { ["1", "2"] } else { ["1.0", "2.0"] };
        assert_eq!(told, [(bounds[0], "first"), (bounds[1], &*longest)], "{protocol:?}");
        let refused = [("metric", "wait"), ("reason", "exemplar_too_long")];
        assert_eq!(registry.snapshot().counter("metrics_registry_refused_total", &refused), Some(1));
    }
}

#[test]
fn trap_21_an_exemplar_says_when_it_was_taken() {
    let millis = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    for protocol in [Protocol::OpenMetrics100, Protocol::Protobuf] {
        let (registry, before) = (Registry::new(), millis());
        let jobs: Counter = register(&registry, "jobs_total");
        jobs.inc_by_with_exemplar(1, streamgauge_metrics::Exemplar::of_span(1, 2));
        let told = exemplars(&registry, protocol);
        assert_eq!(told.len(), 1);
        assert!((before..=millis()).contains(&told[0].1.millis), "{protocol:?}");
    }
}

#[test]
fn a_series_that_begins_anew_has_no_exemplar_of_the_one_before() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter>>("jobs_total", "Jobs.").with_labels(["queue"]);
    let jobs: Family<Counter> = registry.register(desc).unwrap();
    let night = [("queue", "night")];
    jobs.get_or_create(&night).inc_by_with_exemplar(1, streamgauge_metrics::Exemplar::of_span(1, 2));
    assert_eq!(exemplars(&registry, Protocol::Protobuf).len(), 1);
    jobs.remove(&night);
    jobs.get_or_create(&night).inc();
    assert_eq!(exemplars(&registry, Protocol::Protobuf).len(), 0);
}
