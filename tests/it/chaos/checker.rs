//! Reads what the account and the chains recorded, and reports violated laws. It shares no rule with the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chain::{ChainId, ChainRecord, ReasonCode, RunId, RunState, StackProgress, StackState};
use mock_spacelift::{RunRecord, Timestamp};
use temporal_client::contract::ChainReport;

use super::company::{CONTINUES, Company, RETRIES};
use super::day::{is_root, tracked};
use crate::world::{World, is_ours, push_of};

/// What begins between a look at a stack and its trigger is not seen, and answers are slow on such a day.
const BLIND_MS: i64 = 5_000;

pub(super) struct Checker<'a> {
    company: &'a Company,
    account: chain::AccountName,
    /// Requested retries of chains.
    retries: &'a [ChainId],
}

/// The result of the checker.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) violations: Vec<String>,
    roots: usize,
    served: usize,
    failed: usize,
    skipped: usize,
    ours: usize,
    /// Runs of ours that would have been triggered if no two causes shared one.
    unshared: usize,
}

impl Checked {
    pub(super) fn says(&self) -> String {
        format!(
            "{} chains; {} stacks served, {} failed, {} skipped; {} runs of ours for {} needs",
            self.roots, self.served, self.failed, self.skipped, self.ours, self.unshared
        )
    }

    fn broken(&mut self, what: String) {
        self.violations.push(what);
    }
}

impl<'a> Checker<'a> {
    pub(super) fn new(company: &'a Company, world: &World, retries: &'a [ChainId]) -> Self {
        Self {
            company,
            account: world.account.clone(),
            retries,
        }
    }

    /// Runs that must have chains.
    fn roots(&self, world: &World) -> Vec<RunRecord> {
        let mut roots = tracked(&world.spacelift);
        roots.retain(|run| is_root(run) && !self.company.downstream(run.stack.as_str()).is_empty());
        roots
    }

