//! What a part of a program adds to all its metrics.

use super::RegisterError;
use crate::desc::{Desc, Kind, label_name_fault};
use crate::label::{self, Labels};
use crate::sync::Arc;

/// Prefix and constant labels.
pub(super) struct Scope {
    pub(super) prefix: String,
    /// The constant labels, as they are on the wire.
    pub(super) constant: Arc<str>,
}

impl Default for Scope {
    fn default() -> Self {
        Self { prefix: String::new(), constant: "".into() }
    }
}

impl Scope {
    /// A scope in this one.
    pub(super) fn inner(&self, prefix: &str, labels: &[(&str, &str)]) -> Result<Self, RegisterError> {
        let mut all: Vec<_> = Labels::of(&self.constant).collect();
        for (name, value) in labels {
            let refused =
                |fault: &str| RegisterError::ConstantLabel { label: (*name).to_owned(), fault: fault.to_owned() };
            if let Some(fault) = label_name_fault(name) {
                return Err(refused(fault));
            }
            if all.iter().any(|(other, _)| other == name) {
                return Err(refused("it is there twice"));
            }
            all.push((name, (*value).into()));
        }
        // Sorted, so that the same labels in another order are the same text.
        all.sort();
        let mut constant = String::new();
        for (name, value) in &all {
            label::push(&mut constant, name, value);
        }
        Ok(Self { prefix: self.name(prefix), constant: constant.into() })
    }

    /// A name with the prefix.
    pub(super) fn name(&self, name: &str) -> String {
        match (self.prefix.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (false, true) => self.prefix.clone(),
            (false, false) => format!("{}_{name}", self.prefix),
        }
    }

    /// How many constant labels there are.
    pub(super) fn labels(&self) -> usize {
        Labels::of(&self.constant).count()
    }

    /// A metric has no label that is a constant one.
    pub(super) fn refuse_doubles(&self, desc: &Desc) -> Result<(), RegisterError> {
        // The states of a state set are the values of a label that is named like it.
        let states = (desc.kind() == Kind::StateSet).then(|| desc.name());
        let mut own = desc.labels().iter().map(|label| &*label.name).chain(states);
        let double = own.find(|name| Labels::of(&self.constant).get(name).is_some());
        double.map_or(Ok(()), |label| {
            let fault = format!("`{}` has a label of that name", desc.name());
            Err(RegisterError::ConstantLabel { label: label.to_owned(), fault })
        })
    }
}
