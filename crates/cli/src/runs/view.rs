//! A run for programs, and its words for people.

use jiff::Timestamp;
use serde::Serialize;
use spacelift::Run;

#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    pub(super) id: &'a str,
    pub(super) r#type: &'a str,
    pub(super) state: &'a str,
    pub(super) branch: &'a str,
    pub(super) commit: Option<&'a str>,
    pub(super) message: &'a str,
    /// Null for a push.
    pub(super) triggered_by: Option<&'a str>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) drift_detection: bool,
    pub(super) finished: bool,
    pub(super) changes: Option<Changes>,
    /// The latest first.
    pub(super) history: Vec<Transition<'a>>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Changes {
    added: i64,
    changed: i64,
    deleted: i64,
    resources: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct Transition<'a> {
    pub(super) state: &'a str,
    pub(super) at: Option<Timestamp>,
    pub(super) by: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

impl<'a> View<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        let time = |seconds| Timestamp::from_second(seconds).ok();
        let filled = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        let history = run.history.iter().map(|transition| Transition {
            state: transition.state.as_str(),
            at: time(transition.timestamp),
            by: filled(&transition.username),
            note: filled(&transition.note),
        });
        Self {
            id: run.id.as_str(),
            r#type: run.run_type.as_str(),
            state: run.state.as_str(),
            branch: &run.branch,
            commit: run.commit.sha.as_ref().map(chain::CommitSha::as_str),
            message: &run.commit.message,
            triggered_by: filled(&run.triggered_by),
            created_at: time(run.created_at),
            updated_at: time(run.updated_at),
            drift_detection: run.drift_detection,
            finished: run.finished,
            changes: run.delta.map(|delta| Changes {
                added: delta.added,
                changed: delta.changed,
                deleted: delta.deleted,
                resources: delta.resources,
            }),
            history: history.collect(),
        }
    }

    pub(super) fn triggered_by_in_words(&self) -> &'a str {
        self.triggered_by.unwrap_or("a push")
    }

    pub(super) fn changes_in_words(&self) -> String {
        match self.changes {
            Some(Changes {
                added,
                changed,
                deleted,
                ..
            }) => format!("+{added} ~{changed} -{deleted}"),
            None => String::new(),
        }
    }
}
