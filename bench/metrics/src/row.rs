//! The rows of the table.

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// `black_box(i)` and nothing else.
    Empty,
    /// A counter that is held, plus one.
    Counter,
    /// An observation in a held histogram of 13 bounds.
    Histogram,
    /// An observation for quantiles of the last minute, held.
    Summary,
    /// Two counters and a histogram that appear together in a snapshot.
    Group,
    /// The same three, one after the other: for comparison with those who have no group.
    OneByOne,
    /// Two labels that are enums: look up, plus one.
    Enums,
    /// Two labels that are `&'static str`: look up, plus one.
    Statics,
    /// Two labels whose values were made at run time: look up, plus one.
    Strings,
    /// The same as static strings, by the macro `counter!` of the `metrics` facade.
    MacroStatics,
    /// The same as strings made at run time, by that macro.
    MacroStrings,
    /// Heap bytes of a counter with two labels.
    CounterBytes,
    /// Heap bytes of a 13-bucket histogram with two labels.
    HistogramBytes,
    /// Heap bytes of a summary with two labels, its whole window in use.
    SummaryBytes,
    /// A snapshot of 10,000 counters.
    CounterSnapshot,
    /// A snapshot of 1,000 histograms.
    HistogramSnapshot,
    /// A snapshot of 10,000 counters, as a page of text.
    CounterPage,
    /// The same of 100,000.
    LargePage,
    /// A snapshot of 1,000 histograms, as a page of text.
    HistogramPage,
}

impl Row {
    /// All, in the order of the table.
    pub const ALL: [Self; 19] = [
        Self::Empty,
        Self::Counter,
        Self::Histogram,
        Self::Summary,
        Self::Group,
        Self::OneByOne,
        Self::Enums,
        Self::Statics,
        Self::Strings,
        Self::MacroStatics,
        Self::MacroStrings,
        Self::CounterBytes,
        Self::HistogramBytes,
        Self::SummaryBytes,
        Self::CounterSnapshot,
        Self::HistogramSnapshot,
        Self::CounterPage,
        Self::LargePage,
        Self::HistogramPage,
    ];

    /// Its name between processes and after `--row`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Group => "group",
            Self::OneByOne => "one-by-one",
            Self::Enums => "enums",
            Self::Statics => "statics",
            Self::Strings => "strings",
            Self::MacroStatics => "macro-statics",
            Self::MacroStrings => "macro-strings",
            Self::CounterBytes => "counter-bytes",
            Self::HistogramBytes => "histogram-bytes",
            Self::SummaryBytes => "summary-bytes",
            Self::CounterSnapshot => "counter-snapshot",
            Self::HistogramSnapshot => "histogram-snapshot",
            Self::CounterPage => "counter-page",
            Self::LargePage => "large-page",
            Self::HistogramPage => "histogram-page",
        }
    }

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Empty => "empty loop",
            Self::Counter => "counter inc, held handle",
            Self::Histogram => "histogram observe, 13 bounds",
            Self::Summary => "summary observe, merging included",
            Self::Group => "2 counters + histogram, together",
            Self::OneByOne => "2 counters + histogram, in turn",
            Self::Enums => "enum labels: look up + inc",
            Self::Statics => "static strings: look up + inc",
            Self::Strings => "run-time strings: look up + inc",
            Self::MacroStatics => "counter!, static strings",
            Self::MacroStrings => "counter!, run-time strings",
            Self::CounterBytes => "heap B: counter series",
            Self::HistogramBytes => "heap B: histogram series",
            Self::SummaryBytes => "heap B: summary series",
            Self::CounterSnapshot => "snapshot us: 10,000 counters",
            Self::HistogramSnapshot => "snapshot us: 1,000 histograms",
            Self::CounterPage => "page us: 10,000 counters",
            Self::LargePage => "page us: 100,000 counters",
            Self::HistogramPage => "page us: 1,000 histograms",
        }
    }

    /// Whether it is a time per operation, and so has a ratio to the empty loop.
    pub const fn is_update(self) -> bool {
        (self as u8) < Self::CounterBytes as u8
    }

    /// The row of that key.
    pub fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.key() == key)
    }
}
