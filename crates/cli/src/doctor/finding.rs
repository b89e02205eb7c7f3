//! The findings of `doctor`, and how they are printed.

use schemars::JsonSchema;
use serde::Serialize;
use settings::Problems;

use crate::exit::Exit;
use crate::json::Shape;
use crate::style::{painted, style_of};
use crate::table::plain;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DoctorState")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// The kind of problem. It decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DoctorCause")]
pub(super) enum Cause {
    Setting,
    Unreachable,
    Rejected,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DoctorFinding")]
pub(super) struct Finding {
    check: &'static str,
    state: State,
    cause: Option<Cause>,
    detail: String,
    /// What to do.
    advice: Option<&'static str>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, detail: String) -> Self {
        Self {
            check,
            state: State::Ok,
            cause: None,
            detail,
            advice: None,
        }
    }

    pub(super) fn warning(check: &'static str, detail: String, advice: &'static str) -> Self {
        Self {
            check,
            state: State::Warning,
            cause: None,
            detail,
            advice: Some(advice),
        }
    }

    pub(super) fn problem(check: &'static str, cause: Cause, detail: String, advice: &'static str) -> Self {
        Self {
            check,
            state: State::Problem,
            cause: Some(cause),
            detail,
            advice: Some(advice),
        }
    }
}

/// What `doctor` found.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Doctor")]
pub(crate) struct Report {
    findings: Vec<Finding>,
}

impl Shape for Report {
    const KIND: &'static str = "doctor";
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds every problem of a configuration.
    pub(super) fn add_problems(&mut self, check: &'static str, problems: &Problems, advice: &'static str) {
        for problem in problems.iter() {
            self.add(Finding::problem(
                check,
                Cause::Setting,
                problem.to_owned(),
                advice,
            ));
        }
    }

    /// The exit code of the problem that has to be corrected first.
    pub(super) fn exit(&self) -> Exit {
        let has = |cause| self.findings.iter().any(|finding| finding.cause == Some(cause));
        [
            (Cause::Setting, Exit::Setting),
            (Cause::Unreachable, Exit::Unreachable),
            (Cause::Rejected, Exit::Rejected),
        ]
        .into_iter()
        .find_map(|(cause, exit)| has(cause).then_some(exit))
        .unwrap_or(Exit::Success)
    }

    pub(super) fn render(&self) -> String {
        let width = self
            .findings
            .iter()
            .map(|finding| finding.check.len())
            .max()
            .unwrap_or_default();
        let mut lines = Vec::new();
        for Finding {
            check,
            state,
            detail,
            advice,
            ..
        } in &self.findings
        {
            let state = match state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Problem => "problem",
            };
            let padding = " ".repeat("problem".len() - state.len());
            let state = painted(state, style_of(state));
            lines.push(format!("{state}{padding}  {check:<width$}  {}", plain(detail)));
            if let Some(advice) = advice {
                lines.push(format!("{:<7}  {:<width$}  -> {advice}", "", ""));
            }
        }
        lines.join("\n")
    }
}
