//! Tables for people: columns as wide as their contents, two spaces apart, without lines.

mod cell;

use unicode_width::UnicodeWidthStr;

use crate::style::{painted, style_of, width};
use cell::cut;
pub(crate) use cell::{plain, wrapped};

/// The columns that are coloured by what they say.
const COLOURED: [&str; 4] = ["state", "result", "outcome", "phase"];

/// The narrowest that a column is cut to: the id of a run and a time fit into it.
const COLUMN_MIN: usize = 26;

/// The narrowest that the last column is cut to. It has the longest text.
const LAST_COLUMN_MIN: usize = 20;

/// Between two columns.
const GAP: usize = 2;

/// A table with a head, or a list of names and values without one.
#[derive(Debug, Default)]
pub(crate) struct Table {
    head: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    /// Texts in lines of their own below the row.
    notes: Vec<String>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    only_wide: bool,
    /// A narrow terminal does without it: the smallest number first.
    leaves: Option<usize>,
    /// Where it does not fit, it is below the row.
    goes_below: bool,
}

impl Table {
    pub(crate) fn with_head<const N: usize>(head: [&'static str; N]) -> Self {
        let column = |name| Column {
            name,
            only_wide: false,
            leaves: None,
            goes_below: false,
        };
        Self {
            head: head.map(column).into(),
            rows: Vec::new(),
        }
    }

    /// Shows these columns only in the wide format.
    pub(crate) fn only_wide<const N: usize>(mut self, names: [&str; N]) -> Self {
        for column in &mut self.head {
            column.only_wide |= names.contains(&column.name);
        }
        self
    }

    /// Leaves these columns out, one after the other, where the terminal is too narrow for all.
    pub(crate) fn only_if_fits<const N: usize>(mut self, names: [&str; N]) -> Self {
        for (nth, name) in names.iter().enumerate() {
            for column in self.head.iter_mut().filter(|column| column.name == *name) {
                column.leaves = Some(nth);
            }
        }
        self
    }

    /// Shows this column below each row where it does not fit beside the others, after all others that may be left out.
    pub(crate) fn below_if_narrow(mut self, name: &str) -> Self {
        let last = self.head.len();
        for column in self.head.iter_mut().filter(|column| column.name == name) {
            column.leaves = Some(last);
            column.goes_below = true;
        }
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.add(cells);
    }

    pub(crate) fn add<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.rows.push(Row {
            cells: cells.into_iter().map(plain).collect(),
            notes: Vec::new(),
        });
    }

    /// A text in lines of its own below the last row.
    pub(crate) fn note(&mut self, text: &str) {
        if let Some(row) = self.rows.last_mut() {
            row.notes.push(plain(text));
        }
    }

    /// The lines, without a newline after the last. Except in the wide format, columns are left out
    /// and cut to fit the terminal, as far as their minimums allow.
    pub(crate) fn render(&self, is_wide: bool) -> String {
        self.lines(is_wide, if is_wide { None } else { width() })
            .join("\n")
    }

    /// The lines, each behind a margin.
    pub(crate) fn indented(&self, margin: &str, is_wide: bool) -> String {
        let lines = self.lines(is_wide, None);
        let lines: Vec<String> = lines.iter().map(|line| format!("{margin}{line}")).collect();
        lines.join("\n")
    }

