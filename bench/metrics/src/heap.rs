//! Heap bytes a series.

use crate::input;
use crate::row::Row;
use crate::sheet;

/// How many series the bytes are divided by.
const SERIES: usize = 1_000;

/// Runs something and says how many bytes were requested and not given back.
pub type Measure = fn(&mut dyn FnMut()) -> i64;

/// Counts what series need; what stands for the whole crate or the family is made before.
pub struct Heap {
    measure: Measure,
    labels: Vec<(String, String)>,
}

impl Heap {
    /// With a counting allocator behind `measure`.
    pub fn new(measure: Measure) -> Self {
        Self { measure, labels: input::series(SERIES + 1) }
    }

    /// Bytes per series; `make` creates and moves the one with these labels.
    pub fn series(&self, row: Row, make: impl Fn(&str, &str)) {
        self.series_and_settle(row, make, || {});
    }

    /// As [`Self::series`], with `settle` once all are made.
    pub fn series_and_settle(&self, row: Row, make: impl Fn(&str, &str), settle: impl Fn()) {
        let make = |(method, path): &(String, String)| make(method, path);
        self.labels[SERIES..].iter().for_each(make);
        settle();
        let bytes = (self.measure)(&mut || {
            self.labels[..SERIES].iter().for_each(make);
            settle();
        });
        let each = bytes as f64 / SERIES as f64;
        sheet::write(row, each, each);
    }
}
