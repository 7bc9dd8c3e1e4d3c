//! What a metric is: its name, kind, help and labels, and the rules for naming it.
//!
//! The rules are `const`, so the derives apply them while your code compiles and the registry
//! applies the same ones to names made at run time.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

mod kind;
mod names;

use crate::histogram::{self, Buckets};
use crate::instrument::Declared;
use crate::label::Label;
use crate::native::Native;
use crate::summary::Quantiles;

use self::names::{utf8_label_fault, utf8_name_fault};

pub use self::kind::Kind;
pub(crate) use self::names::{is_plain, labels_fault, sample_names};
pub use self::names::{label_name_fault, metric_name_fault};

/// A declaration: everything there is to know of a metric before it has a value.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Kind};
///
/// let desc = Desc::of::<Counter>("jobs_total", "Jobs done.");
/// assert_eq!(desc.kind(), Kind::Counter);
/// assert!(desc.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Desc {
    name: Cow<'static, str>,
    kind: Kind,
    unit: Option<Cow<'static, str>>,
    help: Cow<'static, str>,
    labels: Cow<'static, [Label]>,
    buckets: Option<Buckets>,
    native: Option<Native>,
    quantiles: Option<Quantiles>,
    expire_after: Option<Duration>,
    utf8_names: bool,
}

/// Why a declaration is refused.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc};
///
/// let error = Desc::of::<Counter>("jobs", "Jobs done.").validate().unwrap_err();
/// assert_eq!(error.to_string(), "metric `jobs` is refused: the name of a counter ends with `_total`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescError {
    name: String,
    fault: String,
}

