//! What each name of the facade is, and where its series are.

use std::borrow::Cow;
use std::collections::HashMap;

use ::metrics::Unit;

use crate::counter::Counter;
use crate::desc::{Desc, Kind};
use crate::family::Family;
use crate::gauge::Gauge;
use crate::histogram::{Buckets, Histogram};
use crate::instrument::{Member, Single};
use crate::registry::{RegisterError, Registry};

/// A metric that was refused.
///
/// ```
/// use streamgauge_metrics::{Facade, Registry};
///
/// let facade = Facade::new(&Registry::new())?;
/// metrics::with_local_recorder(&facade, || metrics::gauge!("depth", "le" => "1").set(1.0));
/// assert!(facade.refused()[0].why.to_string().contains("`le` and `quantile` are reserved"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refused {
    /// Its name, as the macro says it.
    pub name: String,
    /// What the registry says of it.
    pub why: RegisterError,
}

/// All names.
pub(super) struct Names {
    pub(super) buckets: Buckets,
    pub(super) buckets_of: HashMap<String, Buckets>,
    pub(super) refused: Vec<Refused>,
    described: HashMap<String, Described>,
    /// How many families there are.
    registered: usize,
    counters: Families<Counter>,
    gauges: Families<Gauge>,
    histograms: Families<Histogram>,
}

/// By the name on the wire, one for each set of label names, which are sorted.
pub(super) type Families<M> = HashMap<String, Vec<(Vec<String>, Family<M>)>>;

/// What a program says of a name.
pub(super) struct Described {
    pub(super) help: String,
    pub(super) unit: Option<Unit>,
}

/// What the facade can ask for.
pub(super) trait Kept: Single + Member {
    fn all(names: &mut Names) -> &mut Families<Self>;
}

const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A program that makes up names as it runs shall not fill the memory.
const MOST_FAMILIES: usize = 10_000;
/// There are as many as there are mistakes in a program, unless it makes up names as it runs.
const MOST_REFUSED: usize = 100;
/// A metric says what it is; so does one that nobody has described.
const NO_HELP: &str = "Recorded through the metrics facade, where nobody has described it.";

impl Names {
    /// The series that have these labels, as it says on its first use what it is.
    pub(super) fn family<T: Kept>(
        &mut self,
        registry: &Registry,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Option<Family<T>> {
        let wire = wire_name(T::KIND, name);
        let own = T::all(self).get(&*wire).map_or(&[][..], Vec::as_slice);
        let is_it = |names: &[String]| names.iter().eq(labels.iter().map(|(name, _)| *name));
        if let Some((_, family)) = own.iter().find(|(names, _)| is_it(names)) {
            return Some(family.clone());
        }
        let is_first = own.is_empty();
        let names: Vec<String> = labels.iter().map(|(name, _)| (*name).to_owned()).collect();
        let desc = self.desc::<T>(name, &wire).with_labels(names.clone());
        let registered = match (self.registered < MOST_FAMILIES, is_first) {
            (true, true) => registry.register(desc),
            (true, false) => registry.register_beside(desc),
            (false, _) => Err(RegisterError::TooManyMetrics { metric: wire.to_string(), limit: MOST_FAMILIES }),
        };
        match registered {
            Ok(family) => {
                let family: Family<T> = family;
                self.registered += 1;
                T::all(self).entry(wire.into_owned()).or_default().push((names, family.clone()));
                Some(family)
            }
            Err(why) => {
                self.refuse(name, why);
                None
            }
        }
    }

    /// Takes what a program says of a name, before or after its first use.
    pub(super) fn describe<T: Kept>(&mut self, registry: &Registry, name: &str, described: Described) {
        let wire = wire_name(T::KIND, name).into_owned();
        if T::all(self).contains_key(&wire)
            && let Err(why) = registry.redescribe(&wire, &described.help(&wire), described.unit(&wire))
        {
            self.refuse(name, why);
        }
        if self.described.len() < MOST_FAMILIES {
            self.described.insert(wire, described);
        }
    }

    fn desc<T: Kept>(&self, name: &str, wire: &str) -> Desc {
        let described = self.described.get(wire);
        let help = described.map_or_else(|| NO_HELP.to_owned(), |described| described.help(wire));
        let desc = Desc::of::<Family<T>>(wire.to_owned(), help).with_utf8_names();
        let desc = match described.and_then(|described| described.unit(wire)) {
            Some(unit) => desc.with_unit(unit),
            None => desc,
        };
        match T::KIND {
            Kind::Histogram => desc.with_buckets(self.buckets_of.get(name).unwrap_or(&self.buckets).clone()),
            _ => desc,
        }
    }

    fn refuse(&mut self, name: &str, why: RegisterError) {
        if self.refused.len() < MOST_REFUSED && self.refused.iter().all(|refused| refused.name != name) {
            self.refused.push(Refused { name: name.to_owned(), why });
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            buckets: Buckets::Custom(SECONDS.into()),
            buckets_of: HashMap::new(),
            refused: Vec::new(),
            described: HashMap::new(),
            registered: 0,
            counters: HashMap::new(),
            gauges: HashMap::new(),
            histograms: HashMap::new(),
        }
    }
}

impl Described {
    /// The unit, if the name says it, too.
    fn unit(&self, wire: &str) -> Option<&'static str> {
        let unit = self.told_unit()?;
        let stem = wire.strip_suffix("_total").unwrap_or(wire);
        stem.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')).then_some(unit)
    }

    /// The help, with the unit if the name does not say it.
    fn help(&self, wire: &str) -> String {
        let help = if self.help.trim().is_empty() { NO_HELP } else { &self.help };
        match self.told_unit() {
            Some(unit) if self.unit(wire).is_none() => format!("{help} ({unit})"),
            _ => help.to_owned(),
        }
    }

    /// A number of things has no unit.
    fn told_unit(&self) -> Option<&'static str> {
        self.unit.filter(|unit| *unit != Unit::Count).map(|unit| unit.as_str())
    }
}

/// The name on the wire: that of a counter has an ending that says so.
fn wire_name(kind: Kind, name: &str) -> Cow<'_, str> {
    if kind == Kind::Counter && !name.ends_with("_total") { format!("{name}_total").into() } else { name.into() }
}

impl Kept for Counter {
    fn all(names: &mut Names) -> &mut Families<Self> {
        &mut names.counters
    }
}

impl Kept for Gauge {
    fn all(names: &mut Names) -> &mut Families<Self> {
        &mut names.gauges
    }
}

impl Kept for Histogram {
    fn all(names: &mut Names) -> &mut Families<Self> {
        &mut names.histograms
    }
}
