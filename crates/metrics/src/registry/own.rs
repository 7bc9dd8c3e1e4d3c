//! What a registry tells about itself.

use super::{Entry, Lists, Source};
use crate::CardinalityLevel;
use crate::cell::Totals;
use crate::counter::Counter;
use crate::desc::{Desc, Kind};
use crate::family::Family;
use crate::firewall::Budget;
use crate::gauge::Gauge;
use crate::label;
use crate::metric::Metric;
use crate::snapshot::{FamilySnapshot, Member, Value};
use crate::sync::Arc;

const TOTAL_SERIES: &str = "metrics_registry_total_series";
const HOOK_PANICS: &str = "metrics_registry_hook_panics_total";
const SERIES: &str = "metrics_registry_metric_series";
const BYTES: &str = "metrics_registry_metric_bytes";
const REFUSED: &str = "metrics_registry_refused_total";
const LEVEL: &str = "metrics_registry_cardinality_level";
const EXPIRED: &str = "metrics_registry_expired_total";
const METRIC_LEVEL: &str = "metrics_registry_metric_cardinality_level";

#[derive(Default)]
pub(super) struct Own {
    pub(super) hook_panics: Counter,
}

/// The declarations, sorted by name.
pub(super) fn describe() -> [Desc; 8] {
    [
        Desc::of::<Gauge>(
            LEVEL,
            "How near all metrics together are to their limit: 1 past the warning threshold, 2 past the critical one, 3 full.",
        ),
        Desc::of::<Family<Counter>>(EXPIRED, "Series of a metric that were let go since nobody had moved them for long.")
            .with_labels(["metric"]),
        Desc::of::<Counter>(HOOK_PANICS, "Scrape hooks and callbacks that panicked."),
        Desc::of::<Family<Gauge>>(BYTES, "Bytes that the series of a metric take, each with the cells of one thread.")
            .with_labels(["metric"])
            .with_unit("bytes"),
        Desc::of::<Family<Gauge>>(
            METRIC_LEVEL,
            "How near a metric with labels is to its limit: 1 past the warning threshold, 2 past the critical one, 3 full: \
             something was refused, and the label that explodes is folded.",
        )
        .with_labels(["metric"]),
        Desc::of::<Family<Gauge>>(SERIES, "Series of a metric.").with_labels(["metric"]),
        Desc::of::<Family<Counter>>(REFUSED, "Series and values that a metric refused, by reason.")
            .with_labels(["metric", "reason"]),
        Desc::of::<Gauge>(TOTAL_SERIES, "Series in this scrape: one for each metric and label set, this one included."),
    ]
}

impl Own {
    /// The families that are wanted; `series` is the number of all the others.
    pub(super) fn families(
        &self,
        entries: &[Entry],
        lists: &Lists,
        budget: &Budget,
        series: usize,
        totals: &Arc<Totals>,
        wanted: impl Fn(&Desc) -> bool,
    ) -> Vec<FamilySnapshot> {
        let with_labels = lists.values().filter(|(metric, _)| !metric.labels.is_empty());
        let level = |level: CardinalityLevel| Value::Gauge(f64::from(level as u8));
        let values: [Values; 8] = [
            vec![(String::new(), level(budget.level()))],
            lists.values().filter_map(|(metric, _)| Some((of(&metric.name), expired(metric)?))).collect(),
            vec![(String::new(), Value::Counter(self.hook_panics.get()))],
            lists.values().map(|(metric, list)| (of(&metric.name), Value::Gauge(list.bytes as f64))).collect(),
            with_labels.map(|(metric, _)| (of(&metric.name), level(metric.firewall.level()))).collect(),
            lists.values().map(|(metric, list)| (of(&metric.name), Value::Gauge(list.slots.len() as f64))).collect(),
            refused(entries, lists),
            Vec::new(),
        ];
        let own = describe().into_iter().zip(values.map(by_text)).filter(|(desc, _)| wanted(desc));
        let own: Vec<_> = own.collect();
        let total = series + own.iter().map(|(_, values)| values.len()).sum::<usize>() + 1;
        let families = own.into_iter().map(|(desc, mut values)| {
            if desc.name() == TOTAL_SERIES {
                values.push((String::new(), Value::Gauge(total as f64)));
            }
            debug_assert!(matches!(desc.kind(), Kind::Counter | Kind::Gauge));
            let given = values.into_iter().map(|(text, value)| (text.into(), value)).collect();
            FamilySnapshot::new(Arc::new(desc), totals, vec![Member::Given(given)])
        });
        families.collect()
    }
}

/// `None` if its series stay.
fn expired(metric: &Metric) -> Option<Value<'static>> {
    metric.idle.as_ref().map(|idle| Value::Counter(idle.expired()))
}

type Values = Vec<(String, Value<'static>)>;

fn refused(entries: &[Entry], lists: &Lists) -> Values {
    let metrics = lists.values().map(|(metric, _)| (&*metric.name, &metric.refusals));
    let reads = entries.iter().flat_map(|entry| {
        entry.registered.iter().filter_map(|registered| match &registered.source {
            Source::Read { refusals, .. } => Some((entry.desc.name(), &**refusals)),
            Source::Part { .. } => None,
        })
    });
    let mut all = Values::new();
    for (metric, refusals) in metrics.chain(reads) {
        for (refusal, count) in refusals.get() {
            let mut text = of(metric);
            label::push(&mut text, "reason", refusal.name());
            all.push((text, Value::Counter(count)));
        }
    }
    all
}

/// Sorts, and adds up what has the same labels: metrics of one name in several scopes.
fn by_text(mut values: Values) -> Values {
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        match (&mut kept.1, &next.1) {
            (Value::Counter(all), Value::Counter(more)) if same => *all = all.saturating_add(*more),
            (Value::Gauge(all), Value::Gauge(more)) if same => *all += more,
            _ => {}
        }
        same
    });
    values
}

fn of(metric: &str) -> String {
    let mut text = String::new();
    label::push(&mut text, "metric", metric);
    text
}
