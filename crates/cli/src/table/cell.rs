//! The text of a cell.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text of an empty cell, so that every row has all columns.
const NOTHING: &str = "-";

/// A text that takes at most this many columns of a terminal.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let rest = left.checked_sub(c.width().unwrap_or_default());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

/// A text in lines of at most this many columns. A word that is longer stays whole, since people copy ids and links.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text in one line without control characters, since other people choose names and labels.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_longer_than_a_line_stays_whole() {
        assert_eq!(
            wrapped("see chain:acme:01J or so", 8),
            ["see", "chain:acme:01J", "or so"]
        );
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        assert_eq!(plain("a\x1b[2J\nb"), "a [2J b");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(cut("網絡網絡", 5), "網絡…");
        assert_eq!(cut("網絡網絡", 4), "網…");
    }
}
