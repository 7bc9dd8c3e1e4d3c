//! Which states the panes of a window definition need for its functions: each once, however many functions follow from it.

use super::extrema::Side;
use crate::settings::{Function, Rank};

/// The states of a pane, by kind, and how its functions are read off them.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(super) sums: Vec<usize>,    // the number field of each
    pub(super) extrema: Vec<usize>, // the same
    pub(super) numbers: Vec<usize>, // the same
    pub(super) rare: Vec<Rare>,
    pub(super) reads: Vec<Read>, // by function, as configured
}

/// A state of a rarer kind, and the field that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rare {
    Deviation(usize),
    Distinct(usize), // a text field
}

/// How a function is read: the place of its state among those of the kind, and what is asked of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    Count,
    Total(usize),
    Mean(usize),
    Extremum(usize, Side),
    Percentile(usize, Rank),
    Rare(usize),
}

impl Layout {
    pub(crate) fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let mut layout =
            Layout { sums: Vec::new(), extrema: Vec::new(), numbers: Vec::new(), rare: Vec::new(), reads: Vec::new() };
        for function in functions {
            let read = layout.place(function);
            layout.reads.push(read);
        }
        layout
    }

    fn place(&mut self, function: Function) -> Read {
        let Layout { sums, extrema, numbers, rare, .. } = self;
        match function {
            Function::Count => Read::Count,
            Function::Sum(field) => Read::Total(find_or_add(sums, field)),
            Function::Avg(field) => Read::Mean(find_or_add(sums, field)),
            Function::Min(field) => Read::Extremum(find_or_add(extrema, field), Side::Min),
            Function::Max(field) => Read::Extremum(find_or_add(extrema, field), Side::Max),
            Function::Stddev(field) => Read::Rare(find_or_add(rare, Rare::Deviation(field))),
            Function::Percentile(field, rank) => Read::Percentile(find_or_add(numbers, field), rank),
            Function::Distinct(field) => Read::Rare(find_or_add(rare, Rare::Distinct(field))),
        }
    }

    /// Whether a state is read by more than one function.
    pub(super) fn shares(&self) -> bool {
        let Layout { sums, extrema, numbers, rare, reads } = self;
        sums.len() + extrema.len() + numbers.len() + rare.len()
            < reads.iter().filter(|read| !matches!(read, Read::Count)).count()
    }
}

fn find_or_add<T: PartialEq>(list: &mut Vec<T>, one: T) -> usize {
    list.iter().position(|known| *known == one).unwrap_or_else(|| {
        list.push(one);
        list.len() - 1
    })
}
