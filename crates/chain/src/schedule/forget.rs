//! Removes what nothing refers to any more.

use std::collections::BTreeSet;

use super::{REMEMBERED_MS, Schedule};

/// How often outdated memories are removed.
const FORGET_EVERY_MS: i64 = 60_000;

impl Schedule {
    pub(super) fn forget(&mut self) {
        let state = &mut self.state;
        let long_ago_ms = self.now_ms - REMEMBERED_MS;
        if self.forgot_at_ms.saturating_add(FORGET_EVERY_MS) <= self.now_ms {
            self.forgot_at_ms = self.now_ms;
            state.ends.retain(|_, end| end.reported_at_ms > long_ago_ms);
            let stacks = &state.stacks;
            state
                .own_runs
                .forget(long_ago_ms, |stack| stacks.contains_key(stack));
        }
        self.touched.retain(|id| {
            let Some(stack) = state.stacks.get_mut(id) else {
                return false;
            };
            // One of the other runs may be the doubted one.
            let is_needed = stack.ready_since_ms.is_some() || stack.is_active() || !stack.others.is_empty();
            stack
                .doubt
                .take_if(|doubt| !is_needed && doubt.since_ms <= long_ago_ms);
            if stack.is_idle() {
                state.stacks.remove(id);
                return false;
            }
            stack.doubt.is_some()
        });
        let plans = state.causes.values().filter_map(|cause| cause.plan.as_ref());
        let listed = state.listing.as_ref().map(|listing| listing.topology);
        let used: BTreeSet<u32> = plans.map(|plan| plan.topology).chain(listed).collect();
        state.topologies.retain(|number, _| used.contains(number));
    }
}
