//! The states of any number of panes, side by side.

use std::hint::black_box;
use std::sync::Arc;

use super::layout::{Layout, Read};
use super::{Accumulator, DecodeError, Extrema, Numbers, State, Sum};
use crate::decode::{Event, Number};
use crate::encoding::{put_count, put_layout, take_count, take_layout};
use crate::row::Value;

/// The states of panes of one layout, by number.
#[derive(Clone, Debug)]
pub(crate) struct States {
    layout: Arc<Layout>,
    counts: Vec<u64>, // of events
    sums: Vec<Sum>,   // pane by pane, as many each as the layout has; as are the others
    extrema: Vec<Extrema>,
    numbers: Vec<Numbers>,
    rare: Vec<Accumulator>,
}

impl States {
    /// Of no panes.
    pub(crate) fn new(layout: &Arc<Layout>) -> Self {
        let layout = Arc::clone(layout);
        States {
            layout,
            counts: Vec::new(),
            sums: Vec::new(),
            extrema: Vec::new(),
            numbers: Vec::new(),
            rare: Vec::new(),
        }
    }

    /// How many panes there are.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// About how many bytes a pane takes; sketches that have grown are not looked for.
    pub(crate) fn pane_bytes(layout: &Layout) -> usize {
        size_of::<u64>()
            + layout.sums.len() * size_of::<Sum>()
            + layout.extrema.len() * size_of::<Extrema>()
            + layout.numbers.len() * size_of::<Numbers>()
            + layout.rare.len() * size_of::<Accumulator>()
    }

    /// Another pane, before its first event.
    pub(crate) fn open(&mut self) {
        self.counts.push(0);
        self.sums.extend(self.layout.sums.iter().map(|_| Sum::new()));
        self.extrema.extend(self.layout.extrema.iter().map(|_| Extrema::new()));
        self.numbers.extend(self.layout.numbers.iter().map(|_| Numbers::new()));
        self.rare.extend(self.layout.rare.iter().map(|kind| Accumulator::new(*kind)));
    }

    /// Another pane, like one of others.
    pub(crate) fn push(&mut self, other: &States, at: usize) {
        self.counts.push(other.counts[at]);
        self.sums.extend_from_slice(of(&other.sums, at, self.layout.sums.len()));
        self.extrema.extend_from_slice(of(&other.extrema, at, self.layout.extrema.len()));
        self.numbers.extend_from_slice(of(&other.numbers, at, self.layout.numbers.len()));
        self.rare.extend_from_slice(of(&other.rare, at, self.layout.rare.len()));
    }

    /// The states of one pane alone.
    pub(crate) fn alone(&self, at: usize) -> States {
        let mut alone = States::new(&self.layout);
        alone.push(self, at);
        alone
    }

    /// A pane begins anew.
    pub(crate) fn reset(&mut self, at: usize) {
        self.counts[at] = 0;
        of_mut(&mut self.sums, at, self.layout.sums.len()).fill_with(Sum::new);
        of_mut(&mut self.extrema, at, self.layout.extrema.len()).fill_with(Extrema::new);
        of_mut(&mut self.numbers, at, self.layout.numbers.len()).fill_with(Numbers::new);
        let rare = of_mut(&mut self.rare, at, self.layout.rare.len());
        rare.iter_mut().zip(&self.layout.rare).for_each(|(state, kind)| *state = Accumulator::new(*kind));
    }

    /// Reads the state of a pane, as far as it is the same in size for all.
    #[inline]
    pub(crate) fn touch(&self, at: usize) {
        black_box(self.counts[at]);
        for sum in of(&self.sums, at, self.layout.sums.len()) {
            black_box(sum.clone());
        }
        for outermost in of(&self.extrema, at, self.layout.extrema.len()) {
            black_box(outermost.clone());
        }
    }

    /// A pane takes one event in.
    #[inline]
    pub(crate) fn add(&mut self, at: usize, event: &Event<'_>) {
        self.take(at, |field| event.number(field), |field| event.string(field));
    }

