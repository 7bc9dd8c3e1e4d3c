//! Our instruments, as the facade wants them.

use ::metrics::{CounterFn, GaugeFn, HistogramFn};

use crate::counter::Counter;
use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::sync::{self, Mutex};

/// Counts the updates of a metric that is refused.
pub(super) struct Lost(pub(super) Counter);

/// Two that raise a counter to what they know would both add the difference.
static RAISE: Mutex<()> = Mutex::new(());

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        self.inc_by(value);
    }

    fn absolute(&self, value: u64) {
        let _one_at_a_time = sync::lock(&RAISE);
        self.inc_by(value.saturating_sub(self.get()));
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.sub(value);
    }

    fn set(&self, value: f64) {
        Self::set(self, value);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.observe_n(value, count as u64);
    }
}

impl CounterFn for Lost {
    fn increment(&self, _: u64) {
        self.0.inc();
    }

    fn absolute(&self, _: u64) {
        self.0.inc();
    }
}

impl GaugeFn for Lost {
    fn increment(&self, _: f64) {
        self.0.inc();
    }

    fn decrement(&self, _: f64) {
        self.0.inc();
    }

    fn set(&self, _: f64) {
        self.0.inc();
    }
}

impl HistogramFn for Lost {
    fn record(&self, _: f64) {
        self.0.inc();
    }

    fn record_many(&self, _: f64, count: usize) {
        self.0.inc_by(count as u64);
    }
}
