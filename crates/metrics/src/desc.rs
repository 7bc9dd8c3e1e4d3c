//! What a metric is: its name, kind, help and labels, and the rules for naming it.
//!
//! The rules are `const`, so the derives apply them while your code compiles and the registry
//! applies the same ones to names made at run time. Names that are not plain must be
//! [asked for](Desc::with_utf8_names).

use std::borrow::Cow;
use std::fmt;

use crate::histogram::{self, Buckets};
use crate::instrument::Declared;
use crate::label::Label;

/// The kind of a metric.
///
/// ```
/// use streamgauge_metrics::{Desc, Kind, UpDownCounter};
///
/// // A number that is counted up and down is a gauge on the wire.
/// assert_eq!(Desc::of::<UpDownCounter>("open", "Open.").kind(), Kind::Gauge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram,
    /// Says something that does not change, in labels.
    Info,
    /// Is in one of several states.
    StateSet,
}

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

impl Kind {
    /// The word used in a TYPE line.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Kind::StateSet.as_str(), "stateset");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}

impl Desc {
    /// Declares a metric of the type `T`, which says the kind and the labels. A histogram starts
    /// with the [`Buckets::LatencyMs`] set.
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
        self.help_fault().or_else(|| self.unit_fault()).or_else(|| self.label_fault()).or_else(|| self.bucket_fault())
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
            .map(str::to_owned)
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
        Ok(())
    }
}

impl fmt::Display for DescError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric `{}` is refused: {}", self.name, self.fault)
    }
}

impl std::error::Error for DescError {}

/// What is wrong with a metric name for this kind, if anything.
///
/// Letters, digits and `_`, no digit first; `:` belongs to recording rules. `_total` is for
/// counters and every counter has it, so that no format has to add or remove it. The endings a
/// histogram writes itself are left to it.
///
/// ```
/// use streamgauge_metrics::{Kind, desc::metric_name_fault};
///
/// assert!(metric_name_fault(Kind::Counter, "jobs_total").is_none());
/// assert!(metric_name_fault(Kind::Counter, "jobs").is_some());
/// ```
pub const fn metric_name_fault(kind: Kind, name: &str) -> Option<&'static str> {
    if !is_plain(name) {
        return Some("a metric name is letters, digits and `_`, and does not start with a digit");
    }
    match ending_fault(kind, name.as_bytes()) {
        // Its states are the values of a label of that name.
        None if matches!(kind, Kind::StateSet) => label_name_fault(name),
        fault => fault,
    }
}

/// The same for a name that need not be plain.
const fn utf8_name_fault(kind: Kind, name: &str) -> Option<&'static str> {
    if let Some(fault) = utf8_fault(name.as_bytes()) {
        return Some(fault);
    }
    match ending_fault(kind, name.as_bytes()) {
        None if matches!(kind, Kind::StateSet) => utf8_label_fault(name),
        fault => fault,
    }
}

/// What is wrong with how a name ends.
const fn ending_fault(kind: Kind, bytes: &[u8]) -> Option<&'static str> {
    let total = ends_with(bytes, b"_total");
    match (kind, total) {
        (Kind::Counter, false) => return Some("the name of a counter ends with `_total`"),
        (Kind::Gauge | Kind::Histogram | Kind::Info | Kind::StateSet, true) => {
            return Some("only the name of a counter ends with `_total`");
        }
        _ => {}
    }
    if bytes.len() == "_total".len() && total {
        return Some("the name says nothing but `_total`");
    }
    if matches!(kind, Kind::Info) && !(ends_with(bytes, b"_info") && bytes.len() > "_info".len()) {
        return Some("the name of an info ends with `_info`");
    }
    if ends_with(bytes, b"_bucket") || ends_with(bytes, b"_created") {
        return Some("`_bucket` and `_created` are written by the formats themselves");
    }
    None
}

/// What is wrong with a label name, if anything.
///
/// One `_` in front is allowed: to Prometheus it is a name like any other, and there are systems
/// that have such labels. `OpenMetrics` asks to keep them for its own future use, so choose another
/// name where you can. Two are refused: those Prometheus uses itself and drops.
///
/// ```
/// use streamgauge_metrics::desc::label_name_fault;
///
/// assert!(label_name_fault("topic").is_none());
/// assert!(label_name_fault("le").is_some());
/// assert!(label_name_fault("__name__").is_some());
/// ```
pub const fn label_name_fault(name: &str) -> Option<&'static str> {
    if !is_plain(name) {
        return Some("a label name is letters, digits and `_`, and does not start with a digit");
    }
    reserved_fault(name.as_bytes())
}