    /// The same with an event's fields. Where a number is absent, nothing changes.
    #[inline]
    pub(super) fn take<'a>(
        &mut self,
        at: usize,
        number: impl Fn(usize) -> Option<Number>,
        text: impl Fn(usize) -> &'a str,
    ) {
        let Layout { sums, extrema, numbers, rare, .. } = &*self.layout;
        self.counts[at] += 1;
        for (sum, field) in from_mut(&mut self.sums, at, sums.len()).iter_mut().zip(sums) {
            if let Some(number) = number(*field) {
                sum.add(number);
            }
        }
        for (outermost, field) in from_mut(&mut self.extrema, at, extrema.len()).iter_mut().zip(extrema) {
            if let Some(number) = number(*field) {
                outermost.add(number);
            }
        }
        if !numbers.is_empty() {
            for (all, field) in from_mut(&mut self.numbers, at, numbers.len()).iter_mut().zip(numbers) {
                if let Some(number) = number(*field) {
                    all.add(number);
                }
            }
        }
        if !rare.is_empty() {
            self.take_rare(at, number, text);
        }
    }

    /// A function of its own, so that what it needs room for costs nothing where it is not needed.
    #[inline(never)]
    fn take_rare<'a>(&mut self, at: usize, number: impl Fn(usize) -> Option<Number>, text: impl Fn(usize) -> &'a str) {
        let rare = &self.layout.rare;
        for (state, kind) in of_mut(&mut self.rare, at, rare.len()).iter_mut().zip(rare) {
            state.add(*kind, &number, &text);
        }
    }

    /// A pane takes in all that a pane of others took.
    pub(crate) fn merge(&mut self, at: usize, other: &States, from: usize) {
        let Layout { sums, extrema, numbers, rare, .. } = &*self.layout;
        self.counts[at] += other.counts[from];
        let pairs = of_mut(&mut self.sums, at, sums.len()).iter_mut().zip(of(&other.sums, from, sums.len()));
        pairs.for_each(|(mine, theirs)| mine.merge(theirs));
        let pairs = of_mut(&mut self.extrema, at, extrema.len()).iter_mut();
        pairs.zip(of(&other.extrema, from, extrema.len())).for_each(|(mine, theirs)| mine.merge(theirs));
        let pairs = of_mut(&mut self.numbers, at, numbers.len()).iter_mut();
        pairs.zip(of(&other.numbers, from, numbers.len())).for_each(|(mine, theirs)| mine.merge(theirs));
        let pairs = of_mut(&mut self.rare, at, rare.len()).iter_mut().zip(of(&other.rare, from, rare.len()));
        pairs.for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// What each function says of a pane, in configured order.
    pub(crate) fn results(&mut self, at: usize) -> impl Iterator<Item = Value> {
        let Layout { sums, extrema, numbers, rare, reads } = &*self.layout;
        of_mut(&mut self.numbers, at, numbers.len()).iter_mut().for_each(Numbers::settle);
        let (sums, extrema) = (of(&self.sums, at, sums.len()), of(&self.extrema, at, extrema.len()));
        let (numbers, rare) = (of(&self.numbers, at, numbers.len()), of(&self.rare, at, rare.len()));
        let count = self.counts[at];
        reads.iter().map(move |read| match *read {
            Read::Count => Value::Whole(i128::from(count)),
            Read::Total(n) => sums[n].total(),
            Read::Mean(n) => sums[n].mean(),
            Read::Extremum(n, side) => extrema[n].at(side),
            Read::Percentile(n, rank) => numbers[n].at(rank),
            Read::Rare(n) => rare[n].result(),
        })
    }

    /// Appends a pane, function by function.
    pub(crate) fn encode(&self, at: usize, out: &mut Vec<u8>) {
        let Layout { sums, extrema, numbers, rare, reads } = &*self.layout;
        let (sums, extrema) = (of(&self.sums, at, sums.len()), of(&self.extrema, at, extrema.len()));
        let (numbers, rare) = (of(&self.numbers, at, numbers.len()), of(&self.rare, at, rare.len()));
        for read in reads {
            match *read {
                Read::Count => {
                    put_layout(out, COUNT_LAYOUT);
                    put_count(out, self.counts[at]);
                }
                Read::Total(n) | Read::Mean(n) => sums[n].encode(out),
                Read::Extremum(n, side) => extrema[n].encode(side, out),
                Read::Percentile(n, _) => numbers[n].encode(out),
                Read::Rare(n) => rare[n].encode(out),
            }
        }
    }

    /// Reads one pane from the front of the bytes. What `encode` never writes is refused.
    pub(crate) fn decode(layout: &Arc<Layout>, bytes: &mut &[u8]) -> Result<States, DecodeError> {
        let (mut read, before) = (States::new(layout), *bytes);
        read.open();
        for function in &layout.reads {
            match *function {
                Read::Count => {
                    take_layout(bytes, COUNT_LAYOUT)?;
                    read.counts[0] = take_count(bytes)?;
                }
                Read::Total(n) | Read::Mean(n) => read.sums[n] = Sum::decode(bytes)?,
                Read::Extremum(n, side) => read.extrema[n].decode(side, bytes)?,
                Read::Percentile(n, _) => read.numbers[n] = Numbers::decode(bytes)?,
                Read::Rare(n) => read.rare[n] = Accumulator::decode(layout.rare[n], bytes)?,
            }
        }
        if layout.shares() {
            // A state that stands there for each of its functions must be the same each time.
            let mut again = Vec::new();
            read.encode(0, &mut again);
            if again != before[..before.len() - bytes.len()] {
                return Err(DecodeError::Corrupt("functions of one field that do not fit each other"));
            }
        }
        Ok(read)
    }
}

const COUNT_LAYOUT: u8 = 1;

#[inline]
fn of<T>(all: &[T], at: usize, width: usize) -> &[T] {
    &all[at * width..(at + 1) * width]
}

#[inline]
fn of_mut<T>(all: &mut [T], at: usize, width: usize) -> &mut [T] {
    &mut all[at * width..(at + 1) * width]
}

/// The states of a pane and of those behind it: whoever knows how many it wants need not be told where they end.
#[inline]
fn from_mut<T>(all: &mut [T], at: usize, width: usize) -> &mut [T] {
    &mut all[at * width..]
}
