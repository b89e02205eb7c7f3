//! Finds differences between Temporal and the schedule about what is open, and repairs them without a loss.

use std::collections::BTreeSet;

use super::Schedule;
use super::cause::CauseNumber;
use super::message::Decision;
use super::rebuild::Running;
use super::why::ScheduleReport;
use crate::attempt::RunFacts;
use crate::record::ChainRecord;
use crate::{ChainId, StackId};

/// How the open workflows in Temporal differ from the schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Open chains that the schedule does not know.
    pub unknown_chains: BTreeSet<ChainId>,
    /// Stacks with an open attempt that the schedule does not wait for.
    pub unknown_attempts: BTreeSet<StackId>,
    /// Stacks for whose attempt the schedule waits, although none is open.
    pub lost_attempts: BTreeSet<StackId>,
    /// The schedule takes the account for halted, and it is not.
    pub lost_halt: bool,
}

impl Differences {
    /// The differences at this moment. Many are only messages in transit between Temporal and the schedule. A
    /// difference found twice, some time apart, is an error.
    pub fn between(
        report: &ScheduleReport,
        open_chains: &BTreeSet<ChainId>,
        open_attempts: &BTreeSet<StackId>,
        is_halted: bool,
    ) -> Self {
        if !report.rebuilt {
            return Self::default();
        }
        let known_chains = report.chains.iter().chain(&report.unplanned);
        let known_chains: BTreeSet<ChainId> = known_chains.cloned().collect();
        let attempted = report.stacks.iter().filter(|stack| stack.attempted);
        let known_attempts: BTreeSet<StackId> = attempted.map(|stack| stack.stack.clone()).collect();
        Self {
            unknown_chains: open_chains - &known_chains,
            unknown_attempts: open_attempts - &known_attempts,
            lost_attempts: &known_attempts - open_attempts,
            lost_halt: report.halted_by.is_some() && !is_halted,
        }
    }

    /// The differences that are in both.
    #[must_use]
    pub fn and(&self, later: &Self) -> Self {
        Self {
            unknown_chains: &self.unknown_chains & &later.unknown_chains,
            unknown_attempts: &self.unknown_attempts & &later.unknown_attempts,
            lost_attempts: &self.lost_attempts & &later.lost_attempts,
            lost_halt: self.lost_halt && later.lost_halt,
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Schedule {
    /// Takes over a chain as after a loss. The other chains stay as they are. Of a known chain, only the orders of people
    /// count: the sweep reports a chain again if somebody gave an order while it was found.
    pub(super) fn chain_found(&mut self, record: &ChainRecord, runs: Vec<(StackId, RunFacts)>) {
        let chain = record.id();
        if let Some(number) = self.cause_of(chain) {
            self.take_orders(number, record);
            return;
        }
        // The record still has to be updated.
        if self.state.unsent.contains_key(chain) {
            return;
        }
        let mut running = Running::new();
        let Some(number) = self.take_up(record, &mut running) else {
            return;
        };
        self.log(Decision::ChainFound { chain: chain.clone() });
        self.find_ready_of(number);
        let runs = runs
            .into_iter()
            .filter(|(stack, run)| running.contains_key(&(stack.clone(), run.id.clone())))
            .collect();
        for (stack, run) in self.take_up_runs(runs, running) {
            self.finish_run(&stack, &run);
        }
        self.settle_taken_up(number);
        self.stop_runs_as_recorded(record);
        // It may wait for an approval, and may have waited for long.
        self.note_deadline(self.now_ms);
    }

    fn take_orders(&mut self, number: CauseNumber, record: &ChainRecord) {
        if let Some(cause) = self.state.causes.get_mut(&number) {
            cause.paused = record.is_paused();
            cause.pause = record.pause().cloned();
            cause.unapproved = record.unapproved().is_some();
        }
        self.stop_runs_as_recorded(record);
        if let Some(why) = record.cancelled() {
            self.skip_all_due(number, why);
        }
    }

    /// Waits for an attempt as after a loss. Its outcome names the causes.
    pub(super) fn attempt_found(&mut self, stack: &StackId) {
        let known = self.state.stacks.entry(stack.clone()).or_default();
        if known.attempt.is_some() {
            return;
        }
        known.attempt = Some(Vec::new());
        known.lifted = true;
        if known.open_doubt().is_none() {
            self.doubt(stack, &[], None);
        }
        self.note_activity(stack);
        self.log(Decision::AttemptFound { stack: stack.clone() });
    }
}
