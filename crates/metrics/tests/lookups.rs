//! Look-ups by label sets that are all enums, whose counters are found without a handle in between.

#![cfg(not(feature = "noop"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot run is a fault")]

use std::collections::BTreeMap;

use streamgauge_metrics::{Counter, Desc, Family, LabelSet, Registry, Removal};

macro_rules! flags {
    ($set:ident: $($flag:ident $place:tt),+) => {
        #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
        #[allow(clippy::struct_excessive_bools, reason = "as many label sets as it takes")]
        struct $set {
            $($flag: bool),+
        }

        impl From<u64> for $set {
            fn from(number: u64) -> Self {
                Self { $($flag: number >> $place & 1 == 1),+ }
            }
        }
    };
}

flags!(Two: a 0);
flags!(Chunk: a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8);
flags!(More: a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9);

fn register<L: LabelSet>(registry: &Registry) -> Family<Counter, L> {
    registry.register(Desc::of::<Family<Counter, L>>("m_total", "Help.")).unwrap()
}

/// Counts each label set as often as its number says, once by way of the handle.
fn check<L: LabelSet + From<u64>>() {
    let sets = L::DENSE.unwrap() as u64;
    let registry = Registry::with_options(roomy()).unwrap();
    let family = register::<L>(&registry);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..sets).for_each(|n| family.get_or_create(&L::from(n)).inc_by(n)));
        }
    });
    (0..sets).for_each(|n| family.handle(&L::from(n)).inc());
    let snapshot = registry.snapshot();
    let told: BTreeMap<_, _> = snapshot
        .family("m_total")
        .unwrap()
        .series()
        .map(|series| (series.text(), format!("{:?}", series.value())))
        .collect();
    assert_eq!(told.len() as u64, sets);
    for n in 0..sets {
        let labels = L::from(n);
        assert_eq!(family.get_or_create(&labels).get(), 2 * n + 1);
        let pairs: Vec<_> = L::LABELS.iter().zip(labels.values()).collect();
        let text =
            pairs.iter().map(|(label, value)| format!("{}=\"{value}\"", label.name)).collect::<Vec<_>>().join(",");
        assert_eq!(told[&*text], format!("Counter({})", 2 * n + 1));
    }
}

fn roomy() -> streamgauge_metrics::Options {
    let limits = streamgauge_metrics::Limits { max_series_per_metric: 2000, ..Default::default() };
    streamgauge_metrics::Options { limits, ..Default::default() }
}

#[test]
fn each_label_set_of_a_closed_set_counts_for_itself_however_many_there_are() {
    check::<Two>();
    check::<Chunk>();
    check::<More>();
}

#[test]
fn a_step_that_does_not_fit_is_refused_and_counted_by_whatever_way_it_comes() {
    let registry = Registry::new();
    let family = register::<Two>(&registry);
    for n in [0, 1] {
        family.get_or_create(&Two::from(n)).inc_by(u64::MAX - 1);
        family.get_or_create(&Two::from(n)).inc_by(2);
        family.handle(&Two::from(n)).inc_by(2);
        assert_eq!(family.get_or_create(&Two::from(n)).get(), u64::MAX - 1);
        family.get_or_create(&Two::from(n)).inc();
        assert_eq!(family.get_or_create(&Two::from(n)).get(), u64::MAX);
    }
    let refused = [("metric", "m_total"), ("reason", "too_large")];
    assert_eq!(registry.snapshot().counter("metrics_registry_refused_total", &refused), Some(4));
}

/// What was looked up can be written to when its series is gone; the next one must not have it.
#[test]
fn what_goes_into_a_series_after_its_removal_is_not_in_its_successor() {
    let registry = Registry::new();
    let family = register::<Two>(&registry);
    let other = Two::from(1);
    family.get_or_create(&other).inc();
    let found = family.get_or_create(&Two::from(0));
    found.inc_by(5);
    assert_eq!(family.remove(&Two::from(0)), Removal::Removed);
    found.inc_by(7);
    assert_eq!(registry.snapshot().counter("m_total", &[("a", "false")]), None);
    family.get_or_create(&Two::from(0)).inc();
    assert_eq!(registry.snapshot().counter("m_total", &[("a", "false")]), Some(1));
    assert_eq!(family.get_or_create(&other).get(), 1);
}
