//! How full a registry is, and who fills it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Registry;
use super::entries::Entry;
use crate::cardinality::Refusal;
use crate::firewall::{CardinalityAlert, CardinalityReport, MetricCardinality};
use crate::label::Labels;
use crate::metric::Metric;
use crate::sync::{self, Arc};

impl Registry {
    /// How many series there are, how near that is to the limits, and for each metric with labels how many
    /// values each of them has. Of a metric that had to refuse series it names the label to blame, some of its values
    /// and the place in the code where they came from.
    ///
    /// ```
    /// use streamgauge_metrics::{CardinalityLevel, Counter, Desc, Family, Registry};
    ///
    /// let registry = Registry::new();
    /// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
    /// let sent: Family<Counter> = registry.register(desc)?;
    /// for n in 0..850 {
    ///     sent.get_or_create(&[("topic", n.to_string().as_str())]).inc();
    /// }
    /// let report = registry.report();
    /// assert_eq!((report.level, report.metrics[0].level), (CardinalityLevel::Fine, CardinalityLevel::Warning));
    /// assert!(report.to_string().contains("metric `sent_total` is warning: 850 of 1000 series"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn report(&self) -> CardinalityReport {
        let entries: Vec<Entry> = sync::read(&self.inner.entries).by_name.values().cloned().collect();
        let mut seen = BTreeSet::new();
        let with_labels = |metric: &&Arc<Metric>| !metric.labels.is_empty();
        let of_entry = entries.iter().flat_map(|entry| entry.metrics().filter(with_labels).map(move |m| (entry, m)));
        let mut metrics: Vec<_> = of_entry
            .filter(|(_, metric)| seen.insert(metric.id))
            .map(|(entry, metric)| report(entry, metric))
            .collect();
        metrics.sort_by(|a, b| b.level.cmp(&a.level).then(b.series.cmp(&a.series)).then(a.name.cmp(&b.name)));
        let budget = &self.inner.budget;
        CardinalityReport { series: budget.used(), limit: budget.limit(), level: budget.level(), metrics }
    }

    /// Calls `callback` when a metric, or all of them together, come near to a limit or reach it: once for each
    /// [`CardinalityLevel`](crate::CardinalityLevel), and again after there were fewer series.
    ///
    /// It is called by the thread that made the series, with no lock held. A panic ends that call and is counted in
    /// `metrics_registry_hook_panics_total`. It lives as long as the registry, and must not own a clone of it.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use streamgauge_metrics::{Counter, Desc, Family, Registry};
    ///
    /// let (registry, told) = (Registry::new(), Arc::new(Mutex::new(Vec::new())));
    /// let tell = Arc::clone(&told);
    /// registry.on_cardinality(move |alert| tell.lock().unwrap().push(alert.to_string()));
    /// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
    /// let sent: Family<Counter> = registry.register(desc)?;
    /// for n in 0..1_000 {
    ///     sent.get_or_create(&[("topic", n.to_string().as_str())]).inc();
    /// }
    /// assert_eq!(*told.lock().unwrap(), [
    ///     "metric `sent_total` is warning: 800 of 1000 series",
    ///     "metric `sent_total` is critical: 950 of 1000 series",
    /// ]);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn on_cardinality(&self, callback: impl Fn(&CardinalityAlert<'_>) + Send + Sync + 'static) {
        let panics = self.inner.own.hook_panics.clone();
        self.inner.budget.call(Arc::new(move |alert| {
            if catch_unwind(AssertUnwindSafe(|| callback(alert))).is_err() {
                panics.inc();
            }
        }));
    }
}

fn report(entry: &Entry, metric: &Metric) -> MetricCardinality {
    let is_about_room = |refusal| matches!(refusal, Refusal::MetricFull | Refusal::RegistryFull);
    let refused = metric.refusals.get().filter(|(refusal, _)| is_about_room(*refusal)).map(|(_, count)| count).sum();
    let list = metric.list();
    let series = list.slots.iter().map(|slot| Labels::of(&slot.text));
    metric.firewall.report(&metric.name, &metric.labels, refused, entry.at, &series)
}