/// The same for a name that need not be plain.
const fn utf8_label_fault(name: &str) -> Option<&'static str> {
    match utf8_fault(name.as_bytes()) {
        None => reserved_fault(name.as_bytes()),
        fault => fault,
    }
}

const fn reserved_fault(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() >= 2 && bytes[0] == b'_' && bytes[1] == b'_' {
        return Some("label names that start with `__` are reserved");
    }
    if equals(bytes, b"le") || equals(bytes, b"quantile") {
        return Some("the label names `le` and `quantile` are reserved");
    }
    None
}

/// What is wrong with the names of the labels of one metric, if anything.
pub(crate) fn labels_fault(labels: &[Label], fault: fn(&str) -> Option<&'static str>) -> Option<String> {
    for (i, label) in labels.iter().enumerate() {
        let name = &label.name;
        if let Some(fault) = fault(name) {
            return Some(format!("label `{name}`: {fault}"));
        }
        if labels[..i].iter().any(|other| other.name == *name) {
            return Some(format!("label `{name}` is there twice"));
        }
    }
    None
}

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
        (Kind::Counter | Kind::Gauge | Kind::Info | Kind::StateSet, true) => Some("only a histogram has buckets"),
        _ => None,
    }
}

/// What is wrong with a name that need not be plain.
const fn utf8_fault(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return Some("a name is not empty");
    }
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i].is_ascii_control() || bytes[i] == b'"' || bytes[i] == b'\\' {
            return Some("a name has no quotation mark, no backslash and no control character");
        }
        i += 1;
    }
    None
}

/// Every name that a family goes by in some format, its own first.
pub(crate) fn sample_names(kind: Kind, name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    match kind {
        Kind::Counter => {
            let stem = name.strip_suffix("_total").unwrap_or(name);
            names.extend([stem.to_owned(), format!("{stem}_created")]);
        }
        Kind::Histogram => {
            let endings = ["bucket", "count", "sum", "created"];
            names.extend(endings.map(|ending| format!("{name}_{ending}")));
        }
        // By convention a gauge `x_info` is the information family `x`.
        Kind::Gauge | Kind::Info | Kind::StateSet => names.extend(name.strip_suffix("_info").map(str::to_owned)),
    }
    names
}

/// Whether a name is one that readers of every age take: letters, digits and `_`, no digit first.
pub(crate) const fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphanumeric() && bytes[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

const fn equals(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && ends_with(a, b)
}

const fn ends_with(bytes: &[u8], end: &[u8]) -> bool {
    if bytes.len() < end.len() {
        return false;
    }
    let start = bytes.len() - end.len();
    let mut i = 0;
    while i < end.len() {
        if bytes[start + i] != end[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{Desc, Kind, label_name_fault, metric_name_fault};
    use crate::{Buckets, Counter, Gauge, Histogram};

    #[test]
    fn names_that_would_break_a_format_are_refused() {
        for bad in ["", "9lives", "a-b", "a.b", "a:b", "ä", "x_total", "x_bucket", "x_created"] {
            assert!(metric_name_fault(Kind::Gauge, bad).is_some(), "{bad}");
        }
        for good in ["a", "_a", "A9_b", "queue_count", "subtotal", "total_series"] {
            assert_eq!(metric_name_fault(Kind::Gauge, good), None, "{good}");
        }
    }

    #[test]
    fn a_counter_ends_with_total_and_says_more_than_that() {
        assert!(metric_name_fault(Kind::Counter, "subtotal").is_some());
        assert!(metric_name_fault(Kind::Counter, "_total").is_some());
        assert_eq!(metric_name_fault(Kind::Counter, "x_total"), None);
    }

    #[test]
    fn reserved_label_names_are_refused_and_their_neighbours_are_not() {
        for bad in ["", "1", "a-b", "__a", "le", "quantile"] {
            assert!(label_name_fault(bad).is_some(), "{bad}");
        }
        for good in ["a", "_a", "lest", "tle", "quantiles"] {
            assert_eq!(label_name_fault(good), None, "{good}");
        }
    }

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