impl Desc {
    /// Declares a metric of the type `T`, which says the kind and the labels. A histogram starts
    /// with the [`Buckets::LatencyMs`] set, a summary with the standard [`Quantiles`].
    ///
    /// ```
    /// use streamgauge_metrics::{Buckets, Desc, Histogram};
    ///
    /// let desc = Desc::of::<Histogram>("wait_ms", "Time in the queue.");
    /// assert_eq!(desc.buckets(), Some(&Buckets::LatencyMs));
    /// ```
    pub fn of<T: Declared>(name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            kind: T::KIND,
            unit: None,
            help: help.into(),
            labels: Cow::Borrowed(T::LABELS),
            buckets: matches!(T::KIND, Kind::Histogram).then_some(Buckets::LatencyMs),
            native: None,
            quantiles: matches!(T::KIND, Kind::Summary).then(Quantiles::default),
            expire_after: None,
            utf8_names: false,
        }
    }

    /// The same with labels of these names, for a [`Family`](crate::Family) whose labels are given
    /// as pairs.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Family, Registry};
    ///
    /// let desc = Desc::of::<Family<Counter>>("requests_total", "Requests.").with_labels(["status"]);
    /// let requests: Family<Counter> = Registry::new().register(desc)?;
    /// requests.get_or_create(&[("status", "ok")]).inc();
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn with_labels<N: Into<Cow<'static, str>>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let label = |name: N| Label { name: name.into(), ..Label::new("") };
        Self { labels: names.into_iter().map(label).collect(), ..self }
    }

    /// The same with series that are let go when nobody has moved them for so long; one that comes back
    /// begins at 0 and [at another time](crate::snapshot::Series::started_at). Series that someone holds stay, and so do those
    /// of closed label sets, of infos and of state sets.
    ///
    /// Nothing is lost: what was recorded while a series was let go is told by the one that comes after it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamgauge_metrics::{Clock, Counter, Desc, Family, Options, Registry};
    ///
    /// let clock = Clock::manual();
    /// let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() })?;
    /// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["peer"]);
    /// let sent: Family<Counter> = registry.register(desc.expiring_after(Duration::from_secs(300)))?;
    /// sent.get_or_create(&[("peer", "10.0.0.7")]).inc();
    /// assert!(registry.render_prometheus().contains("sent_total{peer=\"10.0.0.7\"} 1\n"));
    /// clock.advance(Duration::from_secs(301));
    /// registry.snapshot(); // tells it for the last time
    /// assert!(!registry.render_prometheus().contains("10.0.0.7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expiring_after(self, idle: Duration) -> Self {
        Self { expire_after: Some(idle), ..self }
    }

    pub(crate) fn expire_after(&self) -> Option<Duration> {
        self.expire_after.filter(|_| !matches!(self.kind, Kind::Info | Kind::StateSet))
    }

    /// The same with labels that are declared elsewhere.
    #[must_use]
    pub(crate) fn labelled(self, labels: &'static [Label]) -> Self {
        Self { labels: Cow::Borrowed(labels), ..self }
    }

    /// The same under a longer name.
    #[must_use]
    pub(crate) fn prefixed(self, prefix: &str) -> Self {
        if prefix.is_empty() { self } else { Self { name: format!("{prefix}_{}", self.name).into(), ..self } }
    }

    /// The same with a unit, which must be the last word of the name (before `_total`). Whether it
    /// is says [`validate`](Self::validate).
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc};
    ///
    /// let desc = |name| Desc::of::<Counter>(name, "Bytes sent.").with_unit("bytes");
    /// assert!(desc("sent_bytes_total").validate().is_ok());
    /// assert!(desc("bytes_sent_total").validate().is_err());
    /// ```
    #[must_use]
    pub fn with_unit(self, unit: impl Into<Cow<'static, str>>) -> Self {
        Self { unit: Some(unit.into()), ..self }
    }

    /// The same with other buckets. Only a histogram may have any.
    ///
    /// ```
    /// use streamgauge_metrics::{Buckets, Desc, Histogram};
    ///
    /// let fine = Buckets::Custom(vec![0.1, 0.2, 0.5].into());
    /// assert!(Desc::of::<Histogram>("wait_ms", "Waiting.").with_buckets(fine).validate().is_ok());
    /// ```
    #[must_use]
    pub fn with_buckets(self, buckets: Buckets) -> Self {
        Self { buckets: Some(buckets), ..self }
    }

    /// The same with native buckets besides. Only a histogram may have any.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Histogram, Native};
    ///
    /// assert!(Desc::of::<Histogram>("wait_ms", "Waiting.").with_native(Native::default()).validate().is_ok());
    /// assert!(Desc::of::<Counter>("jobs_total", "Jobs.").with_native(Native::default()).validate().is_err());
    /// ```
    #[must_use]
    pub fn with_native(self, native: Native) -> Self {
        Self { native: Some(native), ..self }
    }

    /// The same with other quantiles, or of another time. Only a summary has any.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Gauge, Summary};
    ///
    /// assert!(Desc::of::<Summary>("wait_ms", "Waiting.").with_quantiles([0.5, 0.999]).validate().is_ok());
    /// assert!(Desc::of::<Summary>("wait_ms", "Waiting.").with_quantiles([99.9]).validate().is_err());
    /// assert!(Desc::of::<Gauge>("wait_ms", "Waiting.").with_quantiles([0.5]).validate().is_err());
    /// ```
    #[must_use]
    pub fn with_quantiles(self, quantiles: impl Into<Quantiles>) -> Self {
        Self { quantiles: Some(quantiles.into()), ..self }
    }

    /// The same, whose name and labels may be called anything but what needs an escape itself:
    /// quotation marks, backslashes and control characters. A reader that knows plain names only
    /// is told others, by the [scheme it asks for](crate::encode::Escaping).
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let desc = Desc::of::<Counter>("http.requests_total", "Requests.");
    /// assert!(desc.validate().is_err());
    /// let requests: Counter = Registry::new().register(desc.with_utf8_names())?;
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn with_utf8_names(self) -> Self {
        Self { utf8_names: true, ..self }
    }

    /// What both say that differ in their labels only, with the labels of both.
    #[cfg(feature = "metrics-facade")]
    pub(crate) fn beside(&self, other: &Self) -> Option<Self> {
        let is_same = Self { labels: other.labels.clone(), ..self.clone() } == *other;
        let more = other.labels.iter().filter(|label| !self.labels.contains(label));
        is_same.then(|| Self { labels: self.labels.iter().chain(more).cloned().collect(), ..self.clone() })
    }

    /// The same with other words.
    #[cfg(feature = "metrics-facade")]
    #[must_use]
    pub(crate) fn redescribed(&self, help: &str, unit: Option<&'static str>) -> Self {
        Self { help: help.to_owned().into(), unit: unit.map(Cow::Borrowed), ..self.clone() }
    }

    /// The name on the wire.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc};
    ///
    /// let desc = Desc::of::<Counter>("jobs_total", "Jobs done.");
    /// assert_eq!((desc.name(), desc.help()), ("jobs_total", "Jobs done."));
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Gauge, Kind};
    ///
    /// assert_eq!(Desc::of::<Gauge>("depth", "Depth.").kind(), Kind::Gauge);
    /// ```
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The unit, if one was declared.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc};
    ///
    /// let desc = Desc::of::<Counter>("sent_bytes_total", "Bytes sent.");
    /// assert_eq!(desc.unit(), None);
    /// assert_eq!(desc.with_unit("bytes").unit(), Some("bytes"));
    /// ```
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The help text, unescaped.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc};
    ///
    /// assert_eq!(Desc::of::<Counter>("jobs_total", "Jobs \\ done.").help(), "Jobs \\ done.");
    /// ```
    pub fn help(&self) -> &str {
        &self.help
    }

    /// The labels, in the order they are written.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Family};
    ///
    /// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// assert_eq!(desc.labels()[1].name, "to");
    /// ```
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The buckets, if this is a histogram.
    ///
    /// ```
    /// use streamgauge_metrics::{Buckets, Counter, Desc, Histogram};
    ///
    /// assert_eq!(Desc::of::<Histogram>("wait_ms", "Waiting.").buckets(), Some(&Buckets::LatencyMs));
    /// assert_eq!(Desc::of::<Counter>("jobs_total", "Jobs.").buckets(), None);
    /// ```
    pub const fn buckets(&self) -> Option<&Buckets> {
        self.buckets.as_ref()
    }

    /// How native buckets are kept, if there are any.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Histogram, Native};
    ///
    /// let desc = Desc::of::<Histogram>("wait_ms", "Waiting.");
    /// assert_eq!(desc.native(), None);
    /// assert_eq!(desc.with_native(Native::default()).native(), Some(&Native::default()));
    /// ```
    pub const fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// The quantiles, if this is a summary.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Summary};
    ///
    /// let desc = Desc::of::<Summary>("wait_ms", "Waiting.");
    /// assert_eq!(desc.quantiles().map(|quantiles| quantiles.parts().len()), Some(4));
    /// assert_eq!(Desc::of::<Counter>("jobs_total", "Jobs.").quantiles(), None);
    /// ```
    pub const fn quantiles(&self) -> Option<&Quantiles> {
        self.quantiles.as_ref()
    }

    /// Whether this is its name, or one of the names that its samples or the family have in some
    /// format.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Histogram};
    ///
    /// let desc = Desc::of::<Histogram>("wait_ms", "Waiting.");
    /// assert!(desc.is_called("wait_ms") && desc.is_called("wait_ms_bucket"));
    /// assert!(!desc.is_called("wait"));
    /// ```
    pub fn is_called(&self, name: &str) -> bool {
        // Most are asked for by their own name, or are others altogether.
        name == self.name()
            || name.starts_with(self.name().trim_end_matches("_total").trim_end_matches("_info"))
                && sample_names(self.kind, self.name()).iter().any(|own| own == name)
    }

    /// Whether every reader takes the name and the labels as they are.
    pub(crate) fn is_plain(&self) -> bool {
        !self.utf8_names || is_plain(self.name()) && self.labels.iter().all(|label| is_plain(&label.name))
    }

    /// Applies every rule of this module, as the registry does when it is registered.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc};
    ///
    /// assert!(Desc::of::<Counter>("jobs_total", "Jobs done.").validate().is_ok());
    /// assert!(Desc::of::<Counter>("jobs_total", "").validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), DescError> {
        match self.fault() {
            None => Ok(()),
            Some(fault) => Err(DescError { name: self.name.clone().into_owned(), fault }),
        }
    }

    fn fault(&self) -> Option<String> {
        let fault = if self.utf8_names {
            utf8_name_fault(self.kind, &self.name)
        } else {
            metric_name_fault(self.kind, &self.name)
        };
        if let Some(fault) = fault {
            return Some(fault.to_owned());
        }
        self.help_fault()
            .or_else(|| self.unit_fault())
            .or_else(|| self.label_fault())
            .or_else(|| self.bucket_fault())
            .or_else(|| self.quantile_fault())
    }

    fn help_fault(&self) -> Option<String> {
        self.help.trim().is_empty().then(|| "it has no help text; say what it counts".to_owned())
    }

    fn unit_fault(&self) -> Option<String> {
        let unit = self.unit()?;
        let stem = self.name.strip_suffix("_total").unwrap_or(&self.name);
        let fits = stem.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        (!fits).then(|| format!("the name must end with its unit `_{unit}`"))
    }

    fn label_fault(&self) -> Option<String> {
        labels_fault(&self.labels, if self.utf8_names { utf8_label_fault } else { label_name_fault })
    }

    fn bucket_fault(&self) -> Option<String> {
        let bounds = self.buckets.as_ref().map(Buckets::standard_bounds);
        buckets_fault(self.kind, bounds.is_some())
            .or_else(|| bounds.and_then(histogram::bounds_fault))
            .or_else(|| self.native_fault(bounds))
            .map(str::to_owned)
    }

    fn quantile_fault(&self) -> Option<String> {
        let fault = match (self.kind, &self.quantiles) {
            (Kind::Summary, Some(quantiles)) => quantiles.fault(),
            (_, Some(_)) => Some("only a summary has quantiles"),
            (_, None) => None,
        };
        fault.map(str::to_owned)
    }

    fn native_fault(&self, bounds: Option<&[f64]>) -> Option<&'static str> {
        let native = self.native?;
        match bounds {
            Some(bounds) => native.fault(bounds.len() + 1),
            None => Some("only a histogram has native buckets"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Desc {
    /// One line for error messages: `counter jobs_total{queue,status} "Jobs done."`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        let names: Vec<_> = self.labels.iter().map(|label| &*label.name).collect();
        if !names.is_empty() {
            write!(f, "{{{}}}", names.join(","))?;
        }
        write!(f, " {:?}", self.help)?;
        if let Some(buckets) = &self.buckets {
            write!(f, " buckets {buckets:?}")?;
        }
        if let Some(native) = &self.native {
            write!(f, " native ({native})")?;
        }
        if let Some(quantiles) = &self.quantiles {
            write!(f, " quantiles ({quantiles})")?;
        }
        Ok(())
    }
}

impl fmt::Display for DescError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric `{}` is refused: {}", self.name, self.fault)
    }
}

