//! What was done to each dependency, or would be, for people.

use chain::migration::{LabelStep, NativeStep};

use super::{Direction, Edge, View};
use crate::table::plain;

impl View {
    pub(super) fn text(&self) -> String {
        if self.dependencies.is_empty() && self.left_behind.is_empty() {
            return match self.direction {
                Direction::ToLabels => "There are no dependencies of Spacelift's own.",
                Direction::ToNative => "There are no dependency labels.",
            }
            .to_owned();
        }
        let mut lines = Vec::new();
        for edge in &self.dependencies {
            lines.push(format!("`{}` depends on `{}`", edge.dependent, edge.dependency));
            let steps = edge.steps(self.applied);
            if steps.is_empty() && edge.error.is_none() {
                lines.push("  stays as it is".to_owned());
            }
            lines.extend(steps.iter().map(|step| format!("  {step}")));
            let notes = edge
                .notes
                .iter()
                .map(|note| format!("  note: {}", plain(&note.text)));
            lines.extend(notes);
            lines.extend(
                edge.error
                    .iter()
                    .map(|error| format!("  not done: {}", plain(error))),
            );
        }
        let left = self.left_behind.iter();
        lines.extend(left.map(|problem| format!("left as it is: {}", plain(problem))));
        lines.push(String::new());
        lines.push(self.verdict());
        lines.join("\n")
    }

    fn verdict(&self) -> String {
        let count = |counts: &dyn Fn(&&Edge) -> bool| self.dependencies.iter().filter(counts).count();
        let (written, removed) = (
            count(&|edge| edge.label_step == LabelStep::Write && edge.label_done == self.applied),
            count(&|edge| edge.label_step == LabelStep::Remove && edge.label_done == self.applied),
        );
        let (created, deleted) = (
            count(&|edge| edge.native_step == NativeStep::Create && edge.native_done == self.applied),
            count(&|edge| edge.native_step == NativeStep::Remove && edge.native_done == self.applied),
        );
        let counts = match self.direction {
            Direction::ToLabels => {
                format!("labels written: {written}, dependencies of Spacelift removed: {deleted}")
            }
            Direction::ToNative => {
                format!("dependencies of Spacelift created: {created}, labels removed: {removed}")
            }
        };
        let has_failed = self.dependencies.iter().any(|edge| edge.error.is_some());
        match (self.applied, written + removed + created + deleted) {
            (_, 0) if !has_failed => "Nothing to change.".to_owned(),
            (true, _) => format!("Done: {counts}."),
            (false, _) => format!("Nothing was changed. Run with --apply to make these changes: {counts}."),
        }
    }
}

impl Edge {
    /// What is done to it, in the order in which it is done.
    fn steps(&self, applied: bool) -> Vec<String> {
        let label = &self.label;
        let verb = |will: &str, was: &str| if applied { was.to_owned() } else { will.to_owned() };
        let mut steps = Vec::new();
        let is_shown = |done: bool| done || !applied;
        if self.native_step == NativeStep::Create && is_shown(self.native_done) {
            steps.push(verb("create", "created") + " Spacelift's own dependency");
        }
        match self.label_step {
            LabelStep::Write if is_shown(self.label_done) => {
                steps.push(format!("{} the label `{}`", verb("write", "wrote"), plain(label)));
            }
            LabelStep::Remove if is_shown(self.label_done) => {
                steps.push(format!(
                    "{} `{}` from the labels",
                    verb("remove", "removed"),
                    self.dependency
                ));
            }
            LabelStep::Write | LabelStep::Remove | LabelStep::Keep | LabelStep::None => {}
        }
        if self.native_step == NativeStep::Remove && is_shown(self.native_done) {
            steps.push(verb("remove", "removed") + " Spacelift's own dependency");
        }
        steps
    }
}