    fn lines(&self, is_wide: bool, terminal: Option<usize>) -> Vec<String> {
        let shown = |at: &usize| is_wide || self.head.get(*at).is_none_or(|column| !column.only_wide);
        let columns = self.cells().map(Vec::len).max().unwrap_or(self.head.len());
        let columns: Vec<usize> = (0..columns).filter(shown).collect();
        let head: Vec<String> = self
            .head
            .iter()
            .map(|column| column.name.to_uppercase())
            .collect();
        let head = (!head.is_empty()).then_some(&head);
        let widest = |at: &usize| {
            let cells = head
                .into_iter()
                .chain(self.cells())
                .filter_map(|row| row.get(*at));
            cells.map(|cell| cell.width()).max().unwrap_or_default()
        };
        let mut below = Vec::new();
        let mut columns: Vec<(usize, usize)> = columns.into_iter().map(|at| (at, widest(&at))).collect();
        if let Some(terminal) = terminal {
            while total(&self.narrowest(&columns)) > terminal
                && let Some(next) = columns.iter().filter_map(|(at, _)| self.leaves(*at)).min()
            {
                let leaves = |at: usize| self.leaves(at) == Some(next);
                below.extend(
                    columns
                        .iter()
                        .map(|(at, _)| *at)
                        .filter(|at| leaves(*at) && self.head[*at].goes_below),
                );
                columns.retain(|(at, _)| !leaves(*at));
            }
            let narrowest = self.narrowest(&columns);
            fit(&mut columns, &narrowest, terminal);
        }
        let name = |at: usize| self.head.get(at).map(|column| column.name);
        let mut lines: Vec<String> = head
            .map(|head| line(head, &columns, |_| None))
            .into_iter()
            .collect();
        for row in &self.rows {
            lines.push(line(&row.cells, &columns, name));
            let below = below.iter().filter_map(|at| row.cells.get(*at));
            let width = terminal.map_or(usize::MAX, |terminal| terminal.saturating_sub(GAP));
            let texts = below.chain(&row.notes).flat_map(|text| wrapped(text, width));
            lines.extend(texts.map(|text| format!("{:GAP$}{text}", "")));
        }
        lines
    }

    fn cells(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter().map(|row| &row.cells)
    }

    fn leaves(&self, at: usize) -> Option<usize> {
        self.head.get(at).and_then(|column| column.leaves)
    }

    /// The columns as narrow as they are ever cut. The first keeps its width, since people copy what is in it, and so do
    /// those that a narrow terminal leaves out.
    fn narrowest(&self, columns: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let last = columns.len().saturating_sub(1);
        let least = |nth: usize, at: usize, width: usize| match nth {
            0 => width,
            _ if self.leaves(at).is_some() => width,
            nth if nth == last => width.min(LAST_COLUMN_MIN),
            _ => width.min(COLUMN_MIN),
        };
        let columns = columns.iter().enumerate();
        columns
            .map(|(nth, &(at, width))| (at, least(nth, at, width)))
            .collect()
    }
}

fn total(columns: &[(usize, usize)]) -> usize {
    let gaps = GAP * columns.len().saturating_sub(1);
    columns.iter().map(|(_, width)| width).sum::<usize>() + gaps
}

/// Narrows columns until a line fits into the terminal, always the one that is widest beyond its minimum.
fn fit(columns: &mut [(usize, usize)], narrowest: &[(usize, usize)], terminal: usize) {
    if total(narrowest) > terminal {
        columns.copy_from_slice(narrowest);
        return;
    }
    while total(columns) > terminal {
        let spare = columns.iter_mut().zip(narrowest);
        let spare = spare.map(|((_, width), (_, least))| (*width - least, width));
        if let Some((1.., widest)) = spare.max_by_key(|(spare, _)| *spare) {
            *widest -= 1;
        }
    }
}

