//! The schedule's state for people: why a stack waits, and what is open.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Schedule;
use super::cause::Standing;
use super::stack::Phase;
use super::waiting::Waiting;
use crate::reason::with_reason;
use crate::{ChainId, RunId, StackId};

/// Everything that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleReport {
    pub halted_by: Option<String>,
    /// Why it is halted, as that person said.
    #[serde(default)]
    pub halt_reason: Option<String>,
    /// Why nothing is triggered, if another Spillway uses our key.
    #[serde(default)]
    pub conflict: Option<String>,
    /// Whether the open work is known. At the beginning, and after a loss, it has to be found first.
    #[serde(default)]
    pub rebuilt: bool,
    pub chains: Vec<ChainId>,
    /// Chains whose stacks are still being listed.
    pub unplanned: Vec<ChainId>,
    pub stacks: Vec<StackReport>,
    /// What waits for a person, a lock or the end of a freeze, oldest first.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
    /// When the root of each chain ended, or the chain was requested, in seconds since 1970.
    #[serde(default)]
    pub begun_s: BTreeMap<ChainId, i64>,
}

impl ScheduleReport {
    /// Who halted the account, and why.
    pub fn halted(&self) -> Option<String> {
        let by = self.halted_by.as_deref()?;
        Some(with_reason(by, self.halt_reason.as_deref()))
    }

    /// The chains that are open since this second or longer, also those whose stacks are still being listed.
    pub fn begun_until(&self, at_s: i64) -> impl Iterator<Item = &ChainId> {
        self.begun_s
            .iter()
            .filter(move |(_, begun_s)| **begun_s <= at_s)
            .map(|(chain, _)| chain)
    }
}

/// What is known about one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackReport {
    pub stack: StackId,
    /// The chains that need a run of it.
    pub chains: Vec<ChainId>,
    /// The open chains in which it failed, and which a repair still serves.
    #[serde(default)]
    pub failed_in: Vec<ChainId>,
    /// The run that serves `chains`, if there is one.
    pub run: Option<RunId>,
    /// It has an open attempt.
    #[serde(default)]
    pub attempted: bool,
    /// What happens to it or what it waits for, in one line.
    pub why: String,
    #[serde(default)]
    pub phase: StackPhase,
    /// Since when it has been ready, in milliseconds since 1970, if it only waits for its turn.
    #[serde(default)]
    pub ready_since_ms: Option<i64>,
}

impl StackReport {
    /// Nothing is open that needs the stack.
    pub fn idle(stack: StackId) -> Self {
        Self {
            stack,
            chains: Vec::new(),
            failed_in: Vec::new(),
            run: None,
            attempted: false,
            why: "no chain needs it: no chain is open in the account".to_owned(),
            phase: StackPhase::Idle,
            ready_since_ms: None,
        }
    }
}

/// The phase of a stack, in one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StackPhase {
    /// No chain needs it.
    #[default]
    Idle,
    /// Spillway is triggering its run.
    Triggering,
    /// Its run is planning or preparing.
    Running,
    Applying,
    /// Its run is queued behind another run of the stack.
    Queued,
    /// Its run waits for a worker.
    WaitsForWorker,
    /// Its run waits for a person.
    WaitsForPerson,
    /// Its chain waits for an approval.
    WaitsForApproval,
    WaitsForUpstream,
    /// It waits so that one run serves several chains.
    WaitsForOtherChains,
    WaitsForSlot,
    /// Something holds it: a lock, a fault, the loop guard.
    Held,
    Paused,
    Halted,
    /// The stacks of the account are being listed.
    Planning,
    /// The schedule is being rebuilt, so what the stack does is not known yet.
    Rebuilding,
}

/// What is known of a stack while the schedule is being rebuilt.
const REBUILDING: &str = "the schedule is being rebuilt; what is open is known in a few seconds";

impl Schedule {
    /// Everything that is open, in the order of the stacks' ids.
    pub fn report(&self, now_ms: i64) -> ScheduleReport {
        self.report_up_to(now_ms, usize::MAX)
    }

    /// The most stacks in a report.
    pub fn stacks_in_report(&self) -> usize {
        self.state.stacks.len()
    }

    /// A report with at most this many stacks, since the causes are searched for each of them.
    pub fn report_up_to(&self, now_ms: i64, stacks_max: usize) -> ScheduleReport {
        let chains = |is_planned: bool| {
            let causes = self.state.causes.values();
            let causes = causes.filter(move |cause| cause.plan.is_some() == is_planned);
            causes.map(|cause| cause.chain.clone()).collect()
        };
        ScheduleReport {
            halted_by: self.state.halted_by.clone(),
            halt_reason: self.state.halt_reason.clone(),
            conflict: self
                .state
                .conflict
                .as_ref()
                .map(|conflict| conflict.hold.text.clone()),
            rebuilt: self.state.rebuilt,
            chains: chains(true),
            unplanned: chains(false),
            stacks: self
                .state
                .stacks
                .keys()
                .take(stacks_max)
                .map(|stack| self.stack_report(stack, now_ms))
                .collect(),
            waiting: self.waiting(),
            begun_s: self
                .state
                .causes
                .values()
                .filter_map(|cause| Some((cause.chain.clone(), cause.root.ended_at_s?)))
                .collect(),
        }
    }

