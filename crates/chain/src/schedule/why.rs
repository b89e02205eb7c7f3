//! What the schedule knows, for people: why a stack waits, and what is open.

use serde::{Deserialize, Serialize};

use super::Schedule;
use super::cause::Standing;
use super::stack::Phase;
use crate::{ChainId, RunId, StackId};

/// Everything that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleReport {
    pub halted_by: Option<String>,
    pub chains: Vec<ChainId>,
    /// Chains of which the stacks are still being listed.
    pub unplanned: Vec<ChainId>,
    pub stacks: Vec<StackReport>,
}

/// What is known of one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackReport {
    pub stack: StackId,
    /// The chains that need a run of it.
    pub chains: Vec<ChainId>,
    /// The run that serves them, if there is one.
    pub run: Option<RunId>,
    /// In one line: what happens to it, or what it waits for.
    pub why: String,
}

impl Schedule {
    /// Everything that is open, in the order of the stacks' ids.
    pub fn report(&self, now_ms: i64) -> ScheduleReport {
        self.report_up_to(now_ms, usize::MAX)
    }

    /// How many stacks a whole report has.
    pub fn stacks_in_report(&self) -> usize {
        self.state.stacks.len()
    }

    /// A report of so many stacks at most: for each one the causes are looked through.
    pub fn report_up_to(&self, now_ms: i64, stacks_max: usize) -> ScheduleReport {
        let chains = |is_planned: bool| {
            let causes = self.state.causes.values();
            let causes = causes.filter(move |cause| cause.plan.is_some() == is_planned);
            causes.map(|cause| cause.chain.clone()).collect()
        };
        ScheduleReport {
            halted_by: self.state.halted_by.clone(),
            chains: chains(true),
            unplanned: chains(false),
            stacks: self
                .state
                .stacks
                .keys()
                .take(stacks_max)
                .map(|stack| self.stack_report(stack, now_ms))
                .collect(),
        }
    }

    /// What is known of one stack, and why it does not run.
    pub fn stack_report(&self, stack: &StackId, now_ms: i64) -> StackReport {
        let open = self.causes_with(stack, &[Standing::Due, Standing::Running]);
        let known = self.state.stacks.get(stack);
        StackReport {
            stack: stack.clone(),
            chains: open
                .iter()
                .filter_map(|number| Some(self.state.causes.get(number)?.chain.clone()))
                .collect(),
            run: known
                .and_then(|known| known.run.as_ref())
                .map(|used| used.run.clone()),
            why: self.why(stack, now_ms),
        }
    }

    fn why(&self, stack: &StackId, now_ms: i64) -> String {
        let known = self.state.stacks.get(stack);
        if let Some(used) = known.and_then(|known| known.run.as_ref()) {
            let does = match used.seen.phase {
                Phase::Working => "is under way",
                Phase::Applying => "applies",
                Phase::Behind => "is queued behind another run",
                Phase::Ready { .. } => "waits for a worker",
                Phase::WaitsForPerson => "waits for a person",
            };
            return format!("its run {} {does}", used.run);
        }
        if known.is_some_and(|known| known.attempt.is_some()) {
            return "it is being triggered".to_owned();
        }
        let due = self.causes_with(stack, &[Standing::Due]);
        if due.is_empty() {
            return match known.and_then(|known| known.others.keys().next()) {
                Some(run) => format!("no chain needs it; run {run} is under way"),
                None => "no chain needs it".to_owned(),
            };
        }
        if let Some(by) = &self.state.halted_by {
            return format!("the account is halted by {by}");
        }
        if let Some(held) = known
            .and_then(|known| known.hold.as_ref())
            .filter(|held| held.again_at_ms > now_ms)
        {
            return held.hold.text.clone();
        }
        self.why_due(stack, &due, now_ms)
    }

    fn why_due(&self, stack: &StackId, due: &[u32], now_ms: i64) -> String {
        let ready: Vec<u32> = self.ready.causes(stack).collect();
        if ready.is_empty() {
            let upstream = due
                .iter()
                .find_map(|number| self.first_open_upstream(*number, stack));
            return match upstream {
                Some(upstream) => format!("it waits for `{upstream}`, upstream of it"),
                None => "it waits for its upstream".to_owned(),
            };
        }
        if ready
            .iter()
            .all(|number| self.state.causes.get(number).is_some_and(|cause| cause.paused))
        {
            return "its chain is paused".to_owned();
        }
        if self.state.listing.is_none() {
            return "the account's stacks are being listed".to_owned();
        }
        let last = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.last_wait.as_ref());
        if let Some((upstream, run)) = last.and_then(|last| last.runs.first()) {
            return format!("it waits for run {run} of `{upstream}`, directly upstream of it, to end");
        }
        let others = self.upstream_that_moves(stack);
        let since_ms = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.ready_since_ms);
        let until_ms = since_ms.unwrap_or(now_ms) + self.state.settings.join_wait_ms;
        match others.first() {
            Some(other) if now_ms < until_ms => format!(
                "it waits for `{other}`, upstream of it, so that one run does for both; for {} s more at most",
                (until_ms - now_ms) / 1000
            ),
            _ => "it waits for a free slot".to_owned(),
        }
    }

    fn first_open_upstream(&self, number: u32, stack: &StackId) -> Option<&StackId> {
        let topology = self.topology(number)?;
        let at = topology.index(stack)?;
        let open = topology
            .upstream(at)
            .iter()
            .find(|&&other| !self.get(number, other).is_over())?;
        Some(topology.id(*open))
    }
}
