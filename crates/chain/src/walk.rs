//! The walk through a chain: a state machine that says which stacks can start now, and is told how they end.
//!
//! It triggers nothing and knows no clock. It can be saved at any time, and goes on from there.

mod progress;
mod saved;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use progress::{Counts, Outcome, Reason, StackProgress, StackState};

use crate::{Chain, OnFailure, RunId, StackId};

/// A step that the walk does not allow. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    #[error("stack `{0}` is not in the chain")]
    UnknownStack(StackId),
    #[error("stack `{stack}` is {state}, and cannot start")]
    NotWaiting { stack: StackId, state: StackState },
    #[error("stack `{0}` waits for its upstream")]
    UpstreamNotDone(StackId),
    #[error("stack `{stack}` is {state}, not running")]
    NotRunning { stack: StackId, state: StackState },
    #[error("the walk is paused")]
    Paused,
    #[error("{0} runs are in flight already")]
    NoFreeSlot(u32),
}

/// A chain and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "saved::SavedWalk", into = "saved::SavedWalk")]
pub struct Walk {
    chain: Chain,
    /// In the order of the chain's stacks, as are `upstream` and `downstream`.
    progress: Vec<StackProgress>,
    paused: bool,
    /// Why nothing new starts any more.
    stopped: Option<Reason>,
    upstream: Vec<Vec<usize>>,
    downstream: Vec<Vec<usize>>,
    index: BTreeMap<StackId, usize>,
}

impl Walk {
    /// The beginning of the walk: every stack waits.
    ///
    /// The chain must be one that [`plan`](crate::plan) made; an upstream that is not in it holds up nothing.
    pub fn new(chain: Chain) -> Self {
        let index: BTreeMap<StackId, usize> = chain
            .stacks
            .iter()
            .enumerate()
            .map(|(at, stack)| (stack.id.clone(), at))
            .collect();
        let upstream: Vec<Vec<usize>> = chain
            .stacks
            .iter()
            .map(|stack| {
                stack
                    .upstream
                    .iter()
                    .filter_map(|id| index.get(id).copied())
                    .collect()
            })
            .collect();
        let mut downstream = vec![Vec::new(); upstream.len()];
        for (dependent, dependencies) in upstream.iter().enumerate() {
            for &dependency in dependencies {
                downstream[dependency].push(dependent);
            }
        }
        let progress = chain
            .stacks
            .iter()
            .map(|stack| StackProgress::waiting(stack.id.clone()))
            .collect();
        Self {
            chain,
            progress,
            paused: false,
            stopped: None,
            upstream,
            downstream,
            index,
        }
    }

    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Every stack, in the order of the chain.
    pub fn progress(&self) -> &[StackProgress] {
        &self.progress
    }

