//! What windows compute.
//!
//! ```text
//! functions   count   sum(a)  avg(a)   min(a)  max(a)   percentile(a, .5)  percentile(a, .99)   …
//!               │        └──┬──┘          └──┬──┘               └─────────┬────────┘
//! states      count        sum            extrema                      numbers                        of each pane
//! ```
//! Functions that follow from the same state share it ([`layout`]), and the states of many panes stand side by side, kind by
//! kind ([`states`]): an event touches little memory, and what is to be done for it is not asked state by state.

mod deviation;
mod distinct;
mod extrema;
mod layout;
mod percentile;
mod states;
mod sum;
#[cfg(test)]
mod tests;

use crate::decode::Number;
pub(crate) use crate::encoding::DecodeError;
use crate::row::Value;
use deviation::Deviation;
pub(crate) use distinct::Distinct;
use extrema::Extrema;
pub(crate) use layout::Layout;
use layout::Rare;
use percentile::Numbers;
pub(crate) use states::States;
use sum::Sum;

/// What every state can do.
///
/// A merged state takes the place of the state that took in what both did: windows are put together from slices, sessions
/// from sessions, and a saved state goes on where it ended. What it then says is the same, up to the rounding of the sums
/// and deviations of doubles.
pub(crate) trait State: Sized {
    /// What an event gives it.
    type Input<'a>;

    /// The state before the first event.
    fn new() -> Self;

    /// Takes one input in.
    fn add(&mut self, input: Self::Input<'_>);

    /// Takes in all that another state of the same kind took.
    fn merge(&mut self, other: &Self);

    /// Appends the state: its first byte tells the layout, equal states give equal bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a state from the front of the bytes. What `encode` never writes is refused.
    fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// A state of a rarer kind: what it needs beyond this stands on the heap.
#[derive(Clone, Debug)]
pub(crate) enum Accumulator {
    Deviation(Deviation),
    Distinct(Distinct),
}

impl Accumulator {
    /// The state before the first event.
    fn new(kind: Rare) -> Self {
        match kind {
            Rare::Deviation(_) => Accumulator::Deviation(Deviation::new()),
            Rare::Distinct(_) => Accumulator::Distinct(Distinct::new()),
        }
    }

    /// Takes the fields of an event in.
    #[inline]
    fn add<'a>(&mut self, kind: Rare, number: &impl Fn(usize) -> Option<Number>, text: &impl Fn(usize) -> &'a str) {
        match (self, kind) {
            (Accumulator::Deviation(state), Rare::Deviation(field)) => {
                if let Some(number) = number(field) {
                    state.add(number);
                }
            }
            (Accumulator::Distinct(state), Rare::Distinct(field)) => state.add(text(field)),
            (_, _) => debug_assert!(false, "a state of another kind"),
        }
    }

    /// Takes in all that another state of the same kind took.
    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Accumulator::Deviation(state), Accumulator::Deviation(other)) => state.merge(other),
            (Accumulator::Distinct(state), Accumulator::Distinct(other)) => state.merge(other),
            (_, _) => debug_assert!(false, "states of different kinds"),
        }
    }

    /// What its function says.
    fn result(&self) -> Value {
        match self {
            Accumulator::Deviation(state) => state.result(),
            Accumulator::Distinct(state) => Value::Whole(i128::from(state.count())),
        }
    }

    /// Appends the state; which kind it is of is for the reader to know.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Accumulator::Deviation(state) => state.encode(out),
            Accumulator::Distinct(state) => state.encode(out),
        }
    }

    /// Reads a state from the front of the bytes.
    fn decode(kind: Rare, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(match kind {
            Rare::Deviation(_) => Accumulator::Deviation(Deviation::decode(bytes)?),
            Rare::Distinct(_) => Accumulator::Distinct(Distinct::decode(bytes)?),
        })
    }
}
