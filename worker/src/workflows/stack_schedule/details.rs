//! The details of the schedule that Temporal's UI shows.

use std::fmt::Write as _;

use chain::Schedule;

/// The most stacks that Temporal's UI shows.
const DETAILS_ROWS_MAX: usize = 50;

/// Markdown: whether the account is halted, how much is open, and why each stack waits.
///
/// It is computed only when the schedule decides, so that nothing is computed that is not shown.
pub(super) fn markdown(schedule: &Schedule, now_ms: i64) -> String {
    let report = schedule.report_up_to(now_ms, DETAILS_ROWS_MAX);
    let mut text = String::new();
    if let Some(halt) = report.halted() {
        let _ = writeln!(
            text,
            "**Halted by {halt}.** Nothing is triggered until `spillway go`.\n"
        );
    }
    if let Some(conflict) = &report.conflict {
        let _ = writeln!(text, "**Nothing is triggered:** {conflict}.\n");
    }
    let chains = report.chains.len() + report.unplanned.len();
    let stacks = schedule.stacks_in_report();
    let _ = writeln!(text, "{chains} open chains, {stacks} stacks to run or running\n");
    if stacks > 0 {
        text.push_str("| stack | |\n|---|---|\n");
    }
    for stack in &report.stacks {
        let _ = writeln!(
            text,
            "| `{}` | {} |",
            stack.stack,
            stack.why.replace('|', "\\|").replace('\n', " ")
        );
    }
    if let Some(more) = stacks.checked_sub(DETAILS_ROWS_MAX).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n… and {more} more");
    }
    text
}
