//! Declarations that are not known beforehand: several of one name that differ in their labels, and help that comes
//! later.

use std::any::Any;
use std::panic::Location;

use super::entries::{Registered, Source};
use super::{RegisterError, Registry};
use crate::desc::Desc;
use crate::instrument::Declared;
use crate::sync::{self, Arc};

impl Registry {
    /// Registers a metric that is declared as the one of its name is, but for its labels. On a page the two are one
    /// family; its declaration names the labels of both.
    #[track_caller]
    pub(crate) fn register_beside<T: Declared>(&self, desc: Desc) -> Result<T, RegisterError> {
        let at = Location::caller();
        let descs = self.proven_descs(vec![desc])?;
        let mut entries = sync::write(&self.inner.entries);
        let metric = self.metric(&descs, T::STORAGE)?;
        for desc in &descs {
            let Some(entry) = entries.by_name.get_mut(desc.name()) else { continue };
            let Some(both) = entry.desc.beside(desc) else {
                return Err(RegisterError::different(&entry.desc, entry.at, desc, at));
            };
            entry.desc = Arc::new(both);
        }
        let typed = T::attach(&metric);
        for (desc, part) in descs.into_iter().zip(&metric.parts) {
            let handle: Arc<dyn Any + Send + Sync> = Arc::new(typed.clone());
            let source = Source::Part { metric: Arc::clone(&metric), part: part.clone(), handle };
            entries.add(desc, at, Registered { constant: Arc::clone(&self.scope.constant), source });
        }
        Ok(typed)
    }

    /// Says something else of the metric of this name, from the next snapshot on.
    pub(crate) fn redescribe(&self, name: &str, help: &str, unit: Option<&'static str>) -> Result<(), RegisterError> {
        let name = self.scope.name(name);
        let mut entries = sync::write(&self.inner.entries);
        if let Some(entry) = entries.by_name.get_mut(&name) {
            let desc = entry.desc.redescribed(help, unit);
            desc.validate()?;
            entry.desc = Arc::new(desc);
        }
        Ok(())
    }
}
