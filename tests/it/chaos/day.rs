//! The events of a day.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chain::freeze::{Coverage, Freeze};
use chain::retry::RetryScope;
use chain::schedule::{Control, WaitingKind};
use chain::{ChainId, CommitSha, RunState, RunType};
use mock_spacelift::{FaultRate, MockSpacelift, Push, RunRecord, WebhookFaultRate};
use temporal_client::contract::{RetryRequest, ScheduleMessage};
use tokio::task::JoinHandle;

use super::company::{Company, REPOSITORIES};
use super::random::Random;
use crate::world::{World, commit, is_ours, now_s};

/// The pauses between events.
const TICK: Duration = Duration::from_millis(250);
/// How often people check what waits for them.
const PEOPLE_LOOK: Duration = Duration::from_millis(700);

/// Random events.
pub(super) struct Day<'a> {
    seed: u64,
    random: Random,
    company: &'a Company,
    pushes: u32,
    locked: Vec<String>,
    /// Requested retries of chains.
    pub(super) retries: Vec<ChainId>,
    happened: BTreeMap<&'static str, usize>,
}

impl<'a> Day<'a> {
    pub(super) fn new(seed: u64, company: &'a Company) -> Self {
        Self {
            seed,
            random: Random::new(seed.wrapping_add(1)),
            company,
            pushes: 0,
            locked: Vec::new(),
            retries: Vec::new(),
            happened: BTreeMap::new(),
        }
    }

    pub(super) fn says(&self) -> String {
        format!("{} stacks, {:?}", self.company.upstream.len(), self.happened)
    }

