//! The answer of an account in memory, for programs.

use chain::{RunId, StackId};
use mock_spacelift::ControlAnswer;
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::Shape;

/// What a command did to the account in memory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MockChange")]
pub(crate) struct View<'a> {
    /// For people.
    message: &'a str,
    /// The runs that it started or changed.
    runs: Vec<Run<'a>>,
    /// The commit that was pushed.
    commit: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MockRun")]
struct Run<'a> {
    stack: &'a StackId,
    run: &'a RunId,
}

impl Shape for View<'_> {
    const KIND: &'static str = "mock_change";
}

impl<'a> View<'a> {
    pub(super) fn of(answer: &'a ControlAnswer) -> Self {
        Self {
            message: &answer.text,
            runs: answer
                .runs
                .iter()
                .map(|run| Run {
                    stack: &run.stack,
                    run: &run.run,
                })
                .collect(),
            commit: answer.commit.as_deref(),
        }
    }
}