    /// What is known about one stack, and why it does not run.
    pub fn stack_report(&self, stack: &StackId, now_ms: i64) -> StackReport {
        let known = self.state.stacks.get(stack);
        let (phase, why) = self.why(stack, now_ms);
        StackReport {
            stack: stack.clone(),
            chains: self.chains_with(stack, &[Standing::Due, Standing::Running]),
            failed_in: self.chains_with(stack, &[Standing::Failed]),
            run: known
                .and_then(|known| known.run.as_ref())
                .map(|used| used.run.clone()),
            attempted: known.is_some_and(|known| known.attempt.is_some()),
            ready_since_ms: known.and_then(|known| known.ready_since_ms),
            phase,
            why,
        }
    }

    pub(super) fn chains_with(&self, stack: &StackId, standings: &[Standing]) -> Vec<ChainId> {
        let numbers = self.causes_with(stack, standings);
        let causes = numbers.iter().filter_map(|number| self.state.causes.get(number));
        causes.map(|cause| cause.chain.clone()).collect()
    }

    fn why(&self, stack: &StackId, now_ms: i64) -> (StackPhase, String) {
        if !self.state.rebuilt {
            return (StackPhase::Rebuilding, REBUILDING.to_owned());
        }
        let known = self.state.stacks.get(stack);
        if let Some((known, used)) = known.and_then(|known| Some((known, known.run.as_ref()?))) {
            let (phase, does) = match used.seen.phase {
                Phase::Working => (StackPhase::Running, "is running".to_owned()),
                Phase::Applying => (StackPhase::Applying, "is applying".to_owned()),
                Phase::Behind => {
                    let before = known.first_before(&used.run);
                    let behind = before.map_or_else(|| "another run".to_owned(), |run| format!("run {run}"));
                    (StackPhase::Queued, format!("is queued behind {behind}"))
                }
                Phase::Ready { .. } => (StackPhase::WaitsForWorker, "waits for a worker".to_owned()),
                Phase::WaitsForPerson => (StackPhase::WaitsForPerson, "waits for a person".to_owned()),
            };
            return (phase, format!("its run {} {does}", used.run));
        }
        if known.is_some_and(|known| known.attempt.is_some()) {
            return (StackPhase::Triggering, "its run is being triggered".to_owned());
        }
        let due = self.causes_with(stack, &[Standing::Due]);
        if due.is_empty() {
            let why = match known.and_then(|known| known.others.keys().next()) {
                Some(run) => format!("no chain needs it; run {run} is under way"),
                None => "no chain needs it".to_owned(),
            };
            return (StackPhase::Idle, why);
        }
        if let Some(by) = &self.state.halted_by {
            let text = format!("the account was halted by {by}");
            let reason = self.state.halt_reason.as_deref();
            return (StackPhase::Halted, with_reason(&text, reason));
        }
        if let Some(conflict) = &self.state.conflict {
            return (StackPhase::Halted, conflict.hold.text.clone());
        }
        if let Some(held) = known
            .and_then(|known| known.hold.as_ref())
            .filter(|held| held.again_at_ms > now_ms)
        {
            return (StackPhase::Held, held.hold.text.clone());
        }
        self.why_due(stack, &due, now_ms)
    }

    fn why_due(&self, stack: &StackId, due: &[u32], now_ms: i64) -> (StackPhase, String) {
        let ready: Vec<u32> = self.ready.causes(stack).collect();
        if ready.is_empty() {
            let upstream = due
                .iter()
                .find_map(|number| self.first_open_upstream(*number, stack));
            let why = match upstream {
                Some(upstream) => format!("waits for `{upstream}`"),
                None => "waits for its dependencies".to_owned(),
            };
            return (StackPhase::WaitsForUpstream, why);
        }
        if ready
            .iter()
            .all(|number| self.state.causes.get(number).is_some_and(|cause| cause.paused))
        {
            return (StackPhase::Paused, "its chain is paused".to_owned());
        }
        if ready.iter().all(|number| {
            self.state
                .causes
                .get(number)
                .is_some_and(|cause| !cause.may_start())
        }) {
            return (
                StackPhase::WaitsForApproval,
                "its chain waits for an approval".to_owned(),
            );
        }
        if self.state.listing.is_none() {
            return (
                StackPhase::Planning,
                "the stacks of the account are being listed".to_owned(),
            );
        }
        let last = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.last_wait.as_ref());
        if let Some((upstream, run)) = last.and_then(|last| last.runs.first()) {
            let why = format!("waits for run {run} of its dependency `{upstream}`");
            return (StackPhase::WaitsForUpstream, why);
        }
        let others = self.upstream_that_moves(stack);
        let since_ms = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.ready_since_ms);
        let until_ms = since_ms.unwrap_or(now_ms) + self.state.settings.join_wait_ms;
        match others.first() {
            Some(other) if now_ms < until_ms => (
                StackPhase::WaitsForOtherChains,
                format!(
                    "waits for `{other}`, so that one run serves several chains; until {} at the latest",
                    shown(until_ms)
                ),
            ),
            _ => (
                StackPhase::WaitsForSlot,
                "waits for a free slot: as many runs are working as `parallel_runs` allows".to_owned(),
            ),
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

/// The time of day in UTC. A remaining time would be wrong a moment later, since nothing renews it until something happens.
fn shown(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.strftime("%H:%M:%SZ").to_string()
}