fn line(row: &[String], columns: &[(usize, usize)], name: impl Fn(usize) -> Option<&'static str>) -> String {
    let mut line = String::new();
    let last = columns.iter().rposition(|(at, _)| row.get(*at).is_some());
    for (nth, &(at, width)) in columns.iter().enumerate() {
        let Some(cell) = row.get(at) else { continue };
        let cell = cut(cell, width);
        let padding = if last == Some(nth) {
            0
        } else {
            width.saturating_sub(cell.width()) + GAP
        };
        if name(at).is_some_and(|name| COLOURED.contains(&name)) {
            line += &painted(&cell, style_of(&cell));
        } else {
            line += &cell;
        }
        line.extend(std::iter::repeat_n(' ', padding));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::with_head(["id", "run", "name"]).only_wide(["run"]);
        table.row(["a", "01J", "Größe"]);
        table.row(["long", "01K", ""]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(table().render(false), "ID    NAME\na     Größe\nlong  -");
    }

    #[test]
    fn some_columns_are_shown_only_where_all_are() {
        assert_eq!(
            table().render(true),
            "ID    RUN  NAME\na     01J  Größe\nlong  01K  -"
        );
    }

    #[test]
    fn only_the_last_cell_is_cut_and_only_to_the_width() {
        let mut table = Table::with_head(["id", "labels"]);
        table.row(["a-long-identifier", "0123456789012345678901234567890"]);
        assert_eq!(
            table.lines(false, Some(40))[1],
            "a-long-identifier  01234567890123456789…"
        );
        assert_eq!(
            table.lines(false, Some(10))[1],
            "a-long-identifier  0123456789012345678…"
        );
    }

    #[test]
    fn what_is_widest_is_cut_first_and_never_the_first_column() {
        let mut table = Table::with_head(["chain", "root", "status", "stacks", "duration"]);
        table.row([
            "acme-01JT1K2M3N4P5Q6R7S8T9V0WXY",
            "a-stack-with-a-long-identifier",
            "running",
            "3 succeeded, 1 running, 20 waiting; vpc waits for a person",
            "1 h 2 min",
        ]);
        for (width, expected) in [
            (200, "3 succeeded, 1 running, 20 waiting; vpc waits for a person"),
            (120, "3 succeeded, 1 running, 20 waiting…"),
        ] {
            let lines = table.lines(false, Some(width));
            assert!(
                lines[1].starts_with("acme-01JT1K2M3N4P5Q6R7S8T9V0WXY  a-stack-"),
                "{lines:?}"
            );
            assert!(lines[1].contains(expected), "{lines:?}");
            assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            let starts = |line: &str, word: &str| line.find(word).map(|at| line[..at].width());
            assert_eq!(starts(&lines[0], "DURATION"), starts(&lines[1], "1 h 2 min"));
        }
    }

    #[test]
    fn a_narrow_terminal_leaves_columns_out_before_it_cuts_too_much() {
        let mut table = Table::with_head(["chain", "root", "stacks", "started", "duration"])
            .only_if_fits(["duration", "started"]);
        table.row([
            "a-chain",
            "a-root",
            "3 succeeded, 2 running, 1 waiting",
            "16:05:57Z",
            "4s",
        ]);
        for (width, expected) in [
            (
                80,
                "CHAIN    ROOT    STACKS                             STARTED    DURATION",
            ),
            (
                66,
                "CHAIN    ROOT    STACKS                        STARTED    DURATION",
            ),
            (55, "CHAIN    ROOT    STACKS                       STARTED"),
            (40, "CHAIN    ROOT    STACKS"),
            (10, "CHAIN    ROOT    STACKS"),
        ] {
            assert_eq!(table.lines(false, Some(width))[0], expected, "{width}");
        }
    }

    #[test]
    fn a_note_is_below_its_row_and_so_is_a_column_that_does_not_fit() {
        let mut table = Table::with_head(["chain", "stacks", "started"])
            .only_if_fits(["started"])
            .below_if_narrow("stacks");
        table.row(["a-chain", "3 succeeded, 2 running", "16:05:57Z"]);
        table.note("db: the stack is locked by alice");
        table.row(["another", "1 running", "16:05:58Z"]);
        for (width, expected) in [
            (
                60,
                "CHAIN    STACKS                  STARTED\n\
                 a-chain  3 succeeded, 2 running  16:05:57Z\n  db: the stack is locked by alice\n\
                 another  1 running               16:05:58Z",
            ),
            (
                33,
                "CHAIN    STACKS\n\
                 a-chain  3 succeeded, 2 running\n  db: the stack is locked by\n  alice\n\
                 another  1 running",
            ),
            (
                24,
                "CHAIN\n\
                 a-chain\n  3 succeeded, 2 running\n  db: the stack is\n  locked by alice\n\
                 another\n  1 running",
            ),
        ] {
            assert_eq!(table.lines(false, Some(width)).join("\n"), expected, "{width}");
        }
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        let mut table = Table::with_head(["name", "id"]);
        table.row(["網絡", "a"]);
        table.row(["vpc", "b"]);
        assert_eq!(table.render(true), "NAME  ID\n網絡  a\nvpc   b");
    }

    #[test]
    fn a_state_has_its_colour_and_the_columns_stay_in_line() {
        let mut table = Table::with_head(["state", "id"]);
        table.row(["failed", "a"]);
        assert_eq!(table.render(true), "STATE   ID\n\u{1b}[31mfailed\u{1b}[0m  a");
    }
}
