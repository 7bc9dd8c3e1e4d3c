//! Why a registration is refused.

use std::fmt;

use crate::desc::{Desc, DescError};

/// Why a metric was not registered. All of them are mistakes in declarations: fix the code, or
/// register in a registry of its own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The declaration breaks a rule by itself.
    Invalid(DescError),
    /// The name is taken by a different declaration.
    Different {
        /// What holds the name.
        existing: Box<Desc>,
        /// What was refused.
        refused: Box<Desc>,
    },
    /// The two families would both write a sample of one name.
    Clash {
        /// The name of the family that is registered.
        existing: String,
        /// The name of the family that was refused.
        refused: String,
        /// The name both lay claim to.
        sample: String,
    },
    /// The declaration is the same, but for another Rust type.
    OtherType {
        /// What was refused.
        refused: Box<Desc>,
    },
}

impl RegisterError {
    pub(super) fn different(existing: &Desc, refused: &Desc) -> Self {
        Self::Different { existing: Box::new(existing.clone()), refused: Box::new(refused.clone()) }
    }

    pub(super) fn other_type(refused: &Desc) -> Self {
        Self::OtherType { refused: Box::new(refused.clone()) }
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
            Self::Different { existing, refused } => write!(
                f,
                "[{refused}] is refused: its name is taken by [{existing}]; \
                 make the two declarations equal or rename one"
            ),
            Self::Clash { existing, refused, sample } => {
                write!(f, "`{refused}` is refused: it and `{existing}` would both own `{sample}`; rename one")
            }
            Self::OtherType { refused } => write!(
                f,
                "[{refused}] is refused: it is used with another Rust type than it was declared \
                 with; share one label set type"
            ),
        }
    }
}

impl std::error::Error for RegisterError {}
