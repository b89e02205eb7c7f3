//! Everything that the command writes: results to stdout, everything else to stderr.
//!
//! Colour appears only on a terminal that can show it: `NO_COLOR`, `TERM=dumb` and pipes turn it off. A result that
//! cannot be written is an error. A reader that closed the pipe, as `head` does, ends the command quietly.

use std::io::{self, IsTerminal, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};

use crate::jq;
use crate::json::{Document, Shape};
use crate::style::{CYAN, RED, YELLOW, painted};
use crate::table::Table;

/// Output that could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("the output could not be written")]
    Io(#[from] io::Error),
    #[error("--jq cannot be applied to this output: {0}")]
    Filter(String),
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// The output format.
    #[arg(
        id = "output",
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        value_enum,
        default_value = "table",
        hide_possible_values = true,
        help = "Output format: table, wide, json or yaml"
    )]
    format: Format,
    /// Filter the JSON output with a jq expression, such as '.items[].id'. Strings are printed without quotes.
    #[arg(long, value_name = "FILTER", value_parser = jq::filter)]
    jq: Option<&'static str>,
    /// An older spelling of `-o json`.
    #[arg(long, hide = true, conflicts_with = "output")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns that fit a terminal.
    Table,
    /// All columns.
    Wide,
    /// JSON with a version; see docs/json.md.
    Json,
    /// The same as YAML.
    Yaml,
}

impl From<Format> for Output {
    fn from(format: Format) -> Self {
        Self {
            format,
            jq: None,
            json: false,
        }
    }
}

impl Output {
    pub(crate) fn format(self) -> Format {
        if self.json || self.jq.is_some() {
            Format::Json
        } else {
            self.format
        }
    }

    /// Whether people read it.
    pub(crate) fn is_text(self) -> bool {
        matches!(self.format(), Format::Table | Format::Wide)
    }

    pub(crate) fn is_wide(self) -> bool {
        self.format() == Format::Wide
    }

    /// Prints a result: as a document for programs, or as the text that `text` writes.
    pub(crate) fn show<T: Shape>(self, result: &T, text: impl FnOnce() -> String) -> Result<(), WriteError> {
        match self.format() {
            Format::Table | Format::Wide => line(&text()),
            Format::Json | Format::Yaml => self.document(&Document::of(result)),
        }
    }

    /// Prints a result: as a document for programs, or as a table.
    pub(crate) fn table<T: Shape>(self, result: &T, table: &Table) -> Result<(), WriteError> {
        self.show(result, || table.render(self.is_wide()))
    }

    /// Prints a list. If it is empty, a note on stderr says so, and stdout stays empty.
    pub(crate) fn list<T: Shape>(self, items: &[T], table: &Table, none: &str) -> Result<(), WriteError> {
        self.list_as(items, none, || table.render(self.is_wide()))
    }

    /// The same with a text of its own.
    pub(crate) fn list_as<T: Shape>(
        self,
        items: &[T],
        none: &str,
        text: impl FnOnce() -> String,
    ) -> Result<(), WriteError> {
        match self.format() {
            Format::Table | Format::Wide if items.is_empty() => {
                note(none);
                Ok(())
            }
            Format::Table | Format::Wide => line(&text()),
            Format::Json | Format::Yaml => self.document(&Document::list(items)),
        }
    }

    fn document<T: serde::Serialize>(self, document: &T) -> Result<(), WriteError> {
        if let Some(filter) = self.jq {
            let document = serde_json::to_vec(document).map_err(io::Error::other)?;
            let lines = jq::apply(filter, &document).map_err(WriteError::Filter)?;
            text(&lines.concat())
        } else if self.format() == Format::Yaml {
            text(&yaml_serde::to_string(document).map_err(io::Error::other)?)
        } else {
            json(document)
        }
    }
}

/// A document for programs.
pub(crate) fn json<T: serde::Serialize>(document: &T) -> Result<(), WriteError> {
    line(&serde_json::to_string_pretty(document).map_err(io::Error::other)?)
}

/// One line, or several, of a result.
pub(crate) fn line(text: &str) -> Result<(), WriteError> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A text without colours that already ends with a newline.
pub(crate) fn text(text: &str) -> Result<(), WriteError> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A note for the person at the terminal. It is lost if stderr is closed.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

pub(crate) fn error(text: &str) {
    note(&format!("{}: {text}", painted("error", RED.bold())));
}

pub(crate) fn warning(text: &str) {
    note(&format!("{}: {text}", painted("warning", YELLOW.bold())));
}

/// What to do next.
pub(crate) fn hint(text: &str) {
    note(&format!("{}: {text}", painted("hint", CYAN)));
}

/// Whether stdout is a terminal on which lines can be drawn over.
pub(crate) fn can_redraw() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// The columns and lines of the terminal, or 80 by 24 if they are not known.
pub(crate) fn terminal_size() -> (usize, usize) {
    terminal_size::terminal_size().map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()))
}

/// Lines on a terminal that are replaced again and again.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    /// How many lines it has now.
    lines: usize,
}

impl Drawing {
    /// Replaces the drawing. Each new line is cleared to its end, since what was there before may be longer.
    pub(crate) fn show(&mut self, new: &[String]) -> Result<(), WriteError> {
        // Without colour, anstream would take out the movements of the cursor as well.
        let mut out = io::stdout().lock();
        let has_colour = AutoStream::choice(&out) != ColorChoice::Never;
        if self.lines > 0 {
            write!(out, "\x1b[{}A", self.lines)?;
        }
        // A line that is too long is cut: if it wrapped, the drawing would have more rows than lines.
        write!(out, "\x1b[?7l")?;
        for line in new {
            if has_colour {
                write!(out, "{line}")?;
            } else {
                write!(out, "{}", strip_str(line))?;
            }
            writeln!(out, "\x1b[K")?;
        }
        write!(out, "\x1b[J\x1b[?7h")?;
        self.lines = new.iter().map(|line| line.lines().count().max(1)).sum();
        Ok(out.flush()?)
    }
}
