//! What a pipeline is asked to do, as proven types: nothing behind them validates again.

use std::fmt;

use crate::pointer::Pointer;
use crate::time::Span;
use crate::timestamp::TimeFormat;

/// Everything that [`Pipeline::new`](crate::Pipeline::new) needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the bytes are to be read.
    pub format: Format,
    /// Where the fields of an event stand.
    pub mapping: Mapping,
    /// A longer record is refused. In bytes, without its line end.
    pub max_record_bytes: usize,
    /// Events are kept if each listed field has one of its values.
    pub filter: Vec<Keep>,
    /// Whether and how long an event's id is remembered.
    pub deduplicate: Option<Deduplicate>,
    /// When the past is taken for complete.
    pub watermark: WatermarkSettings,
    /// The window definitions, in configured order; at least one, names unique.
    pub windows: Vec<WindowSettings>,
    /// Where the fields of an LLM request stand, if events are such.
    pub llm: Option<LlmFields>,
}

/// Where the fields of an LLM request stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LlmFields {
    /// Index into [`Mapping::strings`].
    pub model: usize,
    /// Index into [`Mapping::numbers`], as are the others.
    pub input_tokens: usize,
    /// Tokens of the answer.
    pub output_tokens: usize,
    /// How long the request took.
    pub duration_ms: usize,
    /// How long it took to the first token of the answer.
    pub time_to_first_token_ms: usize,
    /// What it cost.
    pub cost_usd: usize,
}

/// The text format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180 with a header.
    Csv,
}

/// Where the canonical fields of an event stand.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The event's identity; `None` means that events have none.
    pub id: Option<Pointer>,
    /// The event's type.
    pub event_type: TypeFrom,
    /// Where the event time stands.
    pub time: Pointer,
    /// How the event time is written.
    pub time_format: TimeFormat,
    /// Named text fields, usable in filters and keys.
    pub strings: Vec<(String, Pointer)>,
    /// Named number fields, usable in aggregates.
    pub numbers: Vec<(String, Pointer)>,
}

/// Where an event's type comes from.
#[derive(Clone, Debug)]
pub enum TypeFrom {
    /// The same type for every event.
    Value(String),
    /// Read from the event; absent is the empty type.
    Field(Pointer),
}

/// One condition of the filter.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Index into [`Mapping::strings`].
    pub field: usize,
    /// The values that pass.
    pub values: Vec<String>,
}

/// How long an id is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Deduplicate {
    /// An id is known while the watermark is before its first event's time plus this.
    pub ttl: Span,
    /// Past this many remembered ids the oldest are forgotten, and counted. At least 1.
    pub max_entries: usize,
}

/// When the past is taken for complete.
#[derive(Clone, Copy, Debug)]
pub struct WatermarkSettings {
    /// How far behind the highest time the watermark stays. Not negative.
    pub max_out_of_orderness: Span,
    /// An event further ahead of the wall clock than this is refused. Not negative.
    pub max_future_skew: Span,
}

/// One window definition.
#[derive(Clone, Debug)]
pub struct WindowSettings {
    /// Its unique name.
    pub name: String,
    /// How it cuts time.
    pub kind: WindowKind,
    /// How long after its end a window still takes late events. Not negative.
    pub allowed_lateness: Span,
    /// The grouping: indices into [`Mapping::strings`]; empty is one group for all.
    pub key: Vec<usize>,
    /// Live keys; new ones past this many fold into one. At least 1.
    pub max_keys: usize,
    /// What is computed, in configured order; names unique.
    pub aggregates: Vec<AggregateSettings>,
}

/// How a window definition cuts time.
#[derive(Clone, Copy, Debug)]
pub enum WindowKind {
    /// Windows of one size, side by side, aligned to the epoch plus an offset.
    Tumbling {
        /// The length of a window; positive.
        size: Span,
        /// Shifts the alignment; may be negative.
        offset: Span,
    },
    /// Windows of one size that begin every `slide`, aligned to the epoch plus an offset; an instant lies in several.
    Sliding {
        /// The length of a window; at least `slide`, at most [`MAX_OVERLAP`](Self::MAX_OVERLAP) times as long.
        size: Span,
        /// From the start of a window to the start of the next; positive.
        slide: Span,
        /// Shifts the alignment; may be negative.
        offset: Span,
    },
    /// The events of a key that are no further apart than `gap`; a session ends that long after its last event.
    Session {
        /// The silence that ends a session; positive.
        gap: Span,
    },
}

