//! What was found, and how it is told.

use serde::Serialize;

use crate::failure::{REFUSED, SETTING, UNREACHABLE};
use crate::table::plain;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Problem,
}

/// What kind of problem it is: it decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    Setting,
    Unreachable,
    Refused,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
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

#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What is to be corrected first decides.
    pub(super) fn status(&self) -> u8 {
        let has = |cause| self.findings.iter().any(|finding| finding.cause == Some(cause));
        [
            (Cause::Setting, SETTING),
            (Cause::Unreachable, UNREACHABLE),
            (Cause::Refused, REFUSED),
        ]
        .into_iter()
        .find_map(|(cause, status)| has(cause).then_some(status))
        .unwrap_or_default()
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
            lines.push(format!("{state:<7}  {check:<width$}  {}", plain(detail)));
            if let Some(advice) = advice {
                lines.push(format!("{:<7}  {:<width$}  -> {advice}", "", ""));
            }
        }
        lines.join("\n")
    }
}
