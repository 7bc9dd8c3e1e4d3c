//! What is registered, by name.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::Location;

use super::RegisterError;
use super::claims::Claims;
use crate::cardinality::Refusals;
use crate::desc::Desc;
use crate::metric::Metric;
use crate::plan::Part;
use crate::sync::Arc;

#[derive(Default)]
pub(super) struct Entries {
    pub(super) by_name: BTreeMap<String, Entry>,
    pub(super) claims: Claims,
}

/// What is registered under one name.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) desc: Arc<Desc>,
    /// Where it was registered first.
    pub(super) at: &'static Location<'static>,
    /// One for each set of constant labels.
    pub(super) registered: Vec<Registered>,
}

#[derive(Clone)]
pub(super) struct Registered {
    /// The constant labels, as they are on the wire.
    pub(super) constant: Arc<str>,
    pub(super) source: Source,
}

#[derive(Clone)]
pub(super) enum Source {
    /// An instrument of a metric, and the handle that registering it again gives back.
    Part { metric: Arc<Metric>, part: Part, handle: Arc<dyn Any + Send + Sync> },
    /// Read when a snapshot is taken.
    Read { read: Arc<dyn Fn() -> f64 + Send + Sync>, refusals: Arc<Refusals> },
}

impl Entries {
    /// What was registered with these declarations before, if anything.
    pub(super) fn find<T: Send + Sync + 'static>(
        &self,
        descs: &[Desc],
        constant: &str,
        at: &'static Location<'static>,
    ) -> Result<Option<Arc<T>>, RegisterError> {
        let Some((first, rest)) = descs.split_first() else { return Ok(None) };
        let Some(known) = self.get(first, constant, at)? else { return Ok(None) };
        let other_type = || RegisterError::other_type(first, at, self.place_of(first));
        for desc in rest {
            if self.get(desc, constant, at)?.is_none() {
                return Err(other_type());
            }
        }
        let Source::Part { handle, .. } = &known.source else { return Err(other_type()) };
        Arc::clone(handle).downcast().map(Some).map_err(|_| other_type())
    }

    /// Where the name of a declaration was registered first.
    fn place_of(&self, desc: &Desc) -> Option<&'static Location<'static>> {
        self.by_name.get(desc.name()).map(|entry| entry.at)
    }

    fn get(
        &self,
        desc: &Desc,
        constant: &str,
        at: &'static Location<'static>,
    ) -> Result<Option<&Registered>, RegisterError> {
        let Some(entry) = self.by_name.get(desc.name()) else { return Ok(None) };
        if *entry.desc != *desc {
            return Err(RegisterError::different(&entry.desc, entry.at, desc, at));
        }
        Ok(entry.registered.iter().find(|registered| *registered.constant == *constant))
    }

    /// A value that is read cannot be given back: nobody holds it.
    pub(super) fn refuse_second(
        &self,
        descs: &[Desc],
        constant: &str,
        at: &'static Location<'static>,
    ) -> Result<(), RegisterError> {
        for desc in descs {
            if self.get(desc, constant, at)?.is_some() {
                return Err(RegisterError::other_type(desc, at, self.place_of(desc)));
            }
        }
        Ok(())
    }

    /// Takes the names that are not taken yet, or none.
    pub(super) fn make_room(&mut self, descs: &[Desc], at: &'static Location<'static>) -> Result<(), RegisterError> {
        for (i, desc) in descs.iter().enumerate() {
            let known = match self.by_name.get(desc.name()) {
                Some(entry) if *entry.desc != *desc => Err(RegisterError::different(&entry.desc, entry.at, desc, at)),
                Some(_) => continue,
                None => self.claims.claim(desc, at),
            };
            if let Err(error) = known {
                descs[..i].iter().filter(|d| !self.by_name.contains_key(d.name())).for_each(|d| self.claims.release(d));
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, desc: Desc, at: &'static Location<'static>, registered: Registered) {
        let name = desc.name().to_owned();
        let new = || Entry { desc: Arc::new(desc), at, registered: Vec::new() };
        let all = &mut self.by_name.entry(name).or_insert_with(new).registered;
        all.push(registered);
        all.sort_by(|a, b| a.constant.cmp(&b.constant));
    }

    /// Takes out what is registered under a name with these constant labels, and with it the
    /// other instruments of its group.
    pub(super) fn remove(&mut self, name: &str, constant: &str) -> Vec<Registered> {
        let Some(entry) = self.by_name.get(name) else { return Vec::new() };
        let out: Vec<_> = entry.registered.iter().filter(|one| *one.constant == *constant).cloned().collect();
        let mut all = Vec::new();
        for entry in self.by_name.values_mut() {
            all.extend(entry.registered.extract_if(.., |one| out.iter().any(|out| one.is_of(out))));
        }
        let empty: Vec<_> = self.by_name.extract_if(.., |_, entry| entry.registered.is_empty()).collect();
        for (_, entry) in &empty {
            self.claims.release(&entry.desc);
        }
        all
    }
}

impl Entry {
    /// The metrics whose instruments are registered under the name.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &Arc<Metric>> {
        self.registered.iter().filter_map(|registered| match &registered.source {
            Source::Part { metric, .. } => Some(metric),
            Source::Read { .. } => None,
        })
    }
}

impl Registered {
    /// Whether the two were registered by one call.
    fn is_of(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::Part { metric, .. }, Source::Part { metric: of, .. }) => Arc::ptr_eq(metric, of),
            (Source::Read { refusals, .. }, Source::Read { refusals: of, .. }) => Arc::ptr_eq(refusals, of),
            _ => false,
        }
    }
}