    /// Every run has ended, and so has the chain of every root.
    pub(super) async fn wait_for_the_end(&self, world: &World) {
        while !self.open(world).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn open(&self, world: &World) -> Vec<String> {
        let runs = tracked(&world.spacelift);
        let mut open: Vec<String> = runs
            .iter()
            .filter(|run| !run.state.is_terminal())
            .map(|run| format!("run {} of {} is {}", run.run, run.stack, run.state))
            .collect();
        if !open.is_empty() {
            return open;
        }
        let roots = self.roots(world);
        let of_roots = roots
            .iter()
            .map(|root| ChainId::of_root_run(&self.account, &root.run));
        for chain in of_roots.chain(self.retries.iter().cloned()) {
            // The worker that ends a chain may be down at this moment.
            match world.workflows.chain(&chain).await {
                Ok(Some(report)) if report.result.is_over() => {}
                Ok(Some(report)) => {
                    let record = report.record.as_ref();
                    let waits = record.into_iter().flat_map(ChainRecord::progress);
                    let waits: Vec<_> = waits
                        .filter(|stack| !stack.state.is_over())
                        .map(|stack| format!("{} {} {:?}", stack.id, stack.state, stack.note))
                        .collect();
                    open.push(format!("{chain} is {}: {waits:?}", report.result));
                }
                Ok(None) => open.push(format!("{chain} did not begin")),
                Err(error) => open.push(format!("{chain}: {error}")),
            }
        }
        open
    }

    pub(super) async fn says_what_is_open(&self, world: &World) -> String {
        let report = world.workflows.schedule_report(&self.account).await;
        format!("{:#?}\n{report:#?}", self.open(world).await)
    }

    pub(super) async fn check(&self, world: &World) -> Checked {
        let mut checked = Checked::default();
        let mut runs: BTreeMap<String, Vec<RunRecord>> = BTreeMap::new();
        for run in tracked(&world.spacelift) {
            runs.entry(run.stack.to_string()).or_default().push(run);
        }
        // One push counts once, however many roots it has.
        let mut occasions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for root in self.roots(world) {
            checked.roots += 1;
            for stack in self.company.downstream(root.stack.as_str()) {
                let pushed = root.commit.as_ref().filter(|_| root.triggered_by.is_none());
                let occasion = pushed.map_or_else(|| root.run.to_string(), ToString::to_string);
                occasions.entry(stack).or_default().insert(occasion);
                checked.unshared += 1;
            }
            let chain = ChainId::of_root_run(&self.account, &root.run);
            let report = world.workflows.chain(&chain).await.unwrap().unwrap();
            self.check_chain(&root, &report, &runs, &mut checked);
        }
        for retry in self.retries {
            let report = world.workflows.chain(retry).await.unwrap().unwrap();
            for stack in report.record.iter().flat_map(ChainRecord::progress) {
                occasions
                    .entry(stack.id.to_string())
                    .or_default()
                    .insert(retry.to_string());
            }
        }
        for (stack, of_stack) in &runs {
            Self::check_alone(stack, of_stack, &mut checked);
            Self::check_commits(stack, of_stack, &mut checked);
            let is_retried = self.company.policies.get(stack) == Some(&RETRIES);
            let is_once = |run: &&RunRecord| is_ours(run) && !(is_retried && run.state == RunState::Failed);
            let ours = of_stack.iter().filter(is_once).count();
            let needed = occasions.get(stack).map_or(0, BTreeSet::len);
            checked.ours += ours;
            let excused = self.unshared_with_what_waits(stack, &runs);
            if ours > needed + excused {
                checked.broken(format!(
                    "{stack} has {ours} runs of ours for {needed} pushes and runs of people, {excused} of them while \
                     something upstream waited for a person"
                ));
            }
        }
        checked
    }

    /// How many runs of ours began while the run of something upstream waited for a person. Nobody waits for that one, so
    /// its chain needs a run of its own later, even if both are of one push.
    fn unshared_with_what_waits(&self, stack: &str, all: &BTreeMap<String, Vec<RunRecord>>) -> usize {
        let is_upstream = |other: &str| self.company.downstream(other).contains(stack);
        let upstream: Vec<&RunRecord> = all
            .iter()
            .filter(|(other, _)| is_upstream(other))
            .flat_map(|(_, runs)| runs)
            .collect();
        let is_unshared = |run: &&RunRecord| {
            is_ours(run)
                && upstream
                    .iter()
                    .any(|other| waited_for_person(other, run.created_at))
        };
        all[stack].iter().filter(is_unshared).count()
    }

    /// Each stack downstream of the root is served after all its upstreams, or has a reason.
    fn check_chain(
        &self,
        root: &RunRecord,
        report: &ChainReport,
        runs: &BTreeMap<String, Vec<RunRecord>>,
        checked: &mut Checked,
    ) {
        let chain = format!("chain of {} of {}", root.run, root.stack);
        let Some(record) = &report.record else {
            return checked.broken(format!("{chain} has no record: {:?}", report.reason));
        };
        let run_of = |progress: &StackProgress| -> Option<&RunRecord> {
            let of_stack = runs.get(progress.id.as_str())?;
            of_stack
                .iter()
                .find(|run| Some(&run.run) == progress.run.as_ref())
        };
        let members = self.company.downstream(root.stack.as_str());
        for stack in &members {
            let Some(progress) = record.stack(&stack.parse().unwrap()) else {
                checked.broken(format!("{chain} does not know {stack}"));
                continue;
            };
            match progress.state {
                StackState::Succeeded => checked.served += 1,
                StackState::Failed => checked.failed += 1,
                StackState::Skipped => checked.skipped += 1,
                StackState::Waiting | StackState::Running => {
                    checked.broken(format!("{chain}: {stack} is {}", progress.state));
                }
            }
            if progress.state != StackState::Succeeded {
                if progress.reason.is_none() {
                    checked.broken(format!("{chain}: {stack} is {} without a reason", progress.state));
                }
                continue;
            }
            let Some(run) = run_of(progress).filter(|run| run.state == RunState::Finished) else {
                checked.broken(format!(
                    "{chain}: {stack} is served by {:?}, which is no good run",
                    progress.run
                ));
                continue;
            };
            self.check_commit_for(&chain, root, run, &runs[stack], checked);
            for upstream in &self.company.upstream[stack] {
                let ended = if *upstream == root.stack.as_str() {
                    root.reached(&RunState::Finished)
                } else if members.contains(upstream) {
                    let progress = record.stack(&upstream.parse().unwrap());
                    if progress.is_some_and(|progress| self.is_passed(upstream, progress)) {
                        continue;
                    }
                    match progress.map(|progress| (progress.state, run_of(progress))) {
                        Some((StackState::Succeeded, Some(run))) => run.reached(&RunState::Finished),
                        other => {
                            checked.broken(format!("{chain}: {stack} ran, and {upstream} is {other:?}"));
                            continue;
                        }
                    }
                } else {
                    continue;
                };
                let began = run.reached(&RunState::Preparing).unwrap_or(run.created_at);
                if ended.is_none_or(|ended| began < ended) {
                    checked.broken(format!(
                        "{chain}: run {} of {stack} began before {upstream} had ended\nroot: {}\n{}",
                        run.run,
                        history(root),
                        runs[stack].iter().map(history).collect::<Vec<_>>().join("\n")
                    ));
                }
            }
        }
    }

    /// Whether the dependents of a stack continue although it did not succeed: nothing changed for it, or its label says
    /// so.
    fn is_passed(&self, stack: &str, progress: &StackProgress) -> bool {
        match progress.state {
            StackState::Skipped => progress
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::NoChange),
            StackState::Failed => self.company.policies.get(stack) == Some(&CONTINUES),
            StackState::Waiting | StackState::Running | StackState::Succeeded => false,
        }
    }

