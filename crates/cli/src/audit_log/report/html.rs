//! The report as one page that needs nothing else, and prints well.

use askama::Template;

use super::Report;
use super::execution::{Execution, outcomes};
use crate::json::Time;
use crate::time::{shown, shown_to_the_minute};
use crate::words::counted;

#[derive(Template)]
#[template(path = "audit-report.html")]
struct Page {
    since: String,
    until: String,
    summary: String,
    location: String,
    /// Chains with altered or missing records.
    damaged: String,
    /// Chains with records of a newer version.
    newer: String,
    /// Chains without a record of their end.
    unfinished: String,
    rows: Vec<Row>,
}

/// The class and the text of each cell.
type Row = [(String, String); 9];

pub(super) fn render(report: &Report) -> askama::Result<String> {
    let summary = match report.executions.as_slice() {
        [] => "No stack of a chain ended.".to_owned(),
        some => format!(
            "{}: {}.",
            counted(some.len(), "execution", "executions"),
            outcomes(some)
        ),
    };
    let page = Page {
        since: shown_to_the_minute(Time(report.period.since)),
        until: shown_to_the_minute(Time(report.period.until)),
        summary,
        location: report.location.to_string(),
        damaged: report.damaged.join(", "),
        newer: report.newer.join(", "),
        unfinished: report.unfinished.join(", "),
        rows: report.executions.iter().map(row).collect(),
    };
    page.render()
}

fn row(execution: &Execution) -> Row {
    let cell = |class: &str, text: Option<&str>| {
        let text = text.unwrap_or_default();
        (class.to_owned(), text.replace(|c: char| c.is_control(), " "))
    };
    let started = execution.started_at.map(shown);
    let reason = execution.reason.as_ref().map(|reason| reason.text.as_str());
    [
        cell("id", Some(&execution.chain)),
        cell("", execution.started_by.as_deref()),
        cell("", Some(&execution.stack)),
        cell("id", execution.run.as_deref()),
        cell("id", execution.short_commit()),
        cell(
            &format!("outcome {}", execution.outcome),
            Some(&execution.outcome),
        ),
        cell("time", started.as_deref()),
        cell("time", execution.duration().as_deref()),
        cell("", reason),
    ]
}