    pub fn stack(&self, id: &StackId) -> Option<&StackProgress> {
        self.index.get(id).map(|&at| &self.progress[at])
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why nothing new starts any more, if so.
    pub fn stopped(&self) -> Option<&Reason> {
        self.stopped.as_ref()
    }

    /// Every stack has an outcome.
    pub fn is_over(&self) -> bool {
        self.progress.iter().all(|stack| stack.state.is_over())
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for stack in &self.progress {
            match stack.state {
                StackState::Waiting => counts.waiting += 1,
                StackState::Running => counts.running += 1,
                StackState::Succeeded => counts.succeeded += 1,
                StackState::Failed => counts.failed += 1,
                StackState::Skipped => counts.skipped += 1,
            }
        }
        counts
    }

    /// The stacks to start now, as many as there are free slots. The chain has those with the most downstream
    /// first, and so has this list.
    pub fn ready(&self) -> Vec<StackId> {
        if self.paused {
            return Vec::new();
        }
        let can_start = (0..self.progress.len()).filter(|&at| self.can_start(at));
        can_start
            .take(self.free_slots())
            .map(|at| self.progress[at].id.clone())
            .collect()
    }

    /// The stack's execution begins.
    pub fn start(&mut self, id: &StackId, at_ms: i64) -> Result<(), WalkError> {
        let at = self.at(id)?;
        let state = self.progress[at].state;
        if state != StackState::Waiting {
            return Err(WalkError::NotWaiting {
                stack: id.clone(),
                state,
            });
        }
        if !self.can_start(at) {
            return Err(WalkError::UpstreamNotDone(id.clone()));
        }
        if self.paused {
            return Err(WalkError::Paused);
        }
        if self.free_slots() == 0 {
            return Err(WalkError::NoFreeSlot(self.chain.settings.parallel_runs.get()));
        }
        let stack = &mut self.progress[at];
        stack.state = StackState::Running;
        stack.started_at_ms = Some(at_ms);
        Ok(())
    }

    /// The stack's execution has this run. Telling the same one again changes nothing.
    pub fn ran(&mut self, id: &StackId, run: RunId) -> Result<(), WalkError> {
        let stack = self.running(id)?;
        if stack.run.as_ref() != Some(&run) {
            stack.run = Some(run);
            stack.runs = stack.runs.saturating_add(1);
        }
        Ok(())
    }

    /// What the running stack waits for, or that it waits no more.
    pub fn note(&mut self, id: &StackId, note: Option<String>) -> Result<(), WalkError> {
        self.running(id)?.note = note;
        Ok(())
    }

    /// The stack's execution ended; what follows for the others is decided by the chain's policy.
    pub fn finish(&mut self, id: &StackId, outcome: Outcome, at_ms: i64) -> Result<(), WalkError> {
        let at = self.at(id)?;
        let stack = self.running(id)?;
        let (state, reason) = match outcome {
            Outcome::Succeeded => (StackState::Succeeded, None),
            Outcome::Failed(reason) => (StackState::Failed, Some(reason)),
            Outcome::Skipped(reason) => (StackState::Skipped, Some(reason)),
        };
        stack.state = state;
        stack.reason = reason;
        stack.note = None;
        stack.finished_at_ms = Some(at_ms);
        if state == StackState::Failed {
            match self.chain.settings.on_failure {
                OnFailure::Continue => {}
                OnFailure::SkipDownstream => self.skip_downstream(at, at_ms),
                OnFailure::Stop => {
                    self.skip_downstream(at, at_ms);
                    self.stop(
                        Reason::new("chain_stopped", format!("the chain stopped when `{id}` failed")),
                        at_ms,
                    );
                }
            }
        }
        Ok(())
    }

    /// Nothing new starts until [`resume`](Self::resume). What runs, runs on.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Nothing new starts ever again: what waits is skipped. What runs, runs on.
    pub fn cancel(&mut self, why: &str, at_ms: i64) {
        let text = if why.is_empty() {
            "the chain was cancelled".to_owned()
        } else {
            format!("the chain was cancelled: {why}")
        };
        self.stop(Reason::new("chain_cancelled", text), at_ms);
    }

    fn stop(&mut self, reason: Reason, at_ms: i64) {
        for at in 0..self.progress.len() {
            self.skip_waiting(at, &reason, at_ms);
        }
        self.stopped.get_or_insert(reason);
    }

    fn skip_downstream(&mut self, failed: usize, at_ms: i64) {
        let id = &self.progress[failed].id;
        let reason = Reason::new("upstream_failed", format!("its upstream `{id}` failed"));
        let mut open = self.downstream[failed].clone();
        while let Some(at) = open.pop() {
            if self.skip_waiting(at, &reason, at_ms) {
                open.extend(&self.downstream[at]);
            }
        }
    }

    fn skip_waiting(&mut self, at: usize, reason: &Reason, at_ms: i64) -> bool {
        let stack = &mut self.progress[at];
        let waits = stack.state == StackState::Waiting;
        if waits {
            stack.state = StackState::Skipped;
            stack.reason = Some(reason.clone());
            stack.finished_at_ms = Some(at_ms);
        }
        waits
    }

    /// A stack is done with for those that wait for it once it is over, however it ended: where it must hold
    /// them up, they were skipped at that moment.
    fn can_start(&self, at: usize) -> bool {
        self.progress[at].state == StackState::Waiting
            && self.upstream[at]
                .iter()
                .all(|&other| self.progress[other].state.is_over())
    }

    fn free_slots(&self) -> usize {
        let running = self
            .progress
            .iter()
            .filter(|stack| stack.state == StackState::Running)
            .count();
        (self.chain.settings.parallel_runs.get() as usize).saturating_sub(running)
    }

    fn at(&self, id: &StackId) -> Result<usize, WalkError> {
        self.index
            .get(id)
            .copied()
            .ok_or_else(|| WalkError::UnknownStack(id.clone()))
    }

    fn running(&mut self, id: &StackId) -> Result<&mut StackProgress, WalkError> {
        let at = self.at(id)?;
        let stack = &mut self.progress[at];
        match stack.state {
            StackState::Running => Ok(stack),
            state => Err(WalkError::NotRunning {
                stack: id.clone(),
                state,
            }),
        }
    }
}
