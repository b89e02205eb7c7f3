//! `spillway chain watch`: on a terminal the chain is drawn again and again, elsewhere each change is a line.

use std::collections::BTreeMap;

use chain::{StackId, StackState};

use super::View;
use super::text::{frame, text, totals};
use crate::output::{self, Drawing, Output, WriteError, can_redraw};
use crate::style::width;

/// What was shown of a chain.
pub(crate) struct Picture {
    mode: Mode,
    is_wide: bool,
}

enum Mode {
    Nothing,
    Live(Drawing),
    Lines {
        printed: BTreeMap<StackId, (StackState, Option<String>)>,
    },
}

impl Picture {
    pub(crate) fn new(output: Output) -> Self {
        let mode = if !output.is_text() {
            Mode::Nothing
        } else if can_redraw() {
            Mode::Live(Drawing::default())
        } else {
            Mode::Lines {
                printed: BTreeMap::new(),
            }
        };
        Self {
            mode,
            is_wide: output.is_wide(),
        }
    }

    /// Shows the current state of the chain.
    pub(crate) fn draw(&mut self, view: &View) -> Result<(), WriteError> {
        match &mut self.mode {
            Mode::Nothing => Ok(()),
            Mode::Live(drawing) => {
                let (width, height) = output::terminal_size();
                drawing.show(&frame(view, width, height))
            }
            Mode::Lines { printed } => {
                for stack in &view.stacks {
                    let now = (stack.state, stack.message.clone());
                    let before = printed.insert(stack.id.clone(), now.clone());
                    let is_new = before
                        .as_ref()
                        .map_or(stack.state != StackState::Waiting || now.1.is_some(), |before| {
                            *before != now
                        });
                    if is_new {
                        let reason = stack.reason.as_ref().map(|reason| reason.text.as_str());
                        let why = reason.or(stack.message.as_deref());
                        let why =
                            why.map_or_else(String::new, |why| format!(": {}", crate::table::plain(why)));
                        output::line(&format!("{:<10} {}{why}", stack.state, stack.id))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Other lines were printed, so the next drawing does not replace the last one.
    pub(crate) fn restart(&mut self) {
        if let Mode::Live(drawing) = &mut self.mode {
            *drawing = Drawing::default();
        }
    }

    /// Shows the whole chain after its end, so that it stays in the terminal's scrollback.
    pub(crate) fn finish(self, view: &View) -> Result<(), WriteError> {
        match self.mode {
            Mode::Nothing => Ok(()),
            Mode::Live(mut drawing) => {
                drawing.show(&[])?;
                output::line(&text(view, width(), self.is_wide))
            }
            Mode::Lines { .. } => output::line(&totals(view)),
        }
    }
}
