//! What families and labels are called on the wire.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Escaping, Fault};
use crate::desc::{Desc, Kind, is_plain, label_name_fault, sample_names};
use crate::label::{self, Labels};
use crate::snapshot::{FamilySnapshot, Snapshot};

/// A family and its name on the wire.
pub(super) struct Named<'a> {
    pub(super) family: &'a FamilySnapshot,
    pub(super) name: Cow<'a, str>,
    /// What becomes of its labels; `None` if they are on the wire as they are in the snapshot.
    labels: Option<Escaping>,
}

/// Names the families of a snapshot, one after the other.
pub(super) struct Names<'a> {
    families: &'a [FamilySnapshot],
    escaping: Escaping,
    /// Nothing until a name is escaped: the others were compared when they were registered.
    taken: Option<HashSet<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, escaping: Escaping) -> Self {
        Self { families: snapshot.families(), escaping, taken: None }
    }

    /// A family with its name, if it has one of its own.
    pub(super) fn name(&mut self, family: &'a FamilySnapshot) -> Result<Named<'a>, Fault> {
        if self.escaping == Escaping::AllowUtf8 || family.desc().is_plain() {
            return Ok(Named { family, name: family.desc().name().into(), labels: None });
        }
        let taken = self.taken.get_or_insert_with(|| plain_names(self.families));
        let name = self.escaping.escape(family.desc().name());
        let labels = Some(self.escaping);
        if claim(taken, family.desc(), &name) { Ok(Named { family, name, labels }) } else { Err(Fault::NameTaken) }
    }
}

fn plain_names(families: &[FamilySnapshot]) -> HashSet<String> {
    let plain = families.iter().map(FamilySnapshot::desc).filter(|desc| is_plain(desc.name()));
    plain.flat_map(|desc| sample_names(desc.kind(), desc.name())).collect()
}

/// Takes all the names of a family, or none.
fn claim(taken: &mut HashSet<String>, desc: &Desc, name: &str) -> bool {
    // It may be plain itself and have labels that are not: then its names are there.
    if is_plain(desc.name()) {
        return true;
    }
    let names = sample_names(desc.kind(), name);
    let free = names.iter().all(|name| !taken.contains(name));
    if free {
        taken.extend(names);
    }
    free
}

impl<'a> Named<'a> {
    pub(super) fn desc(&self) -> &'a Desc {
        self.family.desc()
    }

    /// The name without what the kind makes it end with: `OpenMetrics` calls a family so.
    pub(super) fn stem(&self) -> &str {
        let ending = match self.desc().kind() {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram | Kind::Summary | Kind::StateSet => "",
        };
        self.name.strip_suffix(ending).unwrap_or(&self.name)
    }

    /// The unit, if the name still ends with it and the kind may have one.
    pub(super) fn unit(&self) -> Option<&'a str> {
        let unit = self.desc().unit().filter(|unit| is_plain(unit))?;
        let has_unit = matches!(self.desc().kind(), Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary);
        let ends = self.stem().strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        (has_unit && ends).then_some(unit)
    }

    /// The labels of a series on the wire; `written` is room for them.
    #[inline]
    pub(super) fn labels<'t>(&self, text: &'t str, written: &'t mut String) -> Result<&'t str, Fault> {
        match self.labels {
            None => Ok(text),
            Some(escaping) => rewritten(text, escaping, written),
        }
    }
}

fn rewritten<'t>(text: &str, escaping: Escaping, written: &'t mut String) -> Result<&'t str, Fault> {
    written.clear();
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    for (name, value) in Labels::of(text) {
        let name = escaping.escape(name);
        if label_name_fault(&name).is_some() {
            return Err(Fault::LabelReserved);
        }
        if names.contains(&name) {
            return Err(Fault::LabelTaken);
        }
        label::push(written, &name, &value);
        names.push(name);
    }
    Ok(written)
}
