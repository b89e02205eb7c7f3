//! Whether the sinks of messages answer, and which are behind.

use chain::AccountName;
use environment::Variables;
use notify::{Notifier, SinkError};
use temporal_client::{SinkBehind, WorkflowClient, clock};

use super::finding::{Cause, Finding, Report};
use crate::failure;
use crate::json::Time;
use crate::progress::during;
use crate::time::shown;

const CHECK: &str = "sink";

/// Asks each sink, and sends no message.
pub(super) async fn examine(variables: &Variables, report: &mut Report) {
    let lookup = |name: &str| variables.get(name).cloned();
    let sinks = match Notifier::from_lookup(lookup, None).await {
        Ok(sinks) => sinks,
        Err(error) => {
            let advice = "Correct the sinks in SPILLWAY_SINKS_FILE or SPILLWAY_SINKS: see docs/messages.md.";
            report.add_problems(CHECK, &error.0, advice);
            return;
        }
    };
    if sinks.is_empty() {
        return;
    }
    for (name, kind, answered) in during("Asking the sinks", sinks.probe()).await {
        report.add(match answered {
            Ok(found) => Finding::ok(CHECK, format!("`{name}` ({kind}): {found}")),
            Err(error) => problem(name, kind, &error),
        });
    }
}

fn problem(name: &str, kind: &str, error: &SinkError) -> Finding {
    let detail = format!("`{name}` ({kind}): {error}");
    match error {
        SinkError::Limited { .. } => Finding::warning(
            CHECK,
            detail,
            "Messages wait until then. If that happens often, set `quiet_for`, or send fewer chains to the sink.",
        ),
        SinkError::Unreachable(_) => Finding::problem(
            CHECK,
            Cause::Unreachable,
            detail,
            "Check the address, the network, and the proxy if there is one.",
        ),
        _ => Finding::problem(
            CHECK,
            Cause::Rejected,
            detail,
            "Check the token or the address of the sink, and what it is allowed to do.",
        ),
    }
}

/// Which sinks did not take their last message.
pub(super) async fn behind(workflows: &WorkflowClient, account: &AccountName, report: &mut Report) {
    const CHECK: &str = "messages";
    match workflows.sinks_behind(account).await {
        Ok(behind) => {
            for (sink, behind) in &behind {
                report.add(Finding::warning(
                    CHECK,
                    late(sink, behind),
                    "No stack waits for it. Spillway retries for a day.",
                ));
            }
        }
        Err(error) => report.add(Finding::warning(
            CHECK,
            format!(
                "not known whether a sink is behind: {}",
                failure::in_one_line(&error.into())
            ),
            "Start the worker: it answers for the messages.",
        )),
    }
}

fn late(sink: &str, behind: &SinkBehind) -> String {
    let SinkBehind {
        messages,
        since_ms,
        error,
        again_at_ms,
    } = behind;
    let messages = match messages {
        1 => "a message".to_owned(),
        many => format!("{many} messages"),
    };
    let again = again_at_ms
        .filter(|at_ms| *at_ms > clock::now_ms())
        .map(|at_ms| format!("; the next attempt is at {}", moment(at_ms)));
    format!(
        "`{sink}` has been behind with {messages} since {}: {error}{}",
        moment(*since_ms),
        again.unwrap_or_default()
    )
}

fn moment(at_ms: i64) -> String {
    Time::from_ms(at_ms).map_or_else(|| "?".to_owned(), shown)
}
