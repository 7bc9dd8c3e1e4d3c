//! Who is ready, and why not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The readiness of a service's components.
///
/// A component registers when it is made, as not ready, and says so when that changes. The
/// service is ready when all of them are. A clone is another handle to the same list.
///
/// A reason is worded to be read on from the name: `source` and `not open`.
///
/// ```
/// use streamgauge_export::Health;
///
/// let health = Health::default();
/// health.register("source", "not open");
/// assert_eq!(health.readiness().reasons, ["source not open"]);
/// health.set_ready("source");
/// assert!(health.readiness().ready);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Component → why it is not ready.
    components: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    /// What is worth knowing of a component that is ready all the same.
    notes: Arc<Mutex<BTreeMap<String, String>>>,
}

/// Whether a service is ready; made by [`Health::readiness`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether every component is.
    pub ready: bool,
    /// Why not: one for each component that is not ready, sorted by component.
    pub reasons: Vec<String>,
    /// What is worth knowing all the same, sorted by component.
    pub notes: Vec<String>,
}

impl Health {
    /// Adds a component that is not ready yet.
    pub fn register(&self, name: impl Into<String>, reason: impl Into<String>) {
        self.set(name.into(), Some(reason.into()));
    }

    /// The component is ready.
    pub fn set_ready(&self, name: impl Into<String>) {
        self.set(name.into(), None);
    }

    /// The component is not, or no longer, ready.
    pub fn set_not_ready(&self, name: impl Into<String>, reason: impl Into<String>) {
        self.set(name.into(), Some(reason.into()));
    }

    /// What is worth knowing of a component although it is ready; `None` if nothing is any more.
    ///
    /// ```
    /// let health = streamgauge_export::Health::default();
    /// health.note("rows", Some("do not come: no input".to_owned()));
    /// assert_eq!(health.readiness().notes, ["rows do not come: no input"]);
    /// assert!(health.readiness().ready);
    /// ```
    pub fn note(&self, name: impl Into<String>, note: Option<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Some(note) => notes.insert(name.into(), note),
            None => notes.remove(&name.into()),
        };
    }

    /// Whether all are ready, and why not. A service without components is.
    pub fn readiness(&self) -> Readiness {
        let components = self.lock();
        let reasons: Vec<String> =
            components.iter().filter_map(|(name, reason)| Some(format!("{name} {}", reason.as_ref()?))).collect();
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = notes.iter().map(|(name, note)| format!("{name} {note}")).collect();
        Readiness { ready: reasons.is_empty(), reasons, notes }
    }

    fn set(&self, name: String, reason: Option<String>) {
        self.lock().insert(name, reason);
    }

    /// A panic cannot leave the map half changed, so a poisoned lock is entered all the same.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Health;

    #[test]
    fn a_service_without_components_is_ready() {
        assert!(Health::default().readiness().ready);
    }

    #[test]
    fn one_component_that_is_not_ready_is_enough_and_each_gives_its_reason() {
        let health = Health::default();
        health.register("source", "not open");
        health.register("sink", "not open");
        health.set_ready("sink");
        assert_eq!(health.readiness().reasons, ["source not open"]);
        health.set_ready("source");
        assert!(health.readiness().ready);
        health.set_not_ready("sink", "lost its connection");
        assert_eq!(health.readiness().reasons, ["sink lost its connection"]);
    }
}
