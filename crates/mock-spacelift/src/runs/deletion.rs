//! Deletes stacks, which ends their runs.

use chain::RunState;

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::role::Holder;
use crate::model::stack::Stack;
use crate::runs::transition::transition;

/// Deletes a stack with its dependencies and roles, and ends its runs. `None` if the stack does not exist.
pub(crate) fn delete_stack(account: &mut Account, id: &str) -> Result<Option<Stack>, Refusal> {
    let Some(stack) = account.stacks.find(id) else {
        return Ok(None);
    };
    if stack.settings.protect_from_deletion {
        return Err(Refusal::StackProtected { id: id.to_owned() });
    }
    let id = stack.id.clone();
    let open: Vec<usize> = account
        .runs
        .active()
        .filter(|&index| account.runs[index].stack == id)
        .collect();
    for index in open {
        transition(
            account,
            index,
            RunState::Canceled,
            None,
            Some("the stack was deleted"),
        );
    }
    account.runs.forget_stack(&id);
    account.dependencies.remove_stack(&id);
    account.roles.remove_holder(&Holder::Stack(id.clone()));
    Ok(account.stacks.remove(&id))
}
