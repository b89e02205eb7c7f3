//! The report in columns, chain by chain.

use super::Report;
use super::execution::{Execution, outcomes};
use crate::json::Time;
use crate::table::{Table, plain};
use crate::time::{shown, shown_to_the_minute};
use crate::words::counted;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut chains = 0;
    for chain in report.executions.chunk_by(|a, b| a.chain == b.chain) {
        chains += 1;
        text += &of_chain(chain);
        text += "\n\n";
    }
    let period = format!(
        "from {} to {}",
        shown_to_the_minute(Time(report.period.since)),
        shown_to_the_minute(Time(report.period.until))
    );
    text += &if chains == 0 {
        format!("No stack of a chain ended {period}.")
    } else {
        format!(
            "{} in {} {period}: {}",
            counted(report.executions.len(), "execution", "executions"),
            counted(chains, "chain", "chains"),
            outcomes(&report.executions)
        )
    };
    if !report.unfinished.is_empty() {
        text += &format!(
            "\nWithout a record of their end: {}. They are under way, or their last records are still to be written.",
            plain(&report.unfinished.join(", "))
        );
    }
    text
}

fn of_chain(executions: &[Execution]) -> String {
    let mut table = Table::with_head([
        "stack", "outcome", "commit", "started", "duration", "run", "reason",
    ]);
    for execution in executions {
        let started = execution.started_at.map(shown);
        let reason = execution.reason.as_ref().map(|reason| reason.text.as_str());
        table.row([
            execution.stack.as_str(),
            &execution.outcome,
            execution.short_commit().unwrap_or_default(),
            &started.unwrap_or_default(),
            &execution.duration().unwrap_or_default(),
            execution.run.as_deref().unwrap_or_default(),
            reason.unwrap_or_default(),
        ]);
    }
    let head = executions.first().map(head).unwrap_or_default();
    format!("{head}\n{}", table.indented("  ", true))
}

fn head(execution: &Execution) -> String {
    let by = match (&execution.started_by, &execution.root_run) {
        (Some(login), _) => format!("by {login}"),
        // For these runs Spacelift names nobody.
        (None, Some(_)) => "which a push or Spacelift itself triggered".to_owned(),
        (None, None) => "by somebody whom the log does not name".to_owned(),
    };
    let root = match (&execution.root_stack, &execution.root_run) {
        (Some(stack), Some(run)) => format!("after run {run} of {stack}, "),
        (Some(stack), None) => format!("requested for {stack}, "),
        _ => "started ".to_owned(),
    };
    plain(&format!("{}: {root}{by}", execution.chain))
}
