//! Where result rows go: a file, a pipe, or a person at a terminal.

mod encode;
mod lines;
mod outputs;
mod table;

use std::io::{self, IsTerminal};

use streamgauge_flow::Rows;

use encode::RowWriter;
pub(crate) use encode::side_row;
pub(crate) use lines::{Lines, OpenError, OutputPlace, ResumeError, Role, WriteError, Written};
pub(crate) use outputs::{Outputs, Places, StartError, open_lines};

use crate::config::Output;
use crate::progress::Bar;
use table::Table;

/// The sink of result rows.
#[derive(Debug)]
pub(crate) struct Sink {
    lines: Lines,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Ndjson(RowWriter),
    /// The bar is on the same terminal.
    Table(Table, Bar),
}

impl Sink {
    /// Opens the sink: a table for a terminal, JSON lines for everything else.
    ///
    /// # Errors
    /// If it cannot be written, or is there already and must not be.
    pub(crate) fn open(output: &Output, place: Option<&OutputPlace>, bar: &Bar) -> Result<Self, StartError> {
        let lines = open_lines(output, place, Role::Sink)?;
        let form = match output {
            Output::Stdout if io::stdout().is_terminal() => Form::Table(Table::default(), bar.clone()),
            _ => Form::Ndjson(RowWriter::default()),
        };
        Ok(Sink { lines, form })
    }

    /// Takes rows; they are in the sink after the next [`flush`](Self::flush) at the latest.
    ///
    /// # Errors
    /// If the sink takes no more.
    pub(crate) fn write(&mut self, rows: &Rows) -> Result<(), WriteError> {
        match &mut self.form {
            Form::Ndjson(writer) => {
                rows.iter().try_for_each(|row| self.lines.push(row.revision > 0, |out| writer.row(out, &row)))
            }
            Form::Table(table, bar) => {
                let lines = &mut self.lines;
                bar.suspend(|| {
                    table.fit(rows);
                    rows.iter().try_for_each(|row| lines.push(row.revision > 0, |out| table.row(out, &row)))
                })
            }
        }
    }

    /// Writes whatever is buffered.
    ///
    /// # Errors
    /// If the sink takes no more.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        match &self.form {
            Form::Ndjson(_) => self.lines.flush(),
            Form::Table(_, bar) => bar.clone().suspend(|| self.lines.flush()),
        }
    }

    pub(crate) fn lines(&mut self) -> &mut Lines {
        &mut self.lines
    }

    pub(crate) fn into_lines(self) -> Lines {
        self.lines
    }

    /// How many rows are in the sink.
    pub(crate) fn written(&self) -> Written {
        self.lines.written()
    }
}
