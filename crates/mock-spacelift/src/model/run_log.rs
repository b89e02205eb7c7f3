//! The logs of the phases of a run: short, and the same for every run.

use crate::model::run::Run;

impl Run {
    /// The log of a phase, by its name in lower case. Empty if the run has not reached the phase.
    pub(crate) fn log(&self, phase: &str) -> String {
        let reached = self
            .history
            .iter()
            .any(|entry| entry.state.as_str().eq_ignore_ascii_case(phase));
        if !reached {
            return String::new();
        }
        let last = match (phase, &self.delta) {
            ("planning", Some(delta)) => format!(
                "Plan: {} to add, {} to change, {} to destroy.",
                delta.add_count, delta.change_count, delta.delete_count
            ),
            ("performing", _) => format!("$ {}", self.command.as_deref().unwrap_or_default()),
            _ => format!("Done {phase}."),
        };
        format!("{phase} {} at {}\n{last}\n", self.stack, self.commit.hash)
    }
}
