//! What windows compute.

mod deviation;
mod distinct;

mod extremum;
mod percentile;
mod sum;
#[cfg(test)]
mod tests;

use crate::decode::{Event, Number};
pub(crate) use crate::encoding::DecodeError;
use crate::row::Value;
use crate::settings::Function;
use deviation::Deviation;
pub(crate) use distinct::Distinct;
use extremum::{Max, Min};
use percentile::Percentile;
use sum::{Mean, Total};

/// What every aggregate can do.
///
/// A merged state takes the place of the state that took in what both did: windows are put together from slices, sessions
/// from sessions, and a saved state goes on where it ended. What it then says is the same, up to the rounding of the sums
/// and deviations of doubles.
pub(crate) trait State: Sized {
    /// What the function asks of this state.
    type Asked: Copy;
    /// What an event gives it.
    type Input<'a>;

    /// The state before the first event.
    fn new(asked: Self::Asked) -> Self;

    /// Takes one input in.
    fn add(&mut self, input: Self::Input<'_>);

    /// Takes in all that another state of the same function took.
    fn merge(&mut self, other: &Self);

    /// The value so far.
    fn result(&self) -> Value;

    /// Appends the state: its first byte tells the layout, equal states give equal bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a state from the front of the bytes. What `encode` never writes is refused.
    fn decode(asked: Self::Asked, bytes: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// How many events there were.
#[derive(Clone, Debug)]
pub(crate) struct Count(u64);

/// The running state of one aggregate of one pane.
///
/// There can be millions of them, and most are sums: what a rarer one needs beyond the size of a sum stands on the heap.
#[derive(Clone, Debug)]
pub(crate) enum Accumulator {
    Count(Count),
    Sum(Total),
    Avg(Mean),
    Min(Min),
    Max(Max),
    Stddev(Deviation),
    Percentile(Percentile),
    Distinct(Distinct),
}

impl Accumulator {
    /// The state before the first event.
    pub(crate) fn new(function: Function) -> Self {
        match function {
            Function::Count => Accumulator::Count(Count::new(())),
            Function::Sum(_) => Accumulator::Sum(Total::new(())),
            Function::Avg(_) => Accumulator::Avg(Mean::new(())),
            Function::Min(_) => Accumulator::Min(Min::new(())),
            Function::Max(_) => Accumulator::Max(Max::new(())),
            Function::Stddev(_) => Accumulator::Stddev(Deviation::new(())),
            Function::Percentile(_, rank) => Accumulator::Percentile(Percentile::new(rank)),
            Function::Distinct(_) => Accumulator::Distinct(Distinct::new(())),
        }
    }

    /// Takes one event in.
    #[inline]
    pub(crate) fn add(&mut self, function: Function, event: &Event<'_>) {
        match (self, function) {
            (Accumulator::Count(count), Function::Count) => count.add(()),
            (Accumulator::Sum(sum), Function::Sum(field)) => add_number(sum, event.number(field)),
            (Accumulator::Avg(mean), Function::Avg(field)) => add_number(mean, event.number(field)),
            (Accumulator::Min(min), Function::Min(field)) => add_number(min, event.number(field)),
            (Accumulator::Max(max), Function::Max(field)) => add_number(max, event.number(field)),
            (Accumulator::Stddev(deviation), Function::Stddev(field)) => add_number(deviation, event.number(field)),
            (Accumulator::Percentile(percentile), Function::Percentile(field, _)) => {
                add_number(percentile, event.number(field));
            }
            (Accumulator::Distinct(distinct), Function::Distinct(field)) => distinct.add(event.string(field)),
            (_, _) => debug_assert!(false, "the state of another function"),
        }
    }

    /// Takes in all that another state of the same function took.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Accumulator::Count(count), Accumulator::Count(other)) => count.merge(other),
            (Accumulator::Sum(sum), Accumulator::Sum(other)) => sum.merge(other),
            (Accumulator::Avg(mean), Accumulator::Avg(other)) => mean.merge(other),
            (Accumulator::Min(min), Accumulator::Min(other)) => min.merge(other),
            (Accumulator::Max(max), Accumulator::Max(other)) => max.merge(other),
            (Accumulator::Stddev(deviation), Accumulator::Stddev(other)) => deviation.merge(other),
            (Accumulator::Percentile(percentile), Accumulator::Percentile(other)) => percentile.merge(other),
            (Accumulator::Distinct(distinct), Accumulator::Distinct(other)) => distinct.merge(other),
            (_, _) => debug_assert!(false, "states of different functions"),
        }
    }

    /// The value so far.
    pub(crate) fn result(&self) -> Value {
        match self {
            Accumulator::Count(count) => count.result(),
            Accumulator::Sum(sum) => sum.result(),
            Accumulator::Avg(mean) => mean.result(),
            Accumulator::Min(min) => min.result(),
            Accumulator::Max(max) => max.result(),
            Accumulator::Stddev(deviation) => deviation.result(),
            Accumulator::Percentile(percentile) => percentile.result(),
            Accumulator::Distinct(distinct) => distinct.result(),
        }
    }

    /// Appends the state; which function it is of is for the reader to know.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Accumulator::Count(count) => count.encode(out),
            Accumulator::Sum(sum) => sum.encode(out),
            Accumulator::Avg(mean) => mean.encode(out),
            Accumulator::Min(min) => min.encode(out),
            Accumulator::Max(max) => max.encode(out),
            Accumulator::Stddev(deviation) => deviation.encode(out),
            Accumulator::Percentile(percentile) => percentile.encode(out),
            Accumulator::Distinct(distinct) => distinct.encode(out),
        }
    }

    /// Reads the state of a function from the front of the bytes.
    pub(crate) fn decode(function: Function, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok(match function {
            Function::Count => Accumulator::Count(Count::decode((), bytes)?),
            Function::Sum(_) => Accumulator::Sum(Total::decode((), bytes)?),
            Function::Avg(_) => Accumulator::Avg(Mean::decode((), bytes)?),
            Function::Min(_) => Accumulator::Min(Min::decode((), bytes)?),
            Function::Max(_) => Accumulator::Max(Max::decode((), bytes)?),
            Function::Stddev(_) => Accumulator::Stddev(Deviation::decode((), bytes)?),
            Function::Percentile(_, rank) => Accumulator::Percentile(Percentile::decode(rank, bytes)?),
            Function::Distinct(_) => Accumulator::Distinct(Distinct::decode((), bytes)?),
        })
    }
}

/// An event without the number is skipped.
#[inline]
fn add_number<S: for<'a> State<Input<'a> = Number>>(state: &mut S, number: Option<Number>) {
    if let Some(number) = number {
        state.add(number);
    }
}

impl State for Count {
    type Asked = ();
    type Input<'a> = ();

    fn new((): ()) -> Self {
        Count(0)
    }

    #[inline]
    fn add(&mut self, (): ()) {
        self.0 += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.0 += other.0;
    }

    fn result(&self) -> Value {
        Value::Whole(i128::from(self.0))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        crate::encoding::put_layout(out, 1);
        crate::encoding::put_count(out, self.0);
    }

    fn decode((): (), bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        crate::encoding::take_layout(bytes, 1)?;
        crate::encoding::take_count(bytes).map(Count)
    }
}