impl std::error::Error for DescError {}

/// What is wrong with a declaration of this kind that does or does not say its buckets.
///
/// ```
/// use streamgauge_metrics::{Kind, desc::buckets_fault};
///
/// assert!(buckets_fault(Kind::Histogram, true).is_none());
/// assert!(buckets_fault(Kind::Gauge, true).is_some());
/// ```
pub const fn buckets_fault(kind: Kind, has_buckets: bool) -> Option<&'static str> {
    match (kind, has_buckets) {
        (Kind::Histogram, false) => Some("a histogram says its buckets"),
        (Kind::Counter | Kind::Gauge | Kind::Summary | Kind::Info | Kind::StateSet, true) => {
            Some("only a histogram has buckets")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Desc;
    use crate::{Buckets, Counter, Gauge, Histogram};

    #[test]
    fn a_unit_must_be_the_last_word_of_the_name() {
        let desc = |name| Desc::of::<Counter>(name, "x").with_unit("bytes");
        assert!(desc("sent_bytes_total").validate().is_ok());
        assert!(desc("sentbytes_total").validate().is_err());
        assert!(desc("bytes_sent_total").validate().is_err());
    }

    #[test]
    fn help_is_needed_and_buckets_fit_the_kind() {
        assert!(Desc::of::<Gauge>("a", " ").validate().is_err());
        let bucketed = Desc::of::<Gauge>("a", "x").with_buckets(Buckets::LatencyMs);
        assert!(bucketed.validate().is_err());
        let unsorted = Buckets::Custom(vec![2.0, 1.0].into());
        let desc = Desc::of::<Histogram>("a", "x").with_buckets(unsorted);
        assert!(desc.validate().is_err());
    }
}
