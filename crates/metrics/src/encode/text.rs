//! The Prometheus text format: per family HELP, TYPE, then the samples. Version 1.0.0 differs from
//! 0.0.4 in that names may stand in quotation marks.

use super::lines::{self, Dialect};
use super::names::Named;
use super::number::Spelling;
use super::{Dropped, Fault, write_each};
use crate::desc::Kind;

/// HELP is escaped in these only; a quotation mark stays as it is.
const ESCAPED: [char; 2] = ['\\', '\n'];

pub(super) fn page(families: &[Named<'_>], dropped: &mut Vec<Dropped>) -> String {
    let expected = families.iter().map(|named| lines::expected_size(named) + head_size(named)).sum();
    let mut out = String::with_capacity(expected);
    write_each(&mut out, families, dropped, family);
    out
}

fn head_size(named: &Named<'_>) -> usize {
    "# HELP  \n# TYPE  histogram\n".len() + 2 * named.name.len() + named.desc().help().len()
}

fn family(out: &mut String, named: &Named<'_>) -> Result<(), Fault> {
    lines::metadata(out, "HELP", &named.name, named.desc().help(), &ESCAPED);
    lines::metadata(out, "TYPE", &named.name, type_name(named.desc().kind()), &[]);
    lines::samples(out, named, Dialect { spelling: Spelling::Short, any_sum: true, exemplars: false })
}

/// The word in the TYPE line: what this format has no word for is a gauge.
const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::Counter | Kind::Gauge | Kind::Histogram => kind.as_str(),
    }
}
