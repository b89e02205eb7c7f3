//! The company, and what happens to it in a day.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chain::{CommitSha, RunState, RunType};
use mock_spacelift::{FaultRate, MockSpacelift, NewStack, Push, RunRecord, WebhookFaultRate};
use orchestrator::contract::ScheduleMessage;
use tokio::task::JoinHandle;

use super::random::Random;
use crate::world::{World, commit, is_ours, now_s};

const ROOTS: usize = 6;
/// How many stacks lie at each depth.
const LAYERS: [usize; 4] = [14, 12, 10, 6];
const REPOSITORIES: [&str; 3] = ["acme/landing-zone", "acme/platform", "acme/apps"];
/// How often something may happen.
const TICK: Duration = Duration::from_millis(250);
/// How often people look at what waits for them.
const PEOPLE_LOOK: Duration = Duration::from_millis(700);

/// Stacks in layers, each after some of the layers above it.
pub(super) struct Company {
    /// What each stack depends on.
    pub(super) upstream: BTreeMap<String, Vec<String>>,
    pub(super) repository: BTreeMap<String, String>,
    confirming: BTreeSet<String>,
}

impl Company {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut company = Self {
            upstream: BTreeMap::new(),
            repository: BTreeMap::new(),
            confirming: BTreeSet::new(),
        };
        let mut above: Vec<String> = Vec::new();
        for (depth, count) in std::iter::once(ROOTS).chain(LAYERS).enumerate() {
            let mut layer = Vec::new();
            for number in 0..count {
                let stack = format!("layer-{depth}-{number:02}");
                let mut upstream = BTreeSet::new();
                for _ in 0..=random.below(3) {
                    upstream.extend(random.one_of(&above).cloned());
                }
                // Two of three roots share a repository, so that pushes have several roots.
                let repository = if depth == 0 { number / 3 } else { random.below(3) };
                company
                    .upstream
                    .insert(stack.clone(), upstream.into_iter().collect());
                company
                    .repository
                    .insert(stack.clone(), REPOSITORIES[repository].to_owned());
                if depth > 0 && random.percent(10) {
                    company.confirming.insert(stack.clone());
                }
                layer.push(stack);
            }
            above.extend(layer);
        }
        company
    }

    pub(super) fn add_to(&self, world: &World) {
        for (stack, upstream) in &self.upstream {
            let stack_of = NewStack::named(stack)
                .repository(&self.repository[stack])
                .autodeploy(!self.confirming.contains(stack));
            let labelled = upstream
                .iter()
                .fold(stack_of, |stack, upstream| stack.depends_on(upstream));
            world.spacelift.add_stack(labelled);
        }
    }

    fn roots_in(&self, repository: &str) -> Vec<String> {
        let roots = self.upstream.iter().filter(|(_, upstream)| upstream.is_empty());
        let stacks = roots.map(|(stack, _)| stack.clone());
        stacks
            .filter(|stack| self.repository[stack] == repository)
            .collect()
    }

    /// Everything downstream of a stack.
    pub(super) fn downstream(&self, stack: &str) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        // Names sort by depth, so that one round does.
        for (below, upstream) in &self.upstream {
            if upstream
                .iter()
                .any(|above| above == stack || found.contains(above))
            {
                found.insert(below.clone());
            }
        }
        found
    }
}

/// What happens, by chance.
pub(super) struct Day<'a> {
    seed: u64,
    random: Random,
    company: &'a Company,
    pushes: u32,
    locked: Vec<String>,
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
            happened: BTreeMap::new(),
        }
    }

    pub(super) fn says(&self) -> String {
        format!("{} stacks, {:?}", self.company.upstream.len(), self.happened)
    }

    fn happened(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// Lasts so long. Then answers are good, locks are gone, and a worker is there that stays.
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

    /// One commit to a repository, for some of its roots at least.
    fn push(&mut self, world: &World) {
        let repository = *self.random.one_of(&REPOSITORIES).unwrap();
        let mut stacks = self.company.roots_in(repository);
        stacks.retain(|_| self.random.percent(80));
        // Now and then it touches a stack further down as well.
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
        // All commits are seconds apart, however fast they come.
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

/// People confirm what waits for them, and say that what looks like a loop is none.
pub(super) fn people(world: &World) -> JoinHandle<()> {
    let (spacelift, orchestrator) = (world.spacelift.clone(), world.orchestrator.clone());
    let account = world.account.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(PEOPLE_LOOK).await;
            let waits = |run: &RunRecord| run.state == RunState::Unconfirmed;
            for run in spacelift.runs().into_iter().filter(waits) {
                spacelift.confirm(&run.run, "erin");
            }
            // An error says that there is no worker to answer at this moment.
            let Ok(Some(report)) = orchestrator.schedule_report(&account).await else {
                continue;
            };
            for stack in report
                .stacks
                .into_iter()
                .filter(|stack| stack.why.contains("look like a loop"))
            {
                let message = ScheduleMessage::Released {
                    stack: stack.stack,
                    by: "erin".to_owned(),
                };
                let _ = orchestrator.tell_schedule(&account, &message).await;
            }
        }
    })
}

/// A tracked run that ended well and that we did not make.
pub(super) fn is_root(run: &RunRecord) -> bool {
    run.state == RunState::Finished && !is_ours(run)
}
