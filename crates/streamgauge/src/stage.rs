//! How each stage of a run spends its time: a share of busy near 1 is the stage to make faster.

use std::time::{Duration, Instant};

use streamgauge_metrics::{Family, FloatCounter, Gauge, LabelSet, LabelValue, Metrics};

/// The metrics of the stages.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "stream_processor")]
pub(crate) struct StageMetrics {
    /// How the threads of a stage spent their time, in milliseconds: busy, idle for want of input, or blocked by what follows.
    #[metrics(unit = "ms")]
    pub(crate) stage_time_ms_total: Family<FloatCounter, ByStageAndState>,
    /// Blocks of records that wait for a stage.
    pub(crate) queue_blocks: Family<Gauge, ByStage>,
}

/// A stage, and what it does.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ByStageAndState {
    pub(crate) stage: Stage,
    pub(crate) state: State,
}

/// A stage.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ByStage {
    pub(crate) stage: Stage,
}

/// A part of the way from bytes to rows.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Source,
    Decode,
    Judge,
    Sink,
}

/// What a stage does.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Busy,
    Idle,
    Blocked,
}

/// Time that is spent waiting is told after this long at the latest, so that the counters keep up with the clock.
pub(crate) const TOLD_AFTER: Duration = Duration::from_secs(1);

/// Tells a stage's time apart, lap by lap. One for each thread of a stage.
#[derive(Debug)]
pub(crate) struct Laps {
    busy: FloatCounter,
    idle: FloatCounter,
    blocked: FloatCounter,
    since: Instant,
}

impl StageMetrics {
    /// How many blocks wait for a stage.
    pub(crate) fn waiting(&self, stage: Stage) -> Gauge {
        self.queue_blocks.handle(&ByStage { stage })
    }
}

impl Laps {
    pub(crate) fn new(metrics: &StageMetrics, stage: Stage) -> Self {
        let of = |state| metrics.stage_time_ms_total.handle(&ByStageAndState { stage, state });
        Laps { busy: of(State::Busy), idle: of(State::Idle), blocked: of(State::Blocked), since: Instant::now() }
    }

    /// The time since the last lap was spent like this; how long that was. Once a block or so, since it reads the clock.
    pub(crate) fn lap(&mut self, state: State) -> Duration {
        let now = Instant::now();
        let spent = now.duration_since(self.since);
        self.since = now;
        match state {
            State::Busy => &self.busy,
            State::Idle => &self.idle,
            State::Blocked => &self.blocked,
        }
        .inc_by(spent.as_secs_f64() * 1e3);
        spent
    }

    /// Laps that nobody asks for.
    #[cfg(test)]
    pub(crate) fn of_nobody() -> Self {
        let none = FloatCounter::default;
        Laps { busy: none(), idle: none(), blocked: none(), since: Instant::now() }
    }
}
