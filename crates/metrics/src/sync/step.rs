//! The places where an ordering or a condition carries a proof.
//!
//! The models in `tests/loom` weaken each in turn and must see the harm; in what ships every place
//! has the ordering that is written there.

/// One such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The end of a record is visible to whoever sees an undo word of the next.
    FenceBeforeUndo,
    /// Publishes the undo words.
    Begin,
    /// The beginning is visible to whoever sees a cell of the record.
    FenceBeforeCells,
    /// Publishes the cells.
    End,
    /// A copy is not older than the records that were complete when it began.
    ReadFirst,
    /// With `FenceBeforeCells`.
    FenceAfterCopy,
    /// With `Begin`: the undo words are complete.
    ReadSecond,
    /// With `FenceBeforeUndo`.
    FenceAfterUndo,
    /// The answer is complete before it is announced.
    Answer,
    /// With `Answer`.
    TakeAnswer,
    /// The reader of the answer before is done with it.
    ReadRequest,
    /// With `ReadRequest`.
    Request,
    /// The undo words were not overwritten while they were read.
    StillTheSame,
    /// The answer is to this request and not to an earlier one.
    ItsOwnAnswer,
    /// Whoever sees the end of a thing sees its beginning, whatever thread that was on.
    Down,
    /// With `Down`.
    ReadDowns,
    /// What was counted for a series before it is shown is known before anyone finds it.
    Show,
    /// With `Show`.
    FindShown,
    /// Whoever takes the series out has the updates of the handle behind it.
    LetGo,
    /// With `LetGo`.
    TakeOut,
    /// Values of a summary are in the ring before they are counted.
    Fill,
    /// With `Fill`.
    ReadHead,
    /// Whoever sees a value in the place of another finds the other in a side.
    Overwrite,
    /// With `Overwrite`.
    FenceAfterRing,
    /// Whoever goes on with the values of a thread that ended has all it did behind it.
    Leave,
    /// With `Leave`.
    Adopt,
}
