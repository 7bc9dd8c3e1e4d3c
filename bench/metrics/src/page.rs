//! The page that a scrape gets: snapshot and text, of those who write text themselves. The series are those of the snapshots.

use crate::contender::Outcome;
use crate::input;
use crate::rivals;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;

const COUNTERS: [Row; 2] = [Row::CounterPage, Row::LargePage];

/// Ours: `Registry::render_prometheus`.
#[cfg(feature = "ours")]
pub(crate) fn ours(sheet: &Sheet) -> Outcome {
    use crate::ours;
    for row in COUNTERS.into_iter().filter(|row| sheet.wants(*row)) {
        let registry = ours::roomy()?;
        let family = ours::counters(&registry)?;
        let labels = input::series(snapshot::series(row));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.handle(&ours::labels_of(m, p))).collect();
        sheet.snapshot(row, |i| held[i].inc(), || registry.render_prometheus())?;
    }
    if sheet.wants(Row::HistogramPage) {
        let registry = ours::roomy()?;
        let family = ours::histograms(&registry)?;
        let labels = input::series(snapshot::series(Row::HistogramPage));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.handle(&ours::labels_of(m, p))).collect();
        sheet.snapshot(Row::HistogramPage, |i| held[i].observe(0.3), || registry.render_prometheus())?;
    }
    Ok(())
}

/// prometheus: `TextEncoder` over what `gather` returns.
pub(crate) fn prometheus(sheet: &Sheet) -> Outcome {
    use ::prometheus::{Registry, TextEncoder};
    use rivals::prometheus::{counters, histograms};
    let text = |registry: &Registry| TextEncoder::new().encode_to_string(&registry.gather());
    for row in COUNTERS.into_iter().filter(|row| sheet.wants(*row)) {
        let (registry, family) = (Registry::new(), counters()?);
        registry.register(Box::new(family.clone()))?;
        let labels = input::series(snapshot::series(row));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_label_values(&[method, path])).collect();
        sheet.snapshot(row, |i| held[i].inc(), || text(&registry))?;
    }
    if sheet.wants(Row::HistogramPage) {
        let (registry, family) = (Registry::new(), histograms()?);
        registry.register(Box::new(family.clone()))?;
        let labels = input::series(snapshot::series(Row::HistogramPage));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_label_values(&[method, path])).collect();
        sheet.snapshot(Row::HistogramPage, |i| held[i].observe(0.3), || text(&registry))?;
    }
    Ok(())
}

/// prometheus-client: `encode`, which has no snapshot to begin with.
pub(crate) fn prometheus_client(sheet: &Sheet) -> Outcome {
    use ::prometheus_client::metrics::counter::Counter;
    use ::prometheus_client::metrics::family::Family;
    use ::prometheus_client::registry::Registry;
    use rivals::prometheus_client::{Strings, histograms, text};
    for row in COUNTERS.into_iter().filter(|row| sheet.wants(*row)) {
        let (mut registry, family) = (Registry::default(), Family::<Strings, Counter>::default());
        registry.register("requests", "Help", family.clone());
        let labels = input::series(snapshot::series(row));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create_owned(&Strings::of(m, p))).collect();
        let write = |i: usize| {
            held[i].inc();
        };
        sheet.snapshot(row, write, || text(&registry))?;
    }
    if sheet.wants(Row::HistogramPage) {
        let (mut registry, family) = (Registry::default(), histograms());
        registry.register("duration_seconds", "Help", family.clone());
        let labels = input::series(snapshot::series(Row::HistogramPage));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create_owned(&Strings::of(m, p))).collect();
        sheet.snapshot(Row::HistogramPage, |i| held[i].observe(0.3), || text(&registry))?;
    }
    Ok(())
}
