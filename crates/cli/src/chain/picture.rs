//! `spillway chain watch`: on a terminal the chain is drawn again and again, elsewhere each change is a line.

use std::collections::BTreeMap;

use chain::schedule::StackPhase;
use chain::{StackId, StackState};

use super::View;
use super::text::{detail, frame, phase, text, totals};
use super::view::Stack;
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
        /// The last line of each stack.
        printed: BTreeMap<StackId, String>,
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
                    if let Some(line) = line(stack)
                        && printed.get(&stack.id) != Some(&line)
                    {
                        output::line(&line)?;
                        printed.insert(stack.id.clone(), line);
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

/// What is new of a stack, in a line. A stack that only waits for others of the chain has none, and neither has one that is
/// tried again, since that says the same each time.
fn line(stack: &Stack) -> Option<String> {
    let is_turn = matches!(
        stack.phase,
        None | Some(
            StackPhase::WaitsForUpstream
                | StackPhase::WaitsForSlot
                | StackPhase::Planning
                | StackPhase::Rebuilding
                | StackPhase::Triggering
        )
    );
    if stack.state == StackState::Waiting && is_turn {
        return None;
    }
    let (phase, detail) = (phase(stack), detail(stack));
    let colon = if detail.is_empty() { "" } else { ": " };
    Some(format!("{phase:<11} {}{colon}{detail}", stack.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_waits_for_others_of_its_chain_has_no_line() {
        let locked = Some("the stack is locked by bob");
        for (state, phase, message, expected) in [
            (StackState::Waiting, None, None, None),
            (
                StackState::Waiting,
                Some(StackPhase::WaitsForUpstream),
                Some("after db"),
                None,
            ),
            (
                StackState::Waiting,
                Some(StackPhase::Triggering),
                Some("its run is being triggered"),
                None,
            ),
            (
                StackState::Waiting,
                Some(StackPhase::Held),
                locked,
                Some("held        app: the stack is locked by bob"),
            ),
            (
                StackState::Running,
                Some(StackPhase::Applying),
                Some("its run 01J is applying"),
                Some("applying    app"),
            ),
            (StackState::Succeeded, None, None, Some("succeeded   app")),
        ] {
            let stack = Stack {
                phase,
                message: message.map(str::to_owned),
                ..Stack::without_run("app", state)
            };
            assert_eq!(line(&stack).as_deref(), expected, "{state} {phase:?}");
        }
    }
}
