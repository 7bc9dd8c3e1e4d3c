//! Labels are types: a struct is a label set, an enum is a closed set of values.

use std::borrow::Cow;
use std::hash::Hash;

use crate::sync::Arc;

/// One label of a metric, as declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// All the values it can have, if that is a closed set.
    pub values: Option<&'static [&'static str]>,
}

/// The labels of one series.
///
/// Derive it on a struct with named fields; each field is a label of that name, or of the name
/// in `#[label("name")]`. Two sets are the same series when they are equal, and only then.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, LabelSet};
///
/// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
/// struct Partition {
///     topic: String,
///     partition: i32,
/// }
///
/// let lag: Family<Counter, Partition> = Family::default();
/// lag.get_or_create(&Partition { topic: "t".into(), partition: 3 }).inc();
/// assert_eq!(Partition::LABELS[1].name, "partition");
/// ```
///
/// A name that Prometheus reserves does not compile:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, streamgauge_metrics::LabelSet)]
/// struct Bad {
///     le: String,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, streamgauge_metrics::LabelSet)]
/// struct Bad {
///     __name: String,
/// }
/// ```
///
/// Nor does the same name twice:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, streamgauge_metrics::LabelSet)]
/// struct Bad {
///     topic: String,
///     #[label("topic")]
///     other: String,
/// }
/// ```
///
/// Nor a value whose text would be a matter of taste:
///
/// ```compile_fail
/// #[derive(Clone, PartialEq, Eq, Hash, streamgauge_metrics::LabelSet)]
/// struct Bad {
///     ratio: Vec<u8>,
/// }
/// ```
pub trait LabelSet: Clone + Eq + Hash + Send + Sync + 'static {
    /// The labels, in the order they are written.
    const LABELS: &'static [Label];

    /// The text of each value: exactly one for each of [`Self::LABELS`], in the same order.
    fn values(&self) -> Vec<String>;
}

/// Something that can be the value of a label.
///
/// Derive it on an enum without fields: a variant is written in `snake_case`, or as
/// `#[label("text")]` says.
///
/// ```
/// use streamgauge_metrics::LabelValue;
///
/// #[derive(LabelValue)]
/// enum Window {
///     Tumbling,
///     #[label("hop")]
///     SlidingByHop,
/// }
///
/// assert_eq!(Window::Tumbling.text(), "tumbling");
/// assert_eq!(Window::SlidingByHop.text(), "hop");
/// assert_eq!(Window::VALUES, Some(&["tumbling", "hop"][..]));
/// ```
///
/// Two variants with one text, or a variant with fields, do not compile:
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::LabelValue)]
/// enum Bad {
///     Io,
///     #[label("io")]
///     Disk,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::LabelValue)]
/// enum Bad {
///     Io(u32),
/// }
/// ```
pub trait LabelValue {
    /// Every text there can be, if that is a closed set.
    const VALUES: Option<&'static [&'static str]> = None;

    /// The text of this value. Any text will do; encoders escape it.
    fn text(&self) -> Cow<'_, str>;
}

macro_rules! text_is_the_string_itself {
    ($($string:ty),*) => {$(
        impl LabelValue for $string {
            fn text(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        }
    )*};
}

macro_rules! text_is_the_decimal_number {
    ($($integer:ty),*) => {$(
        impl LabelValue for $integer {
            fn text(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }
        }
    )*};
}

text_is_the_string_itself!(String, &'static str, Box<str>, Arc<str>, Cow<'static, str>);
text_is_the_decimal_number!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl LabelValue for bool {
    const VALUES: Option<&'static [&'static str]> = Some(&["false", "true"]);

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }
}
