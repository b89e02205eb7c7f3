//! What a queued run has to do with the runs of the stacks that its own natively depends on.

use chain::{RunState, StackId};

use crate::account::state::Account;
use crate::model::run::Run;

pub(super) fn upstream_is_over(account: &Account, run: &Run) -> bool {
    account.runs.upstream(run).all(Run::is_over)
}

/// How a queued run ends without having started because of the runs that it waits for, and why.
pub(super) fn ends_with_upstream(account: &Account, run: &Run) -> Option<(RunState, &'static str)> {
    if account.runs.upstream(run).any(Run::ended_badly) {
        return Some((RunState::Canceled, "an upstream run did not finish"));
    }
    let wanted = |upstream: &Run| wants_run_after(account, &run.stack, upstream);
    let is_skipped =
        run.of_dependency && upstream_is_over(account, run) && !account.runs.upstream(run).any(wanted);
    is_skipped.then_some((RunState::Skipped, "no output that it refers to has changed"))
}

/// Whether a stack has to run after the end of an upstream run. Without references, it has to after every finished run;
/// with them, after one that changed outputs.
fn wants_run_after(account: &Account, stack: &StackId, upstream: &Run) -> bool {
    let dependency = account
        .dependencies
        .between(stack.as_str(), upstream.stack.as_str());
    // A dependency that was deleted in the meantime prevents no run.
    dependency.is_none_or(|dependency| {
        let references = &dependency.references;
        let always = dependency.trigger_always || references.iter().any(|one| one.trigger_always);
        always || upstream.changed_outputs() || (references.is_empty() && upstream.state().succeeded())
    })
}