    /// A run that serves a cause has at least its commit, or the one to which a person rolled the stack back.
    fn check_commit_for(
        &self,
        chain: &str,
        root: &RunRecord,
        run: &RunRecord,
        all: &[RunRecord],
        checked: &mut Checked,
    ) {
        let repository = |stack: &str| &self.company.repository[stack];
        let is_same = repository(root.stack.as_str()) == repository(run.stack.as_str());
        if is_same && number(run) < number(root) && !pins(all, run.created_at).contains(&number(run)) {
            checked.broken(format!(
                "{chain} of push {:?} is served by run {} of {} of push {:?}",
                number(root),
                run.run,
                run.stack,
                number(run)
            ));
        }
    }

    /// No two runs of ours overlap.
    fn check_alone(stack: &str, runs: &[RunRecord], checked: &mut Checked) {
        let mut before: Option<(&RunId, Timestamp)> = None;
        for run in runs.iter().filter(|run| is_ours(run)) {
            if let Some((other, ended)) = before
                && ended > run.created_at
            {
                checked.broken(format!("{stack} has runs {other} and {} at once", run.run));
            }
            before = run.history.last().map(|(_, at)| (&run.run, *at));
        }
    }

    /// The commit of a run of ours is at least as new as that of the run before, except after rollbacks by people.
    fn check_commits(stack: &str, runs: &[RunRecord], checked: &mut Checked) {
        for (at, run) in runs.iter().enumerate().filter(|(_, run)| is_ours(run)) {
            let seen = |other: &&RunRecord| other.created_at.millis() < run.created_at.millis() - BLIND_MS;
            let before = runs[..at].iter().rfind(|other| is_ours(other) || seen(other));
            let Some(before) = before else { continue };
            if number(run) < number(before) && !pins(&runs[..at], run.created_at).contains(&number(run)) {
                checked.broken(format!(
                    "{stack} goes back from push {:?} to {:?} by our run {}",
                    number(before),
                    number(run),
                    run.run
                ));
            }
        }
    }
}

/// Whether a run waited for a person at a moment, as far as could be known then.
fn waited_for_person(run: &RunRecord, at: Timestamp) -> bool {
    let mut states = run
        .history
        .iter()
        .skip_while(|(state, _)| *state != RunState::Unconfirmed);
    let (began, ended) = (states.next(), states.next());
    began.is_some_and(|(_, began)| *began <= at)
        && ended.is_none_or(|(_, ended)| at.millis() <= ended.millis() + BLIND_MS)
}

/// A run and its states, with the second and millisecond of each.
fn history(run: &RunRecord) -> String {
    let by = run.triggered_by.as_deref().unwrap_or("a push");
    let states = run.history.iter();
    let states: Vec<String> = states
        .map(|(state, at)| format!("{state} {}.{:03}", at.millis() / 1000, at.millis() % 1000))
        .collect();
    format!("{} by {by}: {}", run.run, states.join(", "))
}

/// The number of the push whose commit a run has.
fn number(run: &RunRecord) -> Option<u32> {
    run.commit.as_ref().and_then(push_of)
}

/// The commits to which a stack can be pinned at a moment: people's runs of older commits since the last push to it.
fn pins(runs: &[RunRecord], at: Timestamp) -> BTreeSet<Option<u32>> {
    let mut pinned = BTreeSet::new();
    let mut newest = None;
    for run in runs.iter().filter(|run| run.created_at <= at) {
        if run.triggered_by.is_none() {
            // A very recent push may not have been seen.
            if run.created_at.millis() < at.millis() - BLIND_MS {
                pinned.clear();
            }
        } else if !is_ours(run) && number(run) < newest {
            pinned.insert(number(run));
        }
        newest = number(run);
    }
    pinned
}
