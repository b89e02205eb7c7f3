//! Makes the changes, stack by stack. What a step needs is done first: a dependency never exists in neither place.

use chain::depend::relabel;
use chain::migration::{LabelStep, NativeStep};
use chain::{LabelGrammar, StackId};
use spacelift::{Error, ErrorKind, Spacelift};

use super::{Edge, View};
use crate::exit::Exit;
use crate::failure::{Failure, in_one_line};

/// Fails if a step was not done. What Spacelift rejects for one stack does not stop the others; where it does not answer,
/// nothing more is tried.
pub(super) async fn apply(
    spacelift: &Spacelift,
    view: &mut View,
    stacks: &[StackId],
    grammar: &LabelGrammar,
) -> Result<(), Failure> {
    let (mut rejected, mut stopped) = (0, false);
    for stack in stacks {
        let edges: Vec<&mut Edge> = view
            .dependencies
            .iter_mut()
            .filter(|edge| edge.dependent == *stack && edge.changes())
            .collect();
        if edges.is_empty() {
            continue;
        }
        if stopped {
            for edge in edges {
                edge.error = Some("not tried".to_owned());
            }
            continue;
        }
        for error in one_stack(spacelift, stack, edges, grammar).await {
            let is_of_this_stack = matches!(
                error.kind,
                ErrorKind::Unauthorized | ErrorKind::Refused { .. } | ErrorKind::NotFound { .. }
            );
            rejected += 1;
            stopped |= !is_of_this_stack;
        }
    }
    if rejected == 0 {
        return Ok(());
    }
    let exit = if stopped {
        Exit::Unreachable
    } else {
        Exit::Rejected
    };
    Err(Failure::new(exit, "not every change could be made")
        .meaning("Each dependency above says what was done. None was lost.")
        .hint("Correct the cause, and run the command again: it goes on with what is left."))
}

async fn one_stack(
    spacelift: &Spacelift,
    stack: &StackId,
    mut edges: Vec<&mut Edge>,
    grammar: &LabelGrammar,
) -> Vec<Error> {
    let mut errors = Vec::new();
    for edge in edges
        .iter_mut()
        .filter(|edge| edge.native_step == NativeStep::Create)
    {
        let created = spacelift.create_stack_dependency(stack, &edge.dependency).await;
        edge.native_done = noted(created, &mut edge.error, &mut errors);
    }
    change_labels(spacelift, stack, &mut edges, grammar, &mut errors).await;
    for edge in edges
        .iter_mut()
        .filter(|edge| edge.native_step == NativeStep::Remove)
    {
        let (None, Some(id)) = (&edge.error, &edge.native_id) else {
            continue;
        };
        let deleted = spacelift.delete_stack_dependency(id).await;
        edge.native_done = noted(deleted, &mut edge.error, &mut errors);
    }
    errors
}

/// All labels of the stack in one change.
async fn change_labels(
    spacelift: &Spacelift,
    stack: &StackId,
    edges: &mut [&mut Edge],
    grammar: &LabelGrammar,
    errors: &mut Vec<Error>,
) {
    let wanted = |step: LabelStep| -> Vec<StackId> {
        let wanted = edges
            .iter()
            .filter(|edge| edge.label_step == step && edge.error.is_none());
        wanted.map(|edge| edge.dependency.clone()).collect()
    };
    let (on, not_on) = (wanted(LabelStep::Write), wanted(LabelStep::Remove));
    if on.is_empty() && not_on.is_empty() {
        return;
    }
    let changed = spacelift
        .relabel_stack(stack, |labels| relabel(&labels, &on, &not_on, grammar))
        .await;
    let text = changed
        .as_ref()
        .err()
        .map(|error| in_one_line(&error.clone().into()));
    for edge in edges {
        if matches!(edge.label_step, LabelStep::Write | LabelStep::Remove) && edge.error.is_none() {
            edge.error.clone_from(&text);
            edge.label_done = text.is_none();
        }
    }
    errors.extend(changed.err());
}

/// Whether it was done. If not, the dependency says why.
fn noted<T>(result: Result<T, Error>, said: &mut Option<String>, errors: &mut Vec<Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            *said = Some(in_one_line(&error.clone().into()));
            errors.push(error);
            false
        }
    }
}
