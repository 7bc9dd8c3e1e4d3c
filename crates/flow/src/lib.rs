//! Event-time stream logic: synchronous and deterministic; no clock, thread, file or socket.
//!
//! ```text
//! bytes ─ Framer ─ Block ─ Decoder ─ Decoded ─┐                                             ┌─ rows  (sink)
//!                       any number of threads ├─ Pipeline::step(batch, now, until) ─ Effects ┼─ late  (side output)
//! wall clock ─ WallTime ──────────────────────┘   filter dedup windows watermark            └─ dead  (dead letters)
//! ```
//!
//! What always holds:
//! 1. Time is an argument: the same calls give the same effects.
//! 2. `received = processed + duplicates + late + dead_letters + filtered`, after every step.
//! 3. A watermark only advances; that of the run is the lowest of its active partitions.
//! 4. An event is judged by the watermark before it, then moves it: how the input is cut into batches changes nothing.
//! 5. Rows of one firing come by end, window name, key and start: one bounded input gives one output.

mod aggregate;
mod batch;
mod decode;
mod dedup;
mod encoding;
mod explosion;
mod frame;
mod key;
mod pages;
mod pipeline;
mod plan;
mod pointer;
mod quiet;
mod reason;
mod record;
mod row;
mod same;
mod settings;
pub mod state;
mod telemetry;
mod time;
mod timestamp;
mod watermark;
mod window;

pub use batch::{Account, Batch, Effects, Progress, SideRow, Stopped};
pub use decode::{Decoded, Decoder, Event, HeaderError, Number, Refusal, check_csv_header};
pub use explosion::KeyExplosion;
pub use frame::{Block, Framer};
pub use pipeline::{Pipeline, RestoreError, Survey, WindowSurvey};
pub use plan::Refusal as PlanRefusal;
pub use pointer::{Pointer, PointerError};
pub use quiet::{PartitionState, Quiet, Situation};
pub use reason::Reason;
pub use row::{KeyValues, Row, RowNames, Rows, Value};
pub use settings::{
    AggregateSettings, Deduplicate, Format, Function, Keep, LlmFields, Mapping, Rank, Settings, TypeFrom,
    WatermarkSettings, WindowKind, WindowSettings,
};
pub use telemetry::{
    ByAggregation, ByModel, ByOutcome, ByPartition, ByToken, ByType, ByWindow, Dropped, EndToEnd, ErrorType,
    LlmMetrics, Outcome, PipelineMetrics, ProgressMetrics, Timing, TokenKind,
};
pub use time::{EventTime, Span, WallTime};
pub use timestamp::{Pattern, TimeFormat, TimeFormatError};
pub use watermark::{PartitionMark, Watermark};
