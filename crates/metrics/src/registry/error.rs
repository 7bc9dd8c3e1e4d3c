//! Why a registration is refused.

use std::fmt;
use std::panic::Location;

use crate::desc::{Desc, DescError};

/// Why a metric was not registered. All of them are mistakes in declarations: fix the code, or
/// register in a registry of its own.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Family, RegisterError, Registry};
///
/// let desc = Desc::of::<Family<Counter>>("visits_total", "Visits.").with_labels(["user_id"]);
/// let refused = Registry::new().register::<Family<Counter>>(desc);
/// assert!(matches!(refused, Err(RegisterError::DeniedLabel { label, .. }) if label == "user_id"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The declaration breaks a rule by itself.
    Invalid(DescError),
    /// The name is taken by a different declaration.
    Different {
        /// What holds the name.
        existing: Box<Desc>,
        /// Where that was registered.
        at: &'static Location<'static>,
        /// What was refused.
        refused: Box<Desc>,
        /// Where it was to be registered.
        refused_at: &'static Location<'static>,
    },
    /// The two families would both write a sample of one name.
    Clash {
        /// The name of the family that is registered.
        existing: String,
        /// Where that was registered.
        at: &'static Location<'static>,
        /// The name of the family that was refused.
        refused: String,
        /// Where it was to be registered.
        refused_at: &'static Location<'static>,
        /// The name both lay claim to.
        sample: String,
    },
    /// The declaration is the same, but for another Rust type.
    OtherType {
        /// What was refused.
        refused: Box<Desc>,
        /// Where it was to be registered.
        refused_at: &'static Location<'static>,
        /// Where the name was registered, if it was.
        at: Option<&'static Location<'static>>,
    },
    /// The registry refuses labels of this name, because there is no end to their values.
    DeniedLabel {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
    },
    /// The metric has too many labels, constant ones included.
    TooManyLabels {
        /// The metric.
        metric: String,
        /// How many it has.
        labels: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The labels have so many values, all known from the declaration, that there is no room for all series.
    ClosedSetTooLarge {
        /// The metric.
        metric: String,
        /// How many series there would be.
        series: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A constant label cannot be one.
    ConstantLabel {
        /// The label.
        label: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The facade has registered as many metrics as it may, each set of label names counted.
    #[cfg(feature = "metrics-facade")]
    TooManyMetrics {
        /// The metric.
        metric: String,
        /// How many there may be.
        limit: usize,
    },
    /// A group has so many instruments that one snapshot of all is not possible.
    GroupTooLarge {
        /// Its first metric.
        first: Option<String>,
    },
}

impl RegisterError {
    pub(super) fn different(
        existing: &Desc,
        at: &'static Location<'static>,
        refused: &Desc,
        refused_at: &'static Location<'static>,
    ) -> Self {
        let (existing, refused) = (Box::new(existing.clone()), Box::new(refused.clone()));
        Self::Different { existing, at, refused, refused_at }
    }

    pub(super) fn other_type(
        refused: &Desc,
        refused_at: &'static Location<'static>,
        at: Option<&'static Location<'static>>,
    ) -> Self {
        Self::OtherType { refused: Box::new(refused.clone()), refused_at, at }
    }
}

impl From<DescError> for RegisterError {
    fn from(error: DescError) -> Self {
        Self::Invalid(error)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Different { existing, at, refused, refused_at } => write!(
                f,
                "[{refused}] at {refused_at} is refused: its name is taken by [{existing}] at {at}; \
                 make the two declarations equal or rename one"
            ),
            Self::Clash { existing, at, refused, refused_at, sample } => write!(
                f,
                "`{refused}` at {refused_at} is refused: it and `{existing}` at {at} would both own `{sample}`; \
                 rename one"
            ),
            Self::OtherType { refused, refused_at, at } => {
                write!(f, "[{refused}] at {refused_at} is refused: it is used with another Rust type than it was ")?;
                match at {
                    Some(at) => write!(f, "registered with at {at}; share one label set type"),
                    None => write!(f, "declared for; share one label set type"),
                }
            }
            Self::DeniedLabel { metric, label } => write!(
                f,
                "`{metric}` is refused: the values of label `{label}` have no end, and each is a series; \
                 take a coarser label, or insist with `unbounded` in the declaration"
            ),
            Self::TooManyLabels { metric, labels, limit } => {
                write!(f, "`{metric}` is refused: it has {labels} labels, more than {limit}")
            }
            Self::ClosedSetTooLarge { metric, series, limit } => write!(
                f,
                "`{metric}` is refused: its labels have {series} sets of values, and there is room for {limit} series; \
                 take fewer values, or raise the limit"
            ),
            Self::ConstantLabel { label, fault } => write!(f, "the constant label `{label}` is refused: {fault}"),
            #[cfg(feature = "metrics-facade")]
            Self::TooManyMetrics { metric, limit } => write!(
                f,
                "`{metric}` is refused: there are {limit} metrics, each set of label names counted; \
                 say in labels what the names say"
            ),
            Self::GroupTooLarge { first } => {
                write!(f, "the group of `{}` is refused: it has too many cells", first.as_deref().unwrap_or_default())
            }
        }
    }
}

impl std::error::Error for RegisterError {}
