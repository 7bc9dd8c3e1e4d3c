//! `OpenMetrics`: per family TYPE, UNIT, HELP, then the samples, and a last line that says that
//! nothing is missing.

use super::lines::{self, Dialect};
use super::names::Named;
use super::number::Spelling;
use super::{Dropped, Fault, write_each};

const ESCAPED: [char; 3] = ['\\', '\n', '"'];
const END: &str = "# EOF\n";

pub(super) fn page(families: &[Named<'_>], dropped: &mut Vec<Dropped>) -> String {
    let expected: usize = families.iter().map(|named| lines::expected_size(named) + head_size(named)).sum();
    let mut out = String::with_capacity(expected + END.len());
    write_each(&mut out, families, dropped, family);
    out.push_str(END);
    out
}

fn head_size(named: &Named<'_>) -> usize {
    "# TYPE  histogram\n# UNIT  milliseconds\n# HELP  \n".len() + 3 * named.name.len() + named.desc().help().len()
}

fn family(out: &mut String, named: &Named<'_>) -> Result<(), Fault> {
    let (name, desc) = (named.stem(), named.desc());
    lines::metadata(out, "TYPE", name, desc.kind().as_str(), &[]);
    if let Some(unit) = named.unit() {
        lines::metadata(out, "UNIT", name, unit, &[]);
    }
    lines::metadata(out, "HELP", name, desc.help(), &ESCAPED);
    lines::samples(out, named, Dialect { spelling: Spelling::Canonical, any_sum: false, exemplars: true })
}
