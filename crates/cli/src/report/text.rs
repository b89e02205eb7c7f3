//! The report in columns, chain by chain.

use super::Report;
use super::execution::{Execution, outcomes};
use crate::audit_log::counted;
use crate::table::{Table, plain, shown};

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
        report.period.since.strftime("%Y-%m-%d %H:%M"),
        report.period.until.strftime("%Y-%m-%d %H:%M UTC")
    );
    if chains == 0 {
        return format!("No stack of a chain ended {period}.");
    }
    text + &format!(
        "{} in {} {period}: {}",
        counted(report.executions.len(), "execution", "executions"),
        counted(chains, "chain", "chains"),
        outcomes(&report.executions)
    )
}

fn of_chain(executions: &[Execution]) -> String {
    let mut table = Table::with_head(["stack", "outcome", "commit", "started", "took", "run", "reason"]);
    for execution in executions {
        let started = execution.started.map(shown);
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
    format!("{head}\n{}", table.indented("  "))
}

fn head(execution: &Execution) -> String {
    let by = match &execution.started_by {
        Some(login) => format!("by {login}"),
        None => "by whom is not known".to_owned(),
    };
    let root = match (&execution.root_stack, &execution.root_run) {
        (Some(stack), Some(run)) => format!("after run {run} of {stack}, "),
        (Some(stack), None) => format!("asked for at {stack}, "),
        _ => "started ".to_owned(),
    };
    plain(&format!("{}: {root}{by}", execution.chain))
}
