//! Administrative stacks on which most of the account depends, as Masterpoint's modules label it: one run of such a stack,
//! which makes the other stacks, would run them all.

use std::fmt;

use chain::{Downstream, LabelGrammar, StackId, StackPolicy, label};
use spacelift::Stack;

/// With fewer dependents, a stack is not treated as administrative.
const DEPENDENTS_MIN: usize = 3;

/// An administrative stack, and how many stacks depend on it directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hub {
    pub(super) stack: StackId,
    dependents: usize,
    others: usize,
}

impl fmt::Display for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stack,
            dependents,
            others,
        } = self;
        write!(
            f,
            "`{stack}` is administrative, and {dependents} of {others} stacks depend on it: each run of it runs them all. \
             If it only makes the stacks, give it the label `spillway:ignore=true`; `spillway:downstream=changed` runs only \
             the stacks that a run of it changed"
        )
    }
}

pub(super) fn hubs(stacks: &[Stack], grammar: &LabelGrammar) -> Vec<Hub> {
    let others = stacks.len().saturating_sub(1);
    let candidates = stacks.iter().filter(|stack| {
        let policy = StackPolicy::of(&stack.labels).0;
        stack.administrative && !policy.ignore && policy.downstream != Some(Downstream::Changed)
    });
    let hub = |stack: &Stack| {
        let depends = |other: &&Stack| other.id != stack.id && depends(other, &stack.id, grammar);
        let dependents = stacks.iter().filter(depends).count();
        (dependents >= DEPENDENTS_MIN && dependents * 2 > others).then(|| Hub {
            stack: stack.id.clone(),
            dependents,
            others,
        })
    };
    candidates.filter_map(hub).collect()
}

fn depends(stack: &Stack, on: &StackId, grammar: &LabelGrammar) -> bool {
    let names = |text: &String| matches!(label::parse(text, grammar), Ok(Some(all)) if all.contains(on));
    stack.labels.iter().any(names)
}
