//! The steps of an epoch, for tests that die between each two of them.

/// What has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The rows so far were written to their outputs.
    RowsWritten,
    /// What has changed was noted.
    ChangesNoted,
    /// The rows that an epoch counts are on the disk.
    OutputsSynced,
    /// An epoch, or a decision about one, was written and may not be on the disk.
    Appended,
    /// It is on the disk.
    Synced,
    /// What is not out of date was written to the next file.
    BaseWritten,
    /// The next file has its name.
    BaseRenamed,
    /// The file before it is gone.
    OldRemoved,
}

impl Step {
    /// All of them, in the order in which they happen.
    pub const ALL: [Step; 8] = [
        Step::RowsWritten,
        Step::ChangesNoted,
        Step::OutputsSynced,
        Step::Appended,
        Step::Synced,
        Step::BaseWritten,
        Step::BaseRenamed,
        Step::OldRemoved,
    ];
}
