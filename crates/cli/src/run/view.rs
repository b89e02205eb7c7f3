//! A run for programs, and its words for people.

use chain::StackId;
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::Run;

use crate::json::{Shape, Time};

/// A run in Spacelift.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub(crate) struct View<'a> {
    stack: &'a StackId,
    pub(super) id: &'a str,
    pub(super) r#type: &'a str,
    pub(super) state: &'a str,
    pub(super) branch: &'a str,
    pub(super) commit: Option<&'a str>,
    pub(super) message: &'a str,
    /// Null for a push.
    pub(super) triggered_by: Option<&'a str>,
    pub(super) created_at: Option<Time>,
    pub(super) updated_at: Option<Time>,
    pub(super) drift_detection: bool,
    pub(super) finished: bool,
    pub(super) changes: Option<Changes>,
    /// The latest first.
    pub(super) history: Vec<Transition<'a>>,
}

/// How many resources its plan changes.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "RunChanges")]
pub(super) struct Changes {
    added: i64,
    changed: i64,
    deleted: i64,
    resources: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RunTransition")]
pub(super) struct Transition<'a> {
    pub(super) state: &'a str,
    pub(super) at: Option<Time>,
    pub(super) by: Option<&'a str>,
    pub(super) note: Option<&'a str>,
}

impl Shape for View<'_> {
    const KIND: &'static str = "run";
}

impl<'a> View<'a> {
    pub(super) fn of(stack: &'a StackId, run: &'a Run) -> Self {
        let time = Time::from_s;
        let filled = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        let history = run.history.iter().map(|transition| Transition {
            state: transition.state.as_str(),
            at: time(transition.timestamp),
            by: filled(&transition.username),
            note: filled(&transition.note),
        });
        Self {
            stack,
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
        self.triggered_by.unwrap_or("push")
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
