//! The Prometheus text format: per family HELP, TYPE, then the samples. Version 1.0.0 differs from
//! 0.0.4 in that names may stand in quotation marks.

use super::lines::{self, Dialect, Room};
use super::names::Named;
use super::number::Spelling;
use super::{Dropped, Escaping, Fault, write_each};
use crate::desc::Kind;
use crate::snapshot::{FamilySnapshot, Snapshot};

/// HELP is escaped in these only; a quotation mark stays as it is.
const ESCAPED: [char; 2] = ['\\', '\n'];

pub(super) fn page(snapshot: &Snapshot, escaping: Escaping) -> (String, Vec<Dropped>) {
    let expected = snapshot.families().iter().map(|family| lines::expected_size(family) + head_size(family)).sum();
    let mut out = String::with_capacity(expected);
    let dropped =
        lines::with_room(|room| write_each(&mut out, snapshot, escaping, |out, named| family(out, named, room)));
    (out, dropped)
}

fn head_size(family: &FamilySnapshot) -> usize {
    "# HELP  \n# TYPE  histogram\n".len() + 2 * family.desc().name().len() + family.desc().help().len()
}

fn family(out: &mut String, named: &Named<'_>, room: &mut Room) -> Result<(), Fault> {
    lines::metadata(out, "HELP", &named.name, named.desc().help(), &ESCAPED);
    lines::metadata(out, "TYPE", &named.name, type_name(named.desc().kind()), &[]);
    lines::samples(out, named, Dialect { spelling: Spelling::Short, any_sign: true, exemplars: false }, room)
}

/// The word in the TYPE line: what this format has no word for is a gauge.
const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary => kind.as_str(),
    }
}
