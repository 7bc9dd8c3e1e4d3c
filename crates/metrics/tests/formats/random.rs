//! Random registries, hostile in every part that a caller can choose, in every format.

use proptest::prelude::*;
use streamgauge_metrics::encode;
use streamgauge_metrics::{
    Buckets, Counter, Declared, Desc, Exemplar, Family, FloatCounter, Gauge, Histogram, Info, LabelSet, Native,
    Registry, StateSet, Summary,
};

use crate::expected::{self, in_order};
use crate::page::{formats, read};

#[derive(Clone, Debug)]
struct Plan {
    name: String,
    help: String,
    labels: Vec<String>,
    kind: Kind,
    series: Vec<Vec<String>>,
    floats: Vec<f64>,
    wholes: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    FloatCounter,
    Gauge,
    Histogram,
    Summary,
    Info,
    States,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Version {
    version: String,
}

/// Names that meet each other once they are escaped, and names that look like syntax.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a_.:]{1,4}",
        2 => "[a-z]{1,3}(_bytes|_count|_sum|.count|\\.ms)?",
        1 => "[a-z {}=,#/é日\u{1f980}0-9.-]{1,8}",
    ]
}

fn label_value() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        1 => "[\\\\\"\n\r\t{},= n\u{0}]{0,6}",
        1 => Just(String::new()),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let special =
        [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e6, 1e-5];
    prop_oneof![
        3 => any::<u64>().prop_map(f64::from_bits),
        2 => -1e7..1e7,
        2 => proptest::sample::select(special.to_vec()),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    use proptest::collection::vec;
    let kinds =
        [Kind::Counter, Kind::FloatCounter, Kind::Gauge, Kind::Histogram, Kind::Summary, Kind::Info, Kind::States];
    let labels = vec(name(), 0..3);
    let help = prop_oneof![any::<String>(), Just("a \\ b \"c\"\nd".to_owned())];
    let kind = proptest::sample::select(kinds.to_vec());
    let values = (vec(vec(label_value(), 2), 0..4), vec(float(), 4), vec(any::<u64>(), 4));
    (name(), help, labels, kind, values).prop_map(|(name, help, labels, kind, (series, floats, wholes))| Plan {
        name,
        help,
        labels,
        kind,
        series,
        floats,
        wholes,
    })
}

impl Plan {
    fn desc<T: Declared>(&self) -> Desc {
        let ending = match self.kind {
            Kind::Counter | Kind::FloatCounter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram | Kind::Summary | Kind::States => "",
        };
        let desc = Desc::of::<T>(format!("{}{ending}", self.name), self.help.clone()).with_utf8_names();
        if self.name.ends_with("_bytes") { desc.with_unit("bytes") } else { desc }
    }

    fn family<T>(&self, registry: &Registry) -> Option<Family<T>>
    where
        Family<T>: Declared,
    {
        let desc = self.desc::<Family<T>>().with_labels(self.labels.clone());
        registry.register(desc).ok()
    }

    /// Puts it into the registry; what the registry refuses is left out.
    fn build(&self, registry: &Registry) {
        match self.kind {
            Kind::Counter => self.fill(self.family::<Counter>(registry), |one, i| {
                // Too long at times, and then left out.
                let help: String = self.help.chars().take(130).collect();
                one.inc_by_with_exemplar(self.wholes[i], Exemplar::of_labels(&[("help", &help)]));
            }),
            Kind::FloatCounter => self.fill(self.family::<FloatCounter>(registry), |one, i| one.inc_by(self.floats[i])),
            Kind::Gauge => self.fill(self.family::<Gauge>(registry), |one, i| one.set(self.floats[i])),
            Kind::Histogram => self.build_histogram(registry),
            Kind::Summary => self.build_summary(registry),
            Kind::Info => {
                let info: Option<Info<Version>> = registry.register(self.desc::<Info<Version>>()).ok();
                let version = self.series.first().map_or("", |values| values[0].as_str()).to_owned();
                if let Some(info) = info {
                    info.set(&Version { version });
                }
            }
            Kind::States => {
                let state: Option<StateSet<bool>> = registry.register(self.desc::<StateSet<bool>>()).ok();
                if let Some(state) = state {
                    state.set(&self.wholes[0].is_multiple_of(2));
                }
            }
        }
    }

    fn native(&self) -> Native {
        let schema = i8::try_from(self.wholes[2] % 13).unwrap() - 4;
        let most = u16::try_from(8 + self.wholes[3] % 150).unwrap();
        Native::default().with_schema(schema).with_most_buckets(most)
    }

    fn build_histogram(&self, registry: &Registry) {
        let mut bounds: Vec<f64> = self.floats.iter().copied().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup_by(|a, b| *a <= *b);
        let desc = self.desc::<Family<Histogram>>().with_labels(self.labels.clone());
        let desc = desc.with_buckets(Buckets::Custom(bounds.into()));
        let desc = if self.wholes[1].is_multiple_of(2) { desc.with_native(self.native()) } else { desc };
        let family = registry.register(desc).ok();
        self.fill(family, |one: &Histogram, i| {
            one.observe_with_exemplar(self.floats[i], Exemplar::of_span(self.wholes[0].into(), self.wholes[i]));
            one.observe_n(self.floats[3 - i] / 3.0, self.wholes[i] >> 12);
        });
    }

    fn build_summary(&self, registry: &Registry) {
        let mut parts: Vec<f64> = self.wholes.iter().map(|whole| *whole as f64 / u64::MAX as f64).collect();
        parts.sort_by(f64::total_cmp);
        parts.dedup_by(|a, b| *a <= *b);
        let desc = self.desc::<Family<Summary>>().with_labels(self.labels.clone()).with_quantiles(parts);
        self.fill(registry.register(desc).ok(), |one: &Summary, i| {
            self.floats[..i].iter().for_each(|value| one.observe(*value));
        });
    }

    fn fill<T: streamgauge_metrics::Instrument + streamgauge_metrics::Member>(
        &self,
        family: Option<Family<T>>,
        set: impl Fn(&T, usize),
    ) {
        let Some(family) = family else { return };
        for (i, values) in self.series.iter().enumerate() {
            let pairs: Vec<(&'static str, &str)> = self
                .labels
                .iter()
                .zip(values)
                .map(|(name, value)| (&*String::leak(name.clone()), value.as_str()))
                .collect();
            set(&family.handle(pairs.as_slice()), i);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_is_in_a_registry_comes_back_from_every_format(plans in proptest::collection::vec(plan(), 0..12)) {
        let registry = Registry::new();
        for plan in &plans {
            plan.build(&registry);
        }
        let snapshot = registry.snapshot();
        for format in formats() {
            let page = encode::encode(&snapshot, format);
            let dropped: Vec<_> = page.dropped.iter().map(|dropped| dropped.family.clone()).collect();
            let told = in_order(read(&page.body, format));
            let expected = in_order(expected::families(&snapshot, format, &dropped));
            prop_assert_eq!(told, expected, "{:?}", format);
            let all_are_told = format.escaping() == encode::Escaping::AllowUtf8;
            prop_assert!(!all_are_told || dropped.is_empty());
        }
    }
}
