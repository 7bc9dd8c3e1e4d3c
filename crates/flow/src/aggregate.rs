//! What windows compute.

mod extremum;
mod sum;

use crate::decode::{Event, Number};
use crate::row::Value;
use crate::settings::Function;
use extremum::{Extremum, Side};
use sum::Sum;

/// The running state of one aggregate of one pane.
#[derive(Clone, Debug)]
pub(crate) enum Accumulator {
    Count(u64),
    Sum(Sum),
    Avg(Sum),
    Extremum(Side, Extremum),
}

impl Accumulator {
    /// The state before the first event.
    pub(crate) fn new(function: Function) -> Self {
        match function {
            Function::Count => Accumulator::Count(0),
            Function::Sum(_) => Accumulator::Sum(Sum::default()),
            Function::Avg(_) => Accumulator::Avg(Sum::default()),
            Function::Min(_) => Accumulator::Extremum(Side::Min, Extremum::default()),
            Function::Max(_) => Accumulator::Extremum(Side::Max, Extremum::default()),
        }
    }

    /// Takes one event in.
    #[inline]
    pub(crate) fn add(&mut self, function: Function, event: &Event<'_>) {
        if let Accumulator::Count(count) = self {
            *count += 1;
        } else if let Some(number) = function.field().and_then(|field| event.number(field)) {
            self.add_number(number);
        }
    }

    #[inline]
    fn add_number(&mut self, number: Number) {
        match self {
            Accumulator::Count(_) => {}
            Accumulator::Sum(sum) | Accumulator::Avg(sum) => sum.add(number),
            Accumulator::Extremum(side, extremum) => extremum.add(*side, number),
        }
    }

    /// Takes in all that another state of the same function took.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Accumulator::Count(count), Accumulator::Count(other)) => *count += other,
            (Accumulator::Sum(sum), Accumulator::Sum(other)) | (Accumulator::Avg(sum), Accumulator::Avg(other)) => {
                sum.merge(other);
            }
            (Accumulator::Extremum(side, extremum), Accumulator::Extremum(_, other)) => extremum.merge(*side, *other),
            (_, _) => debug_assert!(false, "states of different functions"),
        }
    }

    /// The value so far.
    pub(crate) fn result(&self) -> Value {
        match self {
            Accumulator::Count(count) => Value::Whole(i128::from(*count)),
            Accumulator::Sum(sum) => sum.total(),
            Accumulator::Avg(sum) => sum.mean(),
            Accumulator::Extremum(side, extremum) => extremum.result(*side),
        }
    }
}
