//! What all messages about a run have in common.

use chain::RunState;
use chain::attempt::waits_for_person;
use chain::notice::RunNotice;

use crate::Links;
use crate::message::Tone;

/// A notice about a run, ready to be put into a sink's own format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunText<'a> {
    pub(crate) notice: &'a RunNotice,
    links: &'a Links,
}

impl<'a> RunText<'a> {
    pub(crate) fn new(notice: &'a RunNotice, links: &'a Links) -> Self {
        Self { notice, links }
    }

    pub(crate) fn title(&self) -> String {
        let RunNotice { stack, state, .. } = self.notice;
        match state {
            RunState::Finished => format!("{stack} finished"),
            RunState::Failed => format!("{stack} failed"),
            state => match waits_for_person(state) {
                Some(waits) => format!("{stack} {waits}"),
                None => format!("{stack} ended: {}", state.as_str().to_lowercase()),
            },
        }
    }

    pub(crate) fn tone(&self) -> Tone {
        match &self.notice.state {
            RunState::Finished => Tone::Good,
            RunState::Failed => Tone::Bad,
            _ => Tone::Attention,
        }
    }

    /// Which run it is, of which commit, and who triggered it.
    pub(crate) fn origin(&self) -> String {
        let RunNotice {
            run,
            branch,
            commit,
            by,
            ..
        } = self.notice;
        let mut text = match commit {
            Some(commit) => format!("run {run} of {} on {branch}", commit.short()),
            None => format!("run {run} on {branch}"),
        };
        if let Some(by) = by {
            text.push_str(" by ");
            text.push_str(by);
        }
        text
    }

    /// The run in Spacelift.
    pub(crate) fn url(&self) -> Option<String> {
        self.links.run(&self.notice.stack, Some(&self.notice.run))
    }

    /// Identifies the message at one sink.
    pub(crate) fn delivery_id(&self, sink: &str) -> String {
        let RunNotice {
            account, run, state, ..
        } = self.notice;
        format!("run:{account}:{run}/{sink}/{state}")
    }

    /// The whole message as plain text.
    pub(crate) fn plain(&self) -> String {
        let lines = [Some(self.title()), Some(self.origin()), self.url()];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}
