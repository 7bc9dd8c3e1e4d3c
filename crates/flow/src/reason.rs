//! Why a record does not get into the results.

/// Why a record left beside the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Not valid UTF-8.
    InvalidUtf8,
    /// Not a JSON object, or nested too deep.
    InvalidJson,
    /// Quotes or columns are wrong.
    InvalidCsv,
    /// Longer than allowed.
    LineTooLong,
    /// The id or the time is not there.
    MissingField,
    /// A mapped field holds what it may not.
    InvalidField,
    /// The time cannot be read or lies outside the accepted years.
    InvalidTimestamp,
    /// The time is too far ahead of the wall clock.
    FutureTimestamp,
    /// No window took the event any more.
    Late,
}

impl Reason {
    /// Every reason, in the order of judgement.
    pub const ALL: [Reason; 9] = [
        Reason::InvalidUtf8,
        Reason::InvalidJson,
        Reason::InvalidCsv,
        Reason::LineTooLong,
        Reason::MissingField,
        Reason::InvalidField,
        Reason::InvalidTimestamp,
        Reason::FutureTimestamp,
        Reason::Late,
    ];

    /// The name in rows, reports and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::InvalidJson => "invalid_json",
            Reason::InvalidCsv => "invalid_csv",
            Reason::LineTooLong => "line_too_long",
            Reason::MissingField => "missing_field",
            Reason::InvalidField => "invalid_field",
            Reason::InvalidTimestamp => "invalid_timestamp",
            Reason::FutureTimestamp => "future_timestamp",
            Reason::Late => "late",
        }
    }
}
