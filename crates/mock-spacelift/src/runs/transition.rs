//! Every transition of a run after the first.

use chain::RunState;

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::run::Transition;
use crate::runs::announcement::announce;
use crate::runs::progress::delta;
use crate::runs::trigger_policy::run_trigger_policies;

/// Moves a run to a state, announces it, and starts what follows from the end of a run.
pub(super) fn transition(
    account: &mut Account,
    index: usize,
    to: RunState,
    by: Option<&str>,
    note: Option<&str>,
) {
    let run = &mut account.runs[index];
    let state_version = run.last().state_version + 1;
    run.history.push(Transition {
        state: to,
        state_version,
        at: Timestamp::now(),
        username: by.map(str::to_owned),
        note: note.map(str::to_owned),
    });
    run.delta = delta(run);
    let is_over = run.is_over();
    if is_over {
        account.runs.end(index);
    }
    announce(account, index);
    if is_over {
        run_trigger_policies(account, index);
    }
}