/// One aggregate of a window.
#[derive(Clone, Debug)]
pub struct AggregateSettings {
    /// Its name in the result.
    pub name: String,
    /// What it computes.
    pub function: Function,
}

/// What an aggregate computes; fields are indices into [`Mapping::numbers`] unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// How many events.
    Count,
    /// The sum of a field.
    Sum(usize),
    /// The arithmetic mean of a field.
    Avg(usize),
    /// The smallest value of a field.
    Min(usize),
    /// The largest value of a field.
    Max(usize),
    /// The sample standard deviation of a field.
    Stddev(usize),
    /// The value of a field that this share of its values does not exceed.
    Percentile(usize, Rank),
    /// How many different values a text field has; an index into [`Mapping::strings`].
    Distinct(usize),
}

/// The share of a percentile: above 0, at most 1.
///
/// Kept in billionths, since it is a decimal that no double holds: 0.07 of 100 is the 7th, although the double that stands
/// for 0.07 is a little above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank(u32);

impl WindowKind {
    /// How many windows of a definition may hold one instant.
    ///
    /// Each of them prints a row of its own: a late event is answered by as many rows at once, and a row is merged from
    /// as many slices. A day by ten seconds (8,640) fits; what is wider asks for a longer slide.
    pub const MAX_OVERLAP: i128 = 10_000;

    /// The name of the kind, as configured.
    pub fn name(self) -> &'static str {
        match self {
            WindowKind::Tumbling { .. } => "tumbling",
            WindowKind::Sliding { .. } => "sliding",
            WindowKind::Session { .. } => "session",
        }
    }
}

impl Function {
    /// The name of the function, as configured.
    pub fn name(self) -> &'static str {
        match self {
            Function::Count => "count",
            Function::Sum(_) => "sum",
            Function::Avg(_) => "avg",
            Function::Min(_) => "min",
            Function::Max(_) => "max",
            Function::Stddev(_) => "stddev",
            Function::Percentile(..) => "percentile",
            Function::Distinct(_) => "distinct",
        }
    }

    /// The number field it reads, if any: an index into [`Mapping::numbers`].
    #[inline]
    pub fn field(self) -> Option<usize> {
        match self {
            Function::Count | Function::Distinct(_) => None,
            Function::Sum(f)
            | Function::Avg(f)
            | Function::Min(f)
            | Function::Max(f)
            | Function::Stddev(f)
            | Function::Percentile(f, _) => Some(f),
        }
    }
}

impl Rank {
    const ONE: u32 = 1_000_000_000;

    /// The nearest billionth, at least one of them; `None` unless the share is above 0 and at most 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the share is between 0 and 1")]
    pub fn new(share: f64) -> Option<Self> {
        let billionths = (share * f64::from(Self::ONE)).round().max(1.0);
        (share > 0.0 && share <= 1.0).then_some(Rank(billionths as u32))
    }

    /// Which of so many numbers in order it is, counted from 1: the nearest rank, the first that is not below the share.
    #[expect(clippy::cast_possible_truncation, reason = "it is at most the count")]
    pub(crate) fn of(self, count: u64) -> u64 {
        (u128::from(self.0) * u128::from(count)).div_ceil(u128::from(Self::ONE)) as u64
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f64::from(self.0) / f64::from(Self::ONE)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_the_nearest_one_in_decimal_arithmetic() {
        for count in 1..=3_000_u64 {
            for thousandths in 1..=1_000_u32 {
                let rank = Rank::new(f64::from(thousandths) / 1_000.0).unwrap();
                let want = (u64::from(thousandths) * count).div_ceil(1_000);
                assert_eq!(rank.of(count), want, "{thousandths}/1000 of {count}");
            }
        }
        assert_eq!(Rank::new(5e-324).unwrap().of(7), 1);
    }

    #[test]
    fn a_share_of_nothing_or_of_more_than_all_is_no_rank() {
        for share in [0.0, -0.5, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Rank::new(share), None);
        }
    }
}