    fn happened(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// Runs for this long. Afterwards answers are good, locks are released, and a worker stays up.
    pub(super) async fn happens(&mut self, world: &mut World, lasts: Duration) {
        world.spacelift.fault_rate(FaultRate::one_in(10, self.seed));
        world
            .spacelift
            .webhook_fault_rate(WebhookFaultRate::one_in(6, self.seed));
        let began = Instant::now();
        self.push(world);
        while began.elapsed() < lasts {
            tokio::time::sleep(TICK).await;
            match self.random.below(100) {
                0..6 => self.push(world),
                6..11 => self.fail(world),
                11..16 => self.retry(world),
                16..18 => self.roll_back(world),
                18..21 => self.lock_or_unlock(world),
                21..23 => self.trigger(world),
                23..38 => {
                    world.kill_worker().await;
                    world.start_worker();
                    self.happened("workers killed");
                }
                41..44 => self.freeze_or_thaw(world).await,
                44..48 => self.retry_chain(world).await,
                38..41 => {
                    world.terminate_schedule().await;
                    self.happened("schedules lost");
                }
                _ => {}
            }
        }
        world.spacelift.clear_faults();
        for stack in self.locked.drain(..) {
            world.spacelift.unlock(&stack);
        }
    }

    /// One commit to a repository, for at least one of its roots.
    fn push(&mut self, world: &World) {
        let repository = *self.random.one_of(&REPOSITORIES).unwrap();
        let mut stacks = self.company.roots_in(repository);
        stacks.retain(|_| self.random.percent(80));
        // Sometimes it also touches a stack further down.
        if stacks.is_empty() || self.random.percent(30) {
            let followers: Vec<&String> = self
                .company
                .repository
                .iter()
                .filter(|(stack, of)| *of == repository && !stacks.contains(*stack))
                .map(|(stack, _)| stack)
                .collect();
            stacks.extend(self.random.one_of(&followers).map(|stack| (*stack).clone()));
        }
        self.pushes += 1;
        // Commits are seconds apart, however quickly they are pushed.
        let at_s = i64::try_from(now_s()).unwrap() - 3_000 + 10 * i64::from(self.pushes);
        let push = Push::to(repository)
            .commit(commit(self.pushes).as_str())
            .at(at_s)
            .touching_stacks(stacks);
        world.spacelift.push_to(push);
        self.happened("pushes");
    }

    fn any_stack(&mut self) -> String {
        let stacks: Vec<&String> = self.company.upstream.keys().collect();
        (*self.random.one_of(&stacks).unwrap()).clone()
    }

    fn fail(&mut self, world: &World) {
        let stack = self.any_stack();
        world.spacelift.fail_next(&stack);
        self.happened("runs that are to fail");
    }

    fn retry(&mut self, world: &World) {
        let failed: Vec<RunRecord> = tracked(&world.spacelift)
            .into_iter()
            .filter(|run| run.state == RunState::Failed && !self.locked.contains(&run.stack.to_string()))
            .collect();
        let newest: BTreeMap<_, _> = failed.iter().map(|run| (&run.stack, run)).collect();
        let newest: Vec<&RunRecord> = newest.into_values().collect();
        if let Some(run) = self.random.one_of(&newest) {
            world.spacelift.retry(&run.run, "alice");
            self.happened("retries");
        }
    }

    /// A short freeze of a part of the company.
    async fn freeze_or_thaw(&mut self, world: &World) {
        let until_s = i64::try_from(now_s()).unwrap() + 3;
        let freeze = Freeze {
            by: "frank".to_owned(),
            reason: "a bad day".to_owned(),
            until_ms: until_s * 1000,
            coverage: Coverage {
                stacks: vec![format!("layer-{}-*", 1 + self.random.below(4))],
                ..Coverage::default()
            },
        };
        // An error means that no worker is up at this moment.
        match world.workflows.freeze(&world.account, &freeze).await {
            Ok(None) => self.happened("freezes"),
            Ok(Some(_)) => {
                if let Ok(true) = world.workflows.thaw(&world.account, "frank").await {
                    self.happened("freezes lifted");
                }
            }
            Err(_) => {}
        }
    }

    /// A person retries a finished chain with failures.
    async fn retry_chain(&mut self, world: &World) {
        let mut roots = tracked(&world.spacelift);
        roots.retain(is_root);
        let Some(root) = self.random.one_of(&roots).cloned() else {
            return;
        };
        let of = ChainId::of_root_run(&world.account, &root.run);
        let Ok(Some(report)) = world.workflows.chain(&of).await else {
            return;
        };
        let stacks = report
            .record
            .map(|record| chain::retry::stacks(&record, &RetryScope::Failed));
        let (Some(Ok(_)), Ok(retries)) = (stacks, world.workflows.retries(&of).await) else {
            return;
        };
        // A retry whose chain has not begun yet has the same id.
        if retries.open().is_some() || self.retries.contains(&retries.next) {
            return;
        }
        let retry = RetryRequest {
            account: world.account.clone(),
            chain: retries.next,
            of,
            scope: RetryScope::Failed,
            by: None,
            reason: None,
        };
        if world.workflows.request_retry(&retry, &root.stack).await.is_ok() {
            self.retries.push(retry.chain);
            self.happened("retries of chains");
        }
    }

    fn roll_back(&mut self, world: &World) {
        let stack = self.any_stack();
        if self.locked.contains(&stack) {
            return;
        }
        let runs = world.spacelift.runs_of(&stack);
        let commits: BTreeSet<&CommitSha> = runs.iter().filter_map(|run| run.commit.as_ref()).collect();
        let newest = runs.last().and_then(|run| run.commit.as_ref());
        let older: Vec<&&CommitSha> = commits.iter().filter(|commit| Some(**commit) < newest).collect();
        if let Some(commit) = self.random.one_of(&older) {
            world.spacelift.trigger_commit(&stack, "bob", commit.as_str());
            self.happened("rollbacks");
        }
    }

    fn trigger(&mut self, world: &World) {
        let stack = self.any_stack();
        if !self.locked.contains(&stack) {
            world.spacelift.trigger(&stack, "carol");
            self.happened("runs by people");
        }
    }

    fn lock_or_unlock(&mut self, world: &World) {
        if self.locked.len() > 1 || (!self.locked.is_empty() && self.random.percent(50)) {
            world.spacelift.unlock(&self.locked.remove(0));
            return;
        }
        let stack = self.any_stack();
        if !self.locked.contains(&stack) {
            world.spacelift.lock(&stack, "dave");
            self.locked.push(stack);
            self.happened("locks");
        }
    }
}

pub(super) fn tracked(spacelift: &MockSpacelift) -> Vec<RunRecord> {
    let mut runs = spacelift.runs();
    runs.retain(|run| run.run_type == RunType::Tracked);
    runs
}

/// People confirm and approve what waits for them, and release stacks that the loop guard holds.
pub(super) fn people(world: &World) -> JoinHandle<()> {
    let (spacelift, workflows) = (world.spacelift.clone(), world.workflows.clone());
    let account = world.account.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(PEOPLE_LOOK).await;
            let waits = |run: &RunRecord| run.state == RunState::Unconfirmed;
            for run in spacelift.runs().into_iter().filter(waits) {
                spacelift.confirm(&run.run, "erin");
            }
            // An error means that no worker is up at this moment.
            let Ok(Some(report)) = workflows.schedule_report(&account).await else {
                continue;
            };
            for chain in report
                .waiting
                .iter()
                .filter(|waiting| waiting.kind == WaitingKind::Approval)
                .flat_map(|waiting| &waiting.chains)
            {
                let _ = workflows.control(chain, Control::Approve, "erin").await;
            }
            for stack in report
                .stacks
                .into_iter()
                .filter(|stack| stack.why.contains("look like a loop"))
            {
                let message = ScheduleMessage::Released {
                    stack: stack.stack,
                    by: "erin".to_owned(),
                };
                let _ = workflows.signal_schedule(&account, &message).await;
            }
        }
    })
}

/// A successful tracked run that we did not trigger.
pub(super) fn is_root(run: &RunRecord) -> bool {
    run.state == RunState::Finished && !is_ours(run)
}
