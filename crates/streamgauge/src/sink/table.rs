//! Rows for a person: aligned columns, headed by their names.

use std::io::Write;

use streamgauge_flow::{EventTime, Row, Rows, Value};
use unicode_width::UnicodeWidthStr;

use super::encode;
use crate::log::escape_controls;

/// A longer text would push everything behind it off the screen.
const WIDEST: usize = 40;
const HEAD_EVERY: usize = 40;
/// Numbers grow; a column with room for them needs no new head when they do.
const NUMBER_WIDTH: usize = 9;

/// The columns of each window definition. They only ever grow, so that lines of several batches stay aligned.
#[derive(Debug, Default)]
pub(crate) struct Table {
    layouts: Vec<Layout>,
    last: Option<usize>, // the layout of the last row
    since_head: usize,
}

#[derive(Debug)]
struct Layout {
    window: String,
    widths: Vec<usize>,
    grown: bool, // since its head was printed
}

impl Table {
    /// Makes the columns wide enough for `rows`.
    pub(crate) fn fit(&mut self, rows: &Rows) {
        for row in rows.iter() {
            let at = self.layout_of(&row);
            self.layouts[at].grow(&cells(&row));
        }
    }

    /// Appends one row, and a head above it where there is need of one.
    pub(crate) fn row(&mut self, out: &mut Vec<u8>, row: &Row<'_>) {
        let at = self.layout_of(row);
        let layout = &mut self.layouts[at];
        if self.last != Some(at) || layout.grown || self.since_head >= HEAD_EVERY {
            if self.last.is_some() {
                out.push(b'\n');
            }
            layout.line(out, &head(row), row.key.len());
            out.push(b'\n');
            layout.grown = false;
            self.since_head = 0;
        }
        layout.line(out, &cells(row), row.key.len());
        self.last = Some(at);
        self.since_head += 1;
    }

    fn layout_of(&mut self, row: &Row<'_>) -> usize {
        let known = self.layouts.iter().position(|layout| layout.window == row.names.window);
        known.unwrap_or_else(|| {
            let mut layout = Layout { window: row.names.window.clone(), widths: Vec::new(), grown: false };
            layout.grow(&head(row));
            let numbers = 3 + row.key.len()..layout.widths.len() - 1; // all but the revision
            for width in &mut layout.widths[numbers] {
                *width = NUMBER_WIDTH.max(*width);
            }
            self.layouts.push(layout);
            self.layouts.len() - 1
        })
    }
}

impl Layout {
    fn grow(&mut self, cells: &[String]) {
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            if cell.width() > *width {
                *width = cell.width();
                self.grown = true;
            }
        }
    }

    /// Texts to the left, numbers to the right.
    fn line(&self, out: &mut Vec<u8>, cells: &[String], keys: usize) {
        let texts = 3 + keys; // window, start and end come first
        for (i, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            let padding = width.saturating_sub(cell.width());
            let (before, after) = if i < texts { (0, padding) } else { (padding, 0) };
            // Writing into a vector cannot fail.
            let _ = write!(out, "{:before$}{cell}{:after$}  ", "", "");
        }
        while out.last() == Some(&b' ') {
            out.pop();
        }
    }
}

fn head(row: &Row<'_>) -> Vec<String> {
    let fixed = ["window", "start", "end"].map(String::from);
    let keys = row.names.key.iter().map(|name| short(name));
    let values = row.names.values.iter().map(|name| short(name));
    fixed.into_iter().chain(keys).chain(values).chain(["rev".to_owned()]).collect()
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let fixed = [short(&row.names.window), time(row.start), time(row.end)];
    let keys = row.key.iter().map(short);
    let values = (0..row.names.values.len()).map(|i| number(row.values.map(|values| values[i])));
    fixed.into_iter().chain(keys).chain(values).chain([row.revision.to_string()]).collect()
}

/// `2023-11-16 18:15:40`, with a fraction only if there is one.
fn time(at: EventTime) -> String {
    let text = at.to_string().replace('T', " ");
    text.trim_end_matches('Z').trim_end_matches(".000").to_owned()
}

/// A dash for a row that is taken back, nothing for an aggregate of nothing.
fn number(value: Option<Value>) -> String {
    let mut out = Vec::new();
    match value {
        None => return "-".into(),
        Some(Value::Null) => {}
        Some(Value::Double(d)) if (1e-3..1e15).contains(&d.abs()) => {
            let _ = write!(out, "{d:.3}");
        }
        Some(value) => encode::value(&mut out, value),
    }
    String::from_utf8(out).unwrap_or_default()
}

fn short(text: &str) -> String {
    let clean = escape_controls(text);
    if clean.width() <= WIDEST {
        return clean;
    }
    let mut cut = String::new();
    for c in clean.chars() {
        if cut.width() >= WIDEST - 2 {
            break;
        }
        cut.push(c);
    }
    cut + "…"
}

#[cfg(test)]
mod tests {

    use streamgauge_flow::{KeyValues, RowNames, Span};

    use super::*;

    fn names(window: &str) -> RowNames {
        RowNames { window: window.into(), key: vec!["model".into()], values: vec!["n".into(), "latency".into()] }
    }

    fn print(table: &mut Table, names: &RowNames, key: &str, values: Option<&[Value]>) -> String {
        let start = EventTime::from_nanos(1_700_158_540_000_000_000);
        let key = KeyValues { text: key, ends: &[key.len()] };
        let end = start + Span::from_millis(10_500);
        let row = Row { names, start, end, key, values, revision: 0 };
        let at = table.layout_of(&row);
        table.layouts[at].grow(&cells(&row));
        let mut out = Vec::new();
        table.row(&mut out, &row);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_stand_under_their_head_and_numbers_to_the_right() {
        let (mut table, names) = (Table::default(), names("w"));
        let values = [Value::Whole(12), Value::Double(812.25)];
        let first = print(&mut table, &names, "gpt", Some(&values));
        let want = "window  start                end                      model          n    latency  rev\n\
                    w       2023-11-16 18:15:40  2023-11-16 18:15:50.500  gpt           12    812.250    0";
        assert_eq!(first, want);
        let second = print(&mut table, &names, "gpt", Some(&[Value::Whole(3), Value::Null]));
        assert_eq!(second, "w       2023-11-16 18:15:40  2023-11-16 18:15:50.500  gpt            3               0");
    }

    #[test]
    fn the_head_is_repeated_when_the_window_or_a_width_changes() {
        let mut table = Table::default();
        let values = [Value::Whole(1), Value::Whole(2)];
        assert_eq!(print(&mut table, &names("a"), "k", Some(&values)).lines().count(), 2);
        assert_eq!(print(&mut table, &names("a"), "k", Some(&values)).lines().count(), 1);
        assert_eq!(print(&mut table, &names("b"), "k", Some(&values)).lines().count(), 3);
        assert_eq!(print(&mut table, &names("b"), "longer", Some(&values)).lines().count(), 3);
    }

    #[test]
    fn a_key_can_neither_steer_the_terminal_nor_fill_it() {
        let mut table = Table::default();
        let text = print(&mut table, &names("w"), "\x1b[31mred", None);
        assert!(!text.contains('\x1b') && text.contains("\\u{1b}[31mred"), "{text}");
        assert!(short(&"日".repeat(99)).width() <= WIDEST);
    }

    #[test]
    fn a_row_that_is_taken_back_shows_dashes() {
        let text = print(&mut Table::default(), &names("w"), "k", None);
        assert!(text.ends_with("-          -    0"), "{text}");
    }
}
