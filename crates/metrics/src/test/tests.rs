use std::panic::catch_unwind;

use super::{ABSENT, Source, canonical};
use crate::{Bounds, Buckets, Counter, Desc, Family, Gauge, Histogram, Registry};

fn registry() -> (Registry, Family<Counter>, Gauge) {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    let sent: Family<Counter> = registry.register(desc).unwrap();
    let depth: Gauge = registry.register(Desc::of::<Gauge>("depth", "Depth.")).unwrap();
    (registry, sent, depth)
}

fn complaint(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
    *catch_unwind(test).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_series_may_be_written_in_many_ways() {
    let one = canonical(r#"h_bucket{a="x}, \"y\"",le="5"}"#).unwrap();
    for same in [r#"h_bucket{le="5.0", a="x}, \"y\""}"#, r#" h_bucket{ le="5", a="x}, \"y\"", } "#] {
        assert_eq!(canonical(same).as_ref(), Some(&one), "{same}");
    }
    assert_eq!(canonical(r#"h{le="1000000"}"#).unwrap(), r#"h{le="1e+06"}"#);
    assert_eq!(canonical("h{}").unwrap(), "h");
    for wrong in ["", "{}", "h{", r#"h{a"}"#, r#"h{a="x"#, "h 1", r#"h{a="x"} 1"#] {
        assert_eq!(canonical(wrong), None, "{wrong}");
    }
}

#[test]
#[cfg(not(feature = "noop"))]
fn what_is_not_as_expected_is_told_line_by_line() {
    let (registry, sent, depth) = registry();
    sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc_by(3);
    depth.set(2.0);
    let text = complaint(|| {
        assert_metrics!(registry, {
            r#"sent_total{to="eu",topic="orders"}"# => 4,
            "depth" => 2,
            r#"sent_total{to="eu",topic="order"}"# => 1,
            "dept" => 2,
            "quite_another_name" => ABSENT,
        });
    });
    assert_eq!(
        text,
        concat!(
            "3 of 5 metrics are not as expected (- expected, + found):\n",
            "  depth 2\n",
            "  quite_another_name is not there\n",
            "- sent_total{to=\"eu\",topic=\"orders\"} 4\n",
            "+ sent_total{to=\"eu\",topic=\"orders\"} 3\n",
            "- sent_total{to=\"eu\",topic=\"order\"} 1\n",
            "  there is no such series; near it: sent_total{to=\"eu\",topic=\"orders\"}\n",
            "- dept 2\n",
            "  there is no such series; near it: depth\n",
        )
    );
}

#[test]
fn what_should_not_be_there_and_is_and_what_is_no_series_are_told() {
    let (registry, ..) = registry();
    let text = complaint(|| assert_metrics!(registry, { "depth" => ABSENT }));
    assert!(text.ends_with("- depth is not there\n+ depth 0\n"), "{text}");
    let text = complaint(|| assert_metrics!(Registry::new(), { "sent_total{topic}" => 1 }));
    assert!(text.starts_with("`sent_total{topic}` is no series;"), "{text}");
}

#[test]
#[cfg(not(feature = "noop"))]
fn a_difference_tells_what_changed_what_appeared_and_what_is_gone() {
    let (registry, sent, depth) = registry();
    let labels = |topic| [("topic", topic), ("to", "eu")];
    sent.get_or_create(&labels("a")).inc();
    sent.get_or_create(&labels("b")).inc();
    let before = registry.snapshot();
    sent.get_or_create(&labels("b")).inc_by(2);
    sent.get_or_create(&labels("c")).inc();
    sent.remove(&labels("a"));
    depth.set(-0.5);
    let changed = registry.snapshot().since(&before);
    assert_eq!(
        changed.to_string(),
        concat!(
            "  depth 0 → -0.5\n",
            "- sent_total{to=\"eu\",topic=\"a\"} 1\n",
            "  sent_total{to=\"eu\",topic=\"b\"} 1 → 3\n",
            "+ sent_total{to=\"eu\",topic=\"c\"} 1\n",
        )
    );
    assert_metrics!(changed, {
        "depth" => -0.5,
        r#"sent_total{topic="a",to="eu"}"# => ABSENT,
        r#"sent_total{topic="b",to="eu"}"# => 2,
        r#"sent_total{topic="c",to="eu"}"# => 1_u64,
    });
    let nothing = registry.snapshot().since(&registry.snapshot());
    assert!(nothing.is_empty());
    assert_metrics!(nothing, { "depth" => 0 });
}

#[test]
#[cfg(not(feature = "noop"))]
fn whole_numbers_are_exact_and_fractions_forgive_a_rounding() {
    let registry = Registry::new();
    let many: Counter = registry.register(Desc::of::<Counter>("many_total", "Many.")).unwrap();
    many.inc_by((1 << 53) + 1);
    let bounds = Buckets::Custom(vec![0.5].into());
    let desc = Desc::of::<Histogram>("h", "H.").with_buckets(bounds);
    let histogram: Histogram = registry.register(desc).unwrap();
    assert_eq!(*histogram.bounds(), Bounds::new(&[0.5]).unwrap());
    histogram.observe(0.1);
    histogram.observe(0.2);
    assert_metrics!(registry, {
        "many_total" => (1_u64 << 53) + 1,
        "h_sum" => 0.3,
        "h_count" => 2,
        r#"h_bucket{le="+Inf"}"# => 2,
    });
    complaint(|| assert_metrics!(registry, { "many_total" => 1_u64 << 53 }));
    assert!(registry.samples().to_string().starts_with("h_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"0.5\"} 2\n"));
}
