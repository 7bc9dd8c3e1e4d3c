//! Records that leave beside the results: dead letters and late events.

use streamgauge_flow::{Reason, SideRow};

use crate::config::Output;
use crate::log::escape_controls;
use crate::sink::{self, Lines, OutputPlace, Role, StartError, WriteError, side_row};

/// How many of each reason are logged where nothing else keeps them.
const LOGGED: u8 = 3;
const SHOWN_CHARS: usize = 200;

/// One side output: a file, or, if none is configured, a few warnings.
#[derive(Debug)]
pub(crate) struct SideOutput {
    lines: Option<Lines>,
    logged: [u8; Reason::ALL.len()],
}

impl SideOutput {
    /// Opens the side output if one is configured.
    ///
    /// # Errors
    /// If it cannot be written, or is there already and must not be.
    pub(crate) fn open(output: Option<&Output>, place: Option<&OutputPlace>, role: Role) -> Result<Self, StartError> {
        let lines = output.map(|output| sink::open_lines(output, place, role)).transpose()?;
        Ok(SideOutput { lines, ..Self::none() })
    }

    /// No output: rows are only logged.
    pub(crate) fn none() -> Self {
        SideOutput { lines: None, logged: Default::default() }
    }

    /// Takes rows; they are written after the next [`flush`](Self::flush) at the latest.
    ///
    /// # Errors
    /// If the output takes no more.
    pub(crate) fn write(&mut self, rows: &[SideRow]) -> Result<(), WriteError> {
        if let Some(lines) = &mut self.lines {
            return rows.iter().try_for_each(|row| lines.push(false, |out| side_row(out, row)));
        }
        for row in rows {
            self.log(row);
        }
        Ok(())
    }

    /// Writes whatever is buffered.
    ///
    /// # Errors
    /// If the output takes no more.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        self.lines.as_mut().map_or(Ok(()), Lines::flush)
    }

    pub(crate) fn lines(&mut self) -> Option<&mut Lines> {
        self.lines.as_mut()
    }

    pub(crate) fn into_lines(self) -> Option<Lines> {
        self.lines
    }

    fn log(&mut self, row: &SideRow) {
        let Some(logged) = self.logged.get_mut(row.reason as usize) else { return };
        if *logged >= LOGGED {
            return;
        }
        *logged += 1;
        let last = if *logged == LOGGED { "; further ones are only counted" } else { "" };
        tracing::warn!(
            "{} at {}:{}: {}: {}{last}",
            row.reason.name(),
            row.source,
            row.offset,
            row.detail,
            shown(&row.payload),
        );
    }
}

/// The beginning of a payload, harmless to look at.
fn shown(payload: &[u8]) -> String {
    let beginning = &payload[..payload.len().min(4 * SHOWN_CHARS)];
    let text = escape_controls(&String::from_utf8_lossy(beginning));
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn letter(reason: Reason) -> SideRow {
        SideRow {
            reason,
            detail: Cow::Borrowed("why"),
            source: "in".into(),
            partition: 0,
            offset: 7,
            payload: b"{".to_vec(),
            oversize: None,
        }
    }

    #[test]
    fn only_the_first_three_of_each_reason_are_logged() {
        let mut output = SideOutput::open(None, None, Role::DeadLetter).unwrap();
        for reason in Reason::ALL {
            output.write(&vec![letter(reason); 9]).unwrap();
        }
        assert_eq!(output.logged, [LOGGED; Reason::ALL.len()]);
    }

    #[test]
    fn a_payload_is_shown_short_and_harmless() {
        assert_eq!(shown(b"\x1b]0;evil\x07\n"), "\\u{1b}]0;evil\\u{7}\\n");
        assert_eq!(shown(&[b'x'; 999]), "x".repeat(200) + "…");
        assert_eq!(shown("é".repeat(500).as_bytes()), "é".repeat(200) + "…");
        assert_eq!(shown(&[b'x'; 200]), "x".repeat(200));
        assert_eq!(shown(b"\xff"), "\u{fffd}");
    }
}
