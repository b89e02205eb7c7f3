//! The log of an account in memory, for people and programs.

use std::process::ExitCode;

use mock_spacelift::{LogAction, LogEntry};

use crate::command::Done;
use crate::output;
use crate::table::Table;

pub(super) fn show(log: &[LogEntry], json: bool) -> Done {
    if json {
        output::json(&log)?;
        return Ok(ExitCode::SUCCESS);
    }
    if log.is_empty() {
        output::line("Nothing was done yet.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::with_head(["time", "by", "what"]);
    for entry in log {
        let by = entry.by.as_deref().unwrap_or("a push");
        table.row([&time(entry.at_ms), by, &what(&entry.action)]);
    }
    output::line(&table.render());
    Ok(ExitCode::SUCCESS)
}

fn time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

fn what(action: &LogAction) -> String {
    match action {
        LogAction::Push {
            repository,
            branch,
            commit,
            ..
        } => format!("pushed {} to {repository}@{branch}", short(commit)),
        LogAction::Trigger {
            stack,
            run,
            run_type,
            commit,
            retries,
            ..
        } => {
            let again = retries.as_ref().map(|run| format!(", again after {run}"));
            format!(
                "started run {run} of {stack} ({run_type}) @ {}{}",
                short(commit),
                again.unwrap_or_default()
            )
        }
        LogAction::Decide { stack, run, state } => format!("made run {run} of {stack} {state}"),
        LogAction::Lock { stack } => format!("locked {stack}"),
        LogAction::Unlock { stack } => format!("unlocked {stack}"),
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}
