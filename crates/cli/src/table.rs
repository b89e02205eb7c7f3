//! Columns for people: as wide as what is in them, two blanks apart, no lines.

use std::fmt::Write;

/// What a cell without a value shows, so that columns can be counted.
const NOTHING: &str = "-";

/// A table with a head, or a list of names and values without one.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn with_head<const N: usize>(head: [&str; N]) -> Self {
        Self {
            rows: vec![head.iter().map(|name| name.to_uppercase()).collect()],
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.add(cells.iter().copied());
    }

    pub(crate) fn add<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    /// The lines, without a newline after the last.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| width(column).unwrap_or_default())
            .collect();
        let lines: Vec<String> = self.rows.iter().map(|row| line(row, &widths)).collect();
        lines.join("\n")
    }

    /// The lines, each behind a margin.
    pub(crate) fn indented(&self, margin: &str) -> String {
        let lines: Vec<String> = self
            .render()
            .lines()
            .map(|line| format!("{margin}{line}"))
            .collect();
        lines.join("\n")
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(line, "{cell:<width$}  ");
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text in one line that moves no cursor: names and labels come from whoever may write them.
pub(crate) fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match text.trim() {
        "" => NOTHING.to_owned(),
        text => text.to_owned(),
    }
}

/// A moment as people compare it: whole seconds, in UTC.
pub(crate) fn moment(at_ms: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(at_ms.div_euclid(1_000)).ok()
}

/// The same in a cell.
pub(crate) fn shown(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::with_head(["id", "name"]);
        table.row(["a", "Größe"]);
        table.row(["long", ""]);
        assert_eq!(table.render(), "ID    NAME\na     Größe\nlong  -");
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        assert_eq!(plain("a\x1b[2J\nb"), "a [2J b");
    }
}
