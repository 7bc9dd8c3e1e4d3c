//! `OpenMetrics`: per family TYPE, UNIT, HELP, then the samples, and a last line that says that
//! nothing is missing.

use super::lines::{self, Dialect, Room};
use super::names::Named;
use super::number::Spelling;
use super::{Dropped, Escaping, Fault, write_each};
use crate::snapshot::{FamilySnapshot, Snapshot};

const ESCAPED: [char; 3] = ['\\', '\n', '"'];
const END: &str = "# EOF\n";

pub(super) fn page(snapshot: &Snapshot, escaping: Escaping) -> (String, Vec<Dropped>) {
    let families = snapshot.families().iter();
    let expected: usize = families.map(|family| lines::expected_size(family) + head_size(family)).sum();
    let mut out = String::with_capacity(expected + END.len());
    let dropped =
        lines::with_room(|room| write_each(&mut out, snapshot, escaping, |out, named| family(out, named, room)));
    out.push_str(END);
    (out, dropped)
}

fn head_size(family: &FamilySnapshot) -> usize {
    let desc = family.desc();
    "# TYPE  histogram\n# UNIT  milliseconds\n# HELP  \n".len() + 3 * desc.name().len() + desc.help().len()
}

fn family(out: &mut String, named: &Named<'_>, room: &mut Room) -> Result<(), Fault> {
    let (name, desc) = (named.stem(), named.desc());
    lines::metadata(out, "TYPE", name, desc.kind().as_str(), &[]);
    if let Some(unit) = named.unit() {
        lines::metadata(out, "UNIT", name, unit, &[]);
    }
    lines::metadata(out, "HELP", name, desc.help(), &ESCAPED);
    lines::samples(out, named, Dialect { spelling: Spelling::Canonical, any_sign: false, exemplars: true }, room)
}
