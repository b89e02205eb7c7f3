//! Colours, and the width of the terminal.

use std::io;

use anstyle::{AnsiColor, Style};

/// The columns of the terminal, if stdout is one.
pub(crate) fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.0.into())
}

pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();

/// A text in a style. If colour is off, the style is removed when the text is written.
pub(crate) fn painted(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a state, an outcome or a result, by its word.
pub(crate) fn style_of(state: &str) -> Style {
    match state.to_ascii_lowercase().as_str() {
        "succeeded" | "finished" | "ok" | "intact" => GREEN,
        "failed" | "refused" | "problem" | "error" | "damaged" => RED,
        "running" | "applying" | "planning" | "triggering" | "queued" => BLUE,
        "paused" | "halted" | "held" | "no worker" | "cancelling" | "unconfirmed" | "warning" => YELLOW,
        "skipped" | "cancelled" | "discarded" | "waiting" | "disabled" => DIM,
        _ => Style::new(),
    }
}
