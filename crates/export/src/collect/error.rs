//! Why a collector is not taken.

use std::fmt;

use super::{LONGEST_NAME, MOST_COLLECTORS};

/// Why a collector is not taken; each text says what to do about it.
///
/// ```
/// use streamgauge_export::{Collector, Collectors};
///
/// let nameless = Collector::blocking("", || Ok::<_, std::fmt::Error>(()), |()| {});
/// let error = Collectors::default().add(nameless).unwrap_err();
/// assert_eq!(error.to_string(), "the collector `` is refused: a name has 1 to 128 bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectorError {
    /// The name is empty or too long.
    Name {
        /// As given.
        name: String,
    },
    /// Another one has the name.
    Taken {
        /// As given.
        name: String,
    },
    /// There are as many as there may be.
    TooMany {
        /// Of the one that is too many.
        name: String,
    },
}

impl fmt::Display for CollectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Name { name } | Self::Taken { name } | Self::TooMany { name }) = self;
        write!(f, "the collector `{name}` is refused: ")?;
        match self {
            Self::Name { .. } => write!(f, "a name has 1 to {LONGEST_NAME} bytes"),
            Self::Taken { .. } => f.write_str("there is one of that name; choose another"),
            Self::TooMany { .. } => write!(f, "there may be {MOST_COLLECTORS}; let one fetch several values"),
        }
    }
}

impl std::error::Error for CollectorError {}
