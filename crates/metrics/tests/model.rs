//! Families and registries beside models of them that a reader can check.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use streamgauge_metrics::{
    Counter, Desc, Family, Found, Gauge, Histogram, LabelSet, LabelValue, Limits, Options, RegisterError, Registry,
    Removal, SeriesError,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
enum Letter {
    A,
    B,
    C,
    D,
    E,
}

const LETTERS: [Letter; 5] = [Letter::A, Letter::B, Letter::C, Letter::D, Letter::E];
/// Where the model has what has no series of its own.
const OVERFLOW: usize = LETTERS.len();
const MOST_SERIES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct Dense {
    letter: Letter,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Sparse {
    letter: String,
}

trait OfLetter: LabelSet {
    /// Whether a series that comes back has the cells it had.
    const SAME_CELLS: bool;

    fn of(letter: usize) -> Self;
}

impl OfLetter for Dense {
    const SAME_CELLS: bool = true;

    fn of(letter: usize) -> Self {
        Self { letter: LETTERS[letter] }
    }
}

impl OfLetter for Sparse {
    const SAME_CELLS: bool = false;

    fn of(letter: usize) -> Self {
        Self { letter: name(letter) }
    }
}

fn name(letter: usize) -> String {
    LETTERS.get(letter).map_or("__overflow__".to_owned(), |letter| letter.text().into_owned())
}

/// What is done to a family; letters and numbers of things are taken as they fit.
#[derive(Clone, Copy, Debug)]
enum Act {
    Count(usize, u64),
    Try(usize),
    LookUp(usize),
    CountLookedUp(usize, u64),
    HoldLookedUp(usize),
    ForgetLookedUp(usize),
    Hold(usize),
    CountHeld(usize, u64),
    DropHeld(usize),
    Remove(usize),
    RemoveMatching(usize),
    Retain(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let (letter, thing, step) = (0..LETTERS.len(), 0..8_usize, 1..100_u64);
    prop_oneof![
        (letter.clone(), step.clone()).prop_map(|(letter, step)| Act::Count(letter, step)),
        letter.clone().prop_map(Act::Try),
        letter.clone().prop_map(Act::LookUp),
        (thing.clone(), step.clone()).prop_map(|(thing, step)| Act::CountLookedUp(thing, step)),
        thing.clone().prop_map(Act::HoldLookedUp),
        thing.clone().prop_map(Act::ForgetLookedUp),
        letter.clone().prop_map(Act::Hold),
        (thing.clone(), step).prop_map(|(thing, step)| Act::CountHeld(thing, step)),
        thing.prop_map(Act::DropHeld),
        (0..=LETTERS.len()).prop_map(Act::Remove),
        letter.prop_map(Act::RemoveMatching),
        any::<u8>().prop_map(Act::Retain),
    ]
}

#[derive(Clone, Copy)]
struct Series {
    count: u64,
    holds: usize,
    /// Which of the series that had these labels.
    life: u64,
}

/// What a family is to be.
#[derive(Default)]
struct Model {
    series: BTreeMap<usize, Series>,
    refused: u64,
    lives: u64,
}

impl Model {
    fn charged(&self) -> usize {
        self.series.keys().filter(|letter| **letter != OVERFLOW).count()
    }

    /// The series for a letter, and what it is: its own, or that of all who have none.
    fn get_or_create(&mut self, letter: usize) -> usize {
        let letter = if self.series.contains_key(&letter) || self.charged() < MOST_SERIES {
            letter
        } else {
            self.refused += 1;
            OVERFLOW
        };
        self.begin(letter);
        letter
    }

    fn begin(&mut self, letter: usize) {
        self.lives += 1;
        let life = self.lives;
        self.series.entry(letter).or_insert(Series { count: 0, holds: 0, life });
    }

    fn remove(&mut self, letter: usize) -> Removal {
        match self.series.get(&letter) {
            None => Removal::Absent,
            Some(series) if series.holds > 0 => Removal::Held,
            Some(_) => {
                self.series.remove(&letter);
                Removal::Removed
            }
        }
    }

    fn retain(&mut self, keep: impl Fn(usize) -> bool) -> usize {
        let before = self.series.len();
        self.series.retain(|letter, series| keep(*letter) || series.holds > 0);
        before - self.series.len()
    }
}

/// A family, its model, and what came out of both.
struct Run<'a, L> {
    registry: Registry,
    family: &'a Family<Counter, L>,
    model: Model,
    looked_up: Vec<(usize, u64, Found<'a, Counter, L>)>,
    held: Vec<(usize, Counter)>,
}

impl<L: OfLetter> Run<'_, L> {
    fn act(&mut self, act: Act) {
        match act {
            Act::Count(letter, step) => {
                let letter_of = self.model.get_or_create(letter);
                self.model.series.get_mut(&letter_of).unwrap().count += step;
                self.family.get_or_create(&L::of(letter)).inc_by(step);
            }
            Act::Try(letter) => {
                let fits = self.model.series.contains_key(&letter) || self.model.charged() < MOST_SERIES;
                let outcome = self.family.try_get_or_create(&L::of(letter)).map(drop);
                let full = match L::DENSE {
                    Some(_) => SeriesError::RegistryFull { limit: MOST_SERIES },
                    None => SeriesError::MetricFull { limit: MOST_SERIES },
                };
                assert_eq!(outcome, if fits { Ok(()) } else { Err(full) });
                if fits {
                    self.model.begin(letter);
                }
            }
            Act::LookUp(letter) => {
                let letter_of = self.model.get_or_create(letter);
                let life = self.model.series[&letter_of].life;
                self.looked_up.push((letter_of, life, self.family.get_or_create(&L::of(letter))));
            }
            Act::CountLookedUp(thing, step) => self.count_looked_up(thing, step),
            Act::HoldLookedUp(thing) => self.hold_looked_up(thing),
            Act::ForgetLookedUp(thing) if !self.looked_up.is_empty() => {
                self.looked_up.swap_remove(thing % self.looked_up.len());
            }
            Act::Hold(letter) => {
                let letter_of = self.model.get_or_create(letter);
                self.model.series.get_mut(&letter_of).unwrap().holds += 1;
                self.held.push((letter_of, self.family.handle(&L::of(letter))));
            }
            Act::CountHeld(thing, step) if !self.held.is_empty() => {
                let (letter, counter) = &self.held[thing % self.held.len()];
                let series = self.model.series.get_mut(letter).unwrap();
                series.count += step;
                counter.inc_by(step);
                assert_eq!(counter.get(), series.count);
            }
            Act::DropHeld(thing) if !self.held.is_empty() => {
                let (letter, counter) = self.held.swap_remove(thing % self.held.len());
                drop(counter);
                self.model.series.get_mut(&letter).unwrap().holds -= 1;
            }
            // By name, as nobody has a dense label set for it.
            Act::Remove(OVERFLOW) => {
                let overflow = self.model.retain(|letter| letter != OVERFLOW);
                assert_eq!(self.family.remove_matching(&[("letter", "__overflow__")]), overflow);
            }
            Act::Remove(letter) => assert_eq!(self.family.remove(&L::of(letter)), self.model.remove(letter)),
            Act::RemoveMatching(letter) => {
                let removed = self.model.retain(|own| own != letter);
                assert_eq!(self.family.remove_matching(&[("letter", name(letter).as_str())]), removed);
            }
            Act::Retain(mask) => {
                self.model.retain(|letter| mask >> letter & 1 == 1);
                let letter_of = |text: &str| (0..=OVERFLOW).find(|letter| name(*letter) == text).unwrap();
                self.family.retain(|labels| mask >> letter_of(&labels.get("letter").unwrap()) & 1 == 1);
            }
            Act::ForgetLookedUp(_) | Act::CountHeld(..) | Act::DropHeld(_) => {}
        }
    }

    /// What goes to a series that was removed meanwhile is in no scrape.
    fn count_looked_up(&mut self, thing: usize, step: u64) {
        if self.looked_up.is_empty() {
            return;
        }
        let (letter, life, found) = &self.looked_up[thing % self.looked_up.len()];
        found.inc_by(step);
        if let Some(series) = self.model.series.get_mut(letter)
            && (series.life == *life || L::SAME_CELLS || *letter == OVERFLOW)
        {
            series.count += step;
        }
    }

    /// To hold what was removed meanwhile brings it back, or takes what is in its place.
    fn hold_looked_up(&mut self, thing: usize) {
        if self.looked_up.is_empty() {
            return;
        }
        let (letter, life, found) = &self.looked_up[thing % self.looked_up.len()];
        self.held.push((*letter, Counter::clone(found)));
        let back = Series { count: 0, holds: 0, life: *life };
        self.model.series.entry(*letter).or_insert(back).holds += 1;
    }

    fn check(&self) {
        let snapshot = self.registry.snapshot();
        let family = snapshot.family("letters_total").unwrap();
        assert_eq!(family.len(), self.model.series.len());
        assert_eq!(self.family.len(), self.model.series.len());
        for (letter, series) in &self.model.series {
            let count = snapshot.counter("letters_total", &[("letter", &name(*letter))]);
            assert_eq!(count, Some(series.count), "{}", name(*letter));
        }
        let reason = if L::DENSE.is_some() { "registry_full" } else { "metric_full" };
        let labels = [("metric", "letters_total"), ("reason", reason)];
        let refused = snapshot.counter("metrics_registry_refused_total", &labels);
        assert_eq!(refused.unwrap_or_default(), self.model.refused);
    }
}

/// A closed set that has no room in its metric is refused as a whole; one in a registry that is full is not.
fn limits<L: LabelSet>() -> Limits {
    match L::DENSE {
        Some(_) => Limits { max_series: MOST_SERIES, ..Limits::default() },
        None => Limits { max_series_per_metric: MOST_SERIES, ..Limits::default() },
    }
}

fn behaves_like_its_model<L: OfLetter>(acts: &[Act]) {
    let registry = Registry::with_options(Options { limits: limits::<L>(), ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Counter, L>>("letters_total", "Help.");
    let family: Family<Counter, L> = registry.register(desc).unwrap();
    let mut run = Run { registry, family: &family, model: Model::default(), looked_up: Vec::new(), held: Vec::new() };
    for act in acts {
        run.act(*act);
        run.check();
    }
    run.held.clear();
    run.looked_up.clear();
    family.retain(|_| false);
    assert!(family.is_empty(), "a hold was left behind");
    for letter in 0..MOST_SERIES {
        assert!(family.try_get_or_create(&L::of(letter)).is_ok(), "a place was lost");
    }
}

/// The metrics that the registry is asked for, with the names that each of them owns.
const METRICS: [(&str, &[&str]); 6] = [
    ("a_total", &["a_total", "a", "a_created"]),
    ("a", &["a"]),
    ("h", &["h", "h_bucket", "h_count", "h_sum", "h_created"]),
    ("h_count", &["h_count"]),
    ("h_sum", &["h_sum", "h_sum_bucket", "h_sum_count", "h_sum_sum", "h_sum_created"]),
    ("h_count_total", &["h_count_total", "h_count", "h_count_created"]),
];

/// Prefix and constant labels of the parts that ask.
const SCOPES: [(&str, &[(&str, &str)]); 5] = [
    ("", &[]),
    ("", &[("region", "eu"), ("zone", "1")]),
    ("", &[("zone", "1"), ("region", "eu")]),
    ("", &[("region", "us")]),
    ("p", &[]),
];

#[derive(Clone, Copy, Debug)]
enum Request {
    Register { metric: usize, scope: usize, help: bool },
    Unregister { metric: usize, scope: usize },
}

fn request() -> impl Strategy<Value = Request> {
    let (metric, scope) = (0..METRICS.len(), 0..SCOPES.len());
    prop_oneof![
        3 => (metric.clone(), scope.clone(), prop::bool::weighted(0.1))
            .prop_map(|(metric, scope, help)| Request::Register { metric, scope, help }),
        1 => (metric, scope).prop_map(|(metric, scope)| Request::Unregister { metric, scope }),
    ]
}

/// Registers a metric and counts one.
fn register(registry: &Registry, metric: usize, help: &'static str) -> Result<(), RegisterError> {
    let name = METRICS[metric].0;
    match name {
        "a_total" | "h_count_total" => registry.register::<Counter>(Desc::of::<Counter>(name, help))?.inc(),
        "h" | "h_sum" => registry.register::<Histogram>(Desc::of::<Histogram>(name, help))?.observe(1.0),
        _ => registry.register::<Gauge>(Desc::of::<Gauge>(name, help))?.inc(),
    }
    Ok(())
}

type Labels = BTreeSet<(&'static str, &'static str)>;

#[derive(Default)]
struct Names {
    /// By full name: the help text, and how often it was registered by constant labels.
    known: BTreeMap<String, (bool, BTreeMap<Labels, u64>)>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Counted,
    Different,
    Clash,
}

fn full(scope: usize, name: &str) -> String {
    if SCOPES[scope].0.is_empty() { name.to_owned() } else { format!("{}_{name}", SCOPES[scope].0) }
}

impl Names {
    fn register(&mut self, metric: usize, scope: usize, help: bool) -> Outcome {
        let name = full(scope, METRICS[metric].0);
        if self.known.get(&name).is_some_and(|known| known.0 != help) {
            return Outcome::Different;
        }
        let own: BTreeSet<_> = METRICS[metric].1.iter().map(|own| full(scope, own)).collect();
        let taken = |(other, owns): &(&str, &[&str])| {
            SCOPES.iter().enumerate().any(|(scope, _)| {
                let other = full(scope, other);
                other != name
                    && self.known.contains_key(&other)
                    && owns.iter().any(|name| own.contains(&full(scope, name)))
            })
        };
        if !self.known.contains_key(&name) && METRICS.iter().any(taken) {
            return Outcome::Clash;
        }
        let (_, by_labels) = self.known.entry(name).or_insert((help, BTreeMap::new()));
        *by_labels.entry(SCOPES[scope].1.iter().copied().collect()).or_default() += 1;
        Outcome::Counted
    }

    fn unregister(&mut self, metric: usize, scope: usize) -> bool {
        let name = full(scope, METRICS[metric].0);
        let Some((_, by_labels)) = self.known.get_mut(&name) else { return false };
        let was_there = by_labels.remove(&SCOPES[scope].1.iter().copied().collect::<Labels>()).is_some();
        if by_labels.is_empty() {
            self.known.remove(&name);
        }
        was_there
    }
}

fn value(registry: &Registry, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
    let snapshot = registry.snapshot();
    let histogram = snapshot.histogram(name, labels).map(|histogram| histogram.count());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was counted up")]
    let gauge = snapshot.gauge(name, labels).map(|level| level as u64);
    snapshot.counter(name, labels).or(histogram).or(gauge)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_family_of_enum_labels_behaves_like_its_model(acts in prop::collection::vec(act(), 1..60)) {
        behaves_like_its_model::<Dense>(&acts);
    }

    #[test]
    fn a_family_of_string_labels_behaves_like_its_model(acts in prop::collection::vec(act(), 1..60)) {
        behaves_like_its_model::<Sparse>(&acts);
    }

    #[test]
    fn a_registry_behaves_like_its_model(requests in prop::collection::vec(request(), 1..40)) {
        let registry = Registry::new();
        let mut model = Names::default();
        for request in requests {
            match request {
                Request::Register { metric, scope, help } => {
                    let (prefix, labels) = SCOPES[scope];
                    let scoped = registry.scoped(prefix, labels).unwrap();
                    let outcome = match register(&scoped, metric, if help { "Other." } else { "Help." }) {
                        Ok(()) => Outcome::Counted,
                        Err(RegisterError::Different { .. }) => Outcome::Different,
                        Err(RegisterError::Clash { .. }) => Outcome::Clash,
                        Err(other) => panic!("{other}"),
                    };
                    prop_assert_eq!(outcome, model.register(metric, scope, help));
                }
                Request::Unregister { metric, scope } => {
                    let (prefix, labels) = SCOPES[scope];
                    let was_there = registry.scoped(prefix, labels).unwrap().unregister(METRICS[metric].0);
                    prop_assert_eq!(was_there, model.unregister(metric, scope));
                }
            }
            let names: Vec<_> = registry.describe().iter().map(|desc| desc.name().to_owned()).collect();
            let mine: Vec<_> = names.into_iter().filter(|name| !name.starts_with("metrics_registry_")).collect();
            prop_assert_eq!(mine, model.known.keys().cloned().collect::<Vec<_>>());
            for (name, (_, by_labels)) in &model.known {
                let snapshot = registry.snapshot();
                prop_assert_eq!(snapshot.family(name).unwrap().len(), by_labels.len());
                for (labels, count) in by_labels {
                    let labels: Vec<_> = labels.iter().copied().collect();
                    prop_assert_eq!(value(&registry, name, &labels), Some(*count));
                }
            }
        }
    }
}
