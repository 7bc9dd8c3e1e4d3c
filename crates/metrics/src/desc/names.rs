//! How metrics and labels may be called. Names that are not plain must be
//! [asked for](super::Desc::with_utf8_names).

use super::Kind;
use crate::label::Label;

/// What is wrong with a metric name for this kind, if anything.
///
/// Letters, digits and `_`, no digit first; `:` belongs to recording rules. `_total` is for
/// counters and every counter has it, so that no format has to add or remove it. The endings a
/// histogram or a summary writes itself are left to it.
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
pub(super) const fn utf8_name_fault(kind: Kind, name: &str) -> Option<&'static str> {
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
        (Kind::Gauge | Kind::Histogram | Kind::Summary | Kind::Info | Kind::StateSet, true) => {
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
pub(super) const fn utf8_label_fault(name: &str) -> Option<&'static str> {
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
        Kind::Summary => {
            let endings = ["count", "sum", "created"];
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
    use super::{Kind, label_name_fault, metric_name_fault, utf8_label_fault, utf8_name_fault};

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
    fn a_name_that_need_not_be_plain_is_anything_that_needs_no_escape() {
        for bad in ["", "a\"", "a\\b", "a\n", "\u{7f}", "x.total_total", "x y_bucket"] {
            assert!(utf8_name_fault(Kind::Gauge, bad).is_some(), "{bad}");
        }
        for good in ["http.open", "1", "a b{}=,'", "\u{65e5}\u{672c}", "a:b", "plain"] {
            assert_eq!(utf8_name_fault(Kind::Gauge, good), None, "{good}");
            assert_eq!(utf8_label_fault(good), None, "{good}");
        }
        for reserved in ["le", "quantile", "__x.y"] {
            assert!(utf8_label_fault(reserved).is_some(), "{reserved}");
            assert!(utf8_name_fault(Kind::StateSet, reserved).is_some(), "{reserved}");
        }
        assert!(utf8_name_fault(Kind::Counter, "http.requests").is_some(), "a counter ends with `_total`");
    }
}
