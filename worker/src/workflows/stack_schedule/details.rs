//! What people see of the schedule in Temporal's UI.

use std::fmt::Write as _;

use chain::Schedule;

/// How many stacks Temporal's UI shows.
const DETAILS_ROWS_MAX: usize = 50;

/// Markdown: whether the account is halted, how much is open, and why each stack waits.
///
/// It is made anew whenever the schedule decides, so that no more is computed than is shown.
pub(super) fn markdown(schedule: &Schedule, now_ms: i64) -> String {
    let report = schedule.report_up_to(now_ms, DETAILS_ROWS_MAX);
    let mut text = String::new();
    if let Some(by) = &report.halted_by {
        let _ = writeln!(
            text,
            "**Halted by {by}.** Nothing is triggered until `spillway go`.\n"
        );
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
