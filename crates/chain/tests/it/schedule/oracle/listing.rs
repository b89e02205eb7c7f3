//! Which stack waits for which, according to one listing of the account.

use std::collections::{BTreeMap, BTreeSet};

use chain::{StackFacts, StackId};

type Edges = BTreeMap<StackId, BTreeSet<StackId>>;

static NOTHING: BTreeSet<StackId> = BTreeSet::new();

#[derive(Debug, Default)]
pub(super) struct Listing {
    by_label: Edges,
    /// By labels and Spacelift's own dependencies.
    direct: Edges,
    /// The same, however far.
    upstream: Edges,
    /// What waits for each stack by labels, however far.
    downstream: Edges,
    pub(super) disabled: BTreeSet<StackId>,
    /// A label of these stacks names one that is not listed.
    pub(super) incomplete: BTreeSet<StackId>,
}

/// Everything that can be reached from each stack.
fn reached(edges: &Edges) -> Edges {
    let reached_from = |from: &StackId| {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let new = edges.get(at).unwrap_or(&NOTHING).iter();
            open.extend(new.filter(|next| found.insert((*next).clone())));
        }
        found
    };
    edges
        .keys()
        .map(|from| (from.clone(), reached_from(from)))
        .collect()
}

impl Listing {
    pub(super) fn of(stacks: &[StackFacts]) -> Self {
        let mut listing = Self::default();
        let ids: BTreeSet<&StackId> = stacks.iter().map(|stack| &stack.id).collect();
        let mut by_label_downstream = Edges::new();
        for stack in stacks {
            let labels = stack
                .labels
                .iter()
                .filter_map(|label| label.strip_prefix("dependsOn:"));
            let named: BTreeSet<StackId> = labels.map(|id| id.parse().unwrap()).collect();
            if !named.iter().all(|id| ids.contains(id)) {
                listing.incomplete.insert(stack.id.clone());
            }
            if stack.disabled {
                listing.disabled.insert(stack.id.clone());
            }
            let is_listed = |id: &&StackId| ids.contains(id);
            let by_label: BTreeSet<StackId> = named.iter().filter(is_listed).cloned().collect();
            let native = stack.native_dependencies.iter().filter(is_listed).cloned();
            let direct = by_label.iter().cloned().chain(native).collect();
            by_label_downstream.entry(stack.id.clone()).or_default();
            for other in &by_label {
                let downstream = by_label_downstream.entry(other.clone()).or_default();
                downstream.insert(stack.id.clone());
            }
            listing.by_label.insert(stack.id.clone(), by_label);
            listing.direct.insert(stack.id.clone(), direct);
        }
        listing.upstream = reached(&listing.direct);
        listing.downstream = reached(&by_label_downstream);
        listing
    }

    pub(super) fn has(&self, stack: &StackId) -> bool {
        self.direct.contains_key(stack)
    }

    pub(super) fn by_label(&self, stack: &StackId) -> &BTreeSet<StackId> {
        self.by_label.get(stack).unwrap_or(&NOTHING)
    }

    pub(super) fn direct(&self, stack: &StackId) -> &BTreeSet<StackId> {
        self.direct.get(stack).unwrap_or(&NOTHING)
    }

    pub(super) fn upstream(&self, stack: &StackId) -> &BTreeSet<StackId> {
        self.upstream.get(stack).unwrap_or(&NOTHING)
    }

    pub(super) fn downstream(&self, stack: &StackId) -> &BTreeSet<StackId> {
        self.downstream.get(stack).unwrap_or(&NOTHING)
    }

    pub(super) fn is_on_cycle(&self, stack: &StackId) -> bool {
        self.upstream(stack).contains(stack)
    }
}
