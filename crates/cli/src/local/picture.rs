//! A chain in the terminal: drawn over itself while it runs, or a line for each change where nobody looks.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use chain::{StackId, StackState, render};
use orchestrator::contract::ChainReport;

use crate::output;

pub(crate) struct Picture {
    mode: Mode,
}

enum Mode {
    Nothing,
    /// How many lines the last drawing has.
    Live {
        lines: usize,
    },
    Lines {
        told: BTreeMap<StackId, StackState>,
    },
}

impl Picture {
    pub(crate) fn new(is_wanted: bool) -> Self {
        let mode = if !is_wanted {
            Mode::Nothing
        } else if io::stdout().is_terminal() {
            Mode::Live { lines: 0 }
        } else {
            Mode::Lines {
                told: BTreeMap::new(),
            }
        };
        Self { mode }
    }

    pub(crate) fn draw(&mut self, report: &ChainReport) {
        let Some(record) = &report.record else {
            return;
        };
        match &mut self.mode {
            Mode::Nothing => {}
            Mode::Live { lines } => {
                let text = render::record_text(record);
                let (width, height) = terminal_size::terminal_size()
                    .map_or((usize::MAX, usize::MAX), |(width, height)| {
                        (width.0.into(), height.0.into())
                    });
                // A line that wraps, or one that has left the screen, could not be drawn over: both are cut.
                let shown: Vec<String> = text
                    .lines()
                    .take(height.saturating_sub(1))
                    .map(|line| line.chars().take(width).collect())
                    .collect();
                let mut out = io::stdout().lock();
                if *lines > 0 {
                    let _ = write!(out, "\x1b[{lines}A");
                }
                // Each line is cleared to its end, since what was there before may be longer.
                for line in &shown {
                    let _ = writeln!(out, "{line}\x1b[K");
                }
                let _ = write!(out, "\x1b[J");
                let _ = out.flush();
                *lines = shown.len();
            }
            Mode::Lines { told } => {
                for stack in record.progress() {
                    if told.get(&stack.id).copied().unwrap_or(StackState::Waiting) != stack.state {
                        let why = stack
                            .reason
                            .as_ref()
                            .map_or_else(String::new, |reason| format!(": {reason}"));
                        output::line(&format!("{:<10} {}{why}", stack.state, stack.id));
                        told.insert(stack.id.clone(), stack.state);
                    }
                }
            }
        }
    }
}
