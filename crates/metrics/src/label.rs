//! Labels are types: a struct is a label set, an enum is a closed set of values.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

mod pairs;
mod text;

use crate::sync::Arc;

use crate::family::Remembered;

pub use self::pairs::{Lookup, Pairs};
pub use self::text::Labels;
pub(crate) use self::text::{escape, push, push_name, split_first};

/// One label of a metric, as declared.
///
/// ```
/// use streamgauge_metrics::{Desc, Counter, Family, Label};
///
/// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
/// assert_eq!(desc.labels(), [Label::new("topic")]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Its name.
    pub name: Cow<'static, str>,
    /// All the values it can have, if that is a closed set.
    pub values: Option<&'static [&'static str]>,
    /// Whether the declaration insists on it, though a registry may refuse labels of this name.
    pub unbounded: bool,
}

impl Label {
    /// A label that can have any value.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Label::new("topic").values, None);
    /// ```
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), values: None, unbounded: false }
    }
}

/// The labels of one series.
///
/// Derive it on a struct with named fields; each field is a label of that name, or of the name
/// in `#[label("name")]`. Two sets are the same series when they are equal, and only then.
///
/// A derived set of strings has a place in each thread to remember look-ups in. One that is written
/// by hand has none: each look-up of it takes the lock of the metric.
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

    /// How many label sets there are, if each label has a closed set of values and they are few.
    const DENSE: Option<usize> = None;

    /// Which of the [`Self::DENSE`] label sets this is.
    ///
    /// ```
    /// use streamgauge_metrics::{LabelSet, LabelValue};
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
    /// enum Status {
    ///     Ok,
    ///     Failed,
    /// }
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// struct Outcome {
    ///     cached: bool,
    ///     status: Status,
    /// }
    ///
    /// assert_eq!(Outcome::DENSE, Some(4));
    /// assert_eq!(Outcome { cached: true, status: Status::Ok }.index(), 2);
    /// ```
    fn index(&self) -> usize {
        0
    }

    /// The text of each value: exactly one for each of [`Self::LABELS`], in the same order.
    ///
    /// ```
    /// # use streamgauge_metrics::{LabelSet, LabelValue};
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
    /// # enum Status {
    /// #     Ok,
    /// #     Failed,
    /// # }
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// # struct Outcome {
    /// #     cached: bool,
    /// #     status: Status,
    /// # }
    /// assert_eq!(Outcome { cached: true, status: Status::Ok }.values(), ["true", "ok"]);
    /// ```
    fn values(&self) -> Vec<Cow<'_, str>>;

    /// Feeds a hasher. Equal label sets may hash differently, which costs a look-up its short cut
    /// and nothing else.
    ///
    /// ```
    /// use std::hash::{DefaultHasher, Hasher};
    /// # use streamgauge_metrics::{LabelSet, LabelValue};
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
    /// # enum Status {
    /// #     Ok,
    /// #     Failed,
    /// # }
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// # struct Outcome {
    /// #     cached: bool,
    /// #     status: Status,
    /// # }
    ///
    /// let outcome = Outcome { cached: true, status: Status::Failed };
    /// let (mut one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
    /// outcome.hash_quickly(&mut one);
    /// outcome.clone().hash_quickly(&mut other);
    /// assert_eq!(one.finish(), other.finish());
    /// ```
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        self.hash(hasher);
    }

    /// Whether two label sets are the same.
    ///
    /// ```
    /// # use streamgauge_metrics::{LabelSet, LabelValue};
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
    /// # enum Status {
    /// #     Ok,
    /// #     Failed,
    /// # }
    /// #
    /// # #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// # struct Outcome {
    /// #     cached: bool,
    /// #     status: Status,
    /// # }
    /// let outcome = |cached| Outcome { cached, status: Status::Ok };
    /// assert!(outcome(true).is_same(&outcome(true)));
    /// assert!(!outcome(true).is_same(&outcome(false)));
    /// ```
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }

    /// Uses what this thread remembers of its look-ups. A derived label set has a place for that;
    /// one that is written by hand has none, and each look-up goes the long way.
    #[doc(hidden)]
    fn remembered<R>(_: impl FnOnce(&Remembered<Self>) -> R) -> Option<R> {
        None
    }
}

/// The number of label sets there are; `None` if that is not known or more than a thousand.
///
/// ```
/// use streamgauge_metrics::{Label, label_sets};
///
/// let of = |name| Label { values: Some(&["low", "high"]), ..Label::new(name) };
/// assert_eq!(label_sets(&[of("load"), of("risk")]), Some(4));
/// assert_eq!(label_sets(&[of("load"), Label::new("topic")]), None);
/// ```
pub const fn label_sets(labels: &[Label]) -> Option<usize> {
    const MOST: usize = 1024;
    let (mut sets, mut i) = (1, 0);
    while i < labels.len() {
        match labels[i].values {
            Some(values) if sets * values.len() <= MOST => sets *= values.len(),
            _ => return None,
        }
        i += 1;
    }
    if labels.is_empty() { None } else { Some(sets) }
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
    ///
    /// ```
    /// use streamgauge_metrics::LabelValue;
    ///
    /// assert_eq!(42.text(), "42");
    /// assert_eq!(true.text(), "true");
    /// ```
    fn text(&self) -> Cow<'_, str>;

    /// Which of [`Self::VALUES`] this is.
    ///
    /// ```
    /// use streamgauge_metrics::LabelValue;
    ///
    /// assert_eq!(bool::VALUES, Some(&["false", "true"][..]));
    /// assert_eq!(true.index(), 1);
    /// ```
    fn index(&self) -> usize {
        0
    }

    /// Feeds a hasher; see [`LabelSet::hash_quickly`].
    ///
    /// ```
    /// use std::hash::{DefaultHasher, Hasher};
    /// use streamgauge_metrics::LabelValue;
    ///
    /// let (mut one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
    /// 42.hash_quickly(&mut one);
    /// 42.hash_quickly(&mut other);
    /// assert_eq!(one.finish(), other.finish());
    /// ```
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        hasher.write(self.text().as_bytes());
    }

    /// Whether two values are the same.
    ///
    /// ```
    /// use streamgauge_metrics::LabelValue;
    ///
    /// assert!("a".to_owned().is_same(&"a".to_owned()));
    /// assert!(!1.is_same(&2));
    /// ```
    fn is_same(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
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

/// The place in memory stands for the text: there is no faster hash and no faster comparison. One
/// text in two places is looked up twice and found to be one series.
impl LabelValue for &'static str {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    #[inline]
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        hasher.write_usize(self.as_ptr().addr() ^ self.len().rotate_right(8));
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(*self, *other) || self == other
    }
}

macro_rules! text_is_the_decimal_number {
    ($($integer:ty),*) => {$(
        impl LabelValue for $integer {
            fn text(&self) -> Cow<'_, str> {
                Cow::Owned(self.to_string())
            }

            #[inline]
            fn hash_quickly(&self, hasher: &mut impl Hasher) {
                self.hash(hasher);
            }

            #[inline]
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }
        }
    )*};
}

text_is_the_string_itself!(String, Box<str>, Arc<str>, Cow<'static, str>);
text_is_the_decimal_number!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl LabelValue for bool {
    const VALUES: Option<&'static [&'static str]> = Some(&["false", "true"]);

    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }

    #[inline]
    fn index(&self) -> usize {
        usize::from(*self)
    }
}
