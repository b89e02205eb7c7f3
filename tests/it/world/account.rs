//! Accounts in one line, and what they recorded.

use std::collections::BTreeMap;

use chain::freeze::FreezeWindow;
use chain::{ChainId, ChainResult, CommitSha, RunId, RunState};
use mock_spacelift::{KEY_ID, MockSpacelift, NewStack, Push, RunRecord};
use temporal_client::contract::ChainReport;

use super::{World, now_s};

/// The default repository of stacks.
pub(crate) const REPOSITORY: &str = "acme/infra";

/// The time between commits, however quickly the pushes follow each other.
const BETWEEN_COMMITS_S: i64 = 10;
/// The age of a test's first commit. It is newer than the account's own.
const FIRST_COMMIT_AGE_S: i64 = 3_000;

/// The stacks of a line such as `network; database: network; apps: database network`, with autodeploy.
fn stacks_of(line: &str) -> impl Iterator<Item = (&str, NewStack)> {
    line.split(';').map(|stack| {
        let (name, upstream) = stack.split_once(':').unwrap_or((stack, ""));
        let name = name.trim();
        let stack = upstream
            .split_whitespace()
            .fold(NewStack::named(name), |stack, upstream| {
                stack.depends_on(upstream)
            });
        (name, stack)
    })
}

/// Adds stacks of which some wait for a confirmation, also where there is no [`World`].
pub(crate) fn add_graph(spacelift: &MockSpacelift, line: &str, confirming: &[&str]) {
    for (name, stack) in stacks_of(line) {
        spacelift.add_stack(stack.autodeploy(!confirming.contains(&name)));
    }
}

/// This many stacks in the notation of [`add_graph`], each of which depends on the one before it.
pub(crate) fn stacks_in_a_row(name: &str, upstream: &str, stacks: usize) -> String {
    let stack = |number: usize| format!("{name}-{number:02}");
    let stacks = (1..=stacks).map(|number| match number {
        1 => format!("{}: {upstream}", stack(number)),
        _ => format!("{}: {}", stack(number), stack(number - 1)),
    });
    stacks.collect::<Vec<_>>().join("; ")
}

impl World {
    /// Adds stacks with autodeploy.
    pub(crate) fn graph(&self, line: &str) {
        self.graph_confirming(line, &[]);
    }

    /// Adds stacks of which some wait for a confirmation.
    pub(crate) fn graph_confirming(&self, line: &str, confirming: &[&str]) {
        add_graph(&self.spacelift, line, confirming);
    }

    /// Adds stacks that are modified according to their names.
    pub(crate) fn graph_with(&self, line: &str, change: impl Fn(&str, NewStack) -> NewStack) {
        for (name, stack) in stacks_of(line) {
            self.spacelift.add_stack(change(name, stack));
        }
    }

    /// The `number`-th push, of one commit, to these stacks. Later ones have later commits.
    pub(crate) fn push_to(&self, number: u32, stacks: &[&str]) -> Vec<RunId> {
        let now_s = i64::try_from(now_s()).unwrap();
        let push = Push::to(REPOSITORY)
            .commit(commit(number).as_str())
            .at(now_s - FIRST_COMMIT_AGE_S + BETWEEN_COMMITS_S * i64::from(number))
            .touching_stacks(stacks.iter().copied());
        self.spacelift.push_to(push)
    }

    /// The run of this stack among these.
    pub(crate) fn among(&self, runs: &[RunId], stack: &str) -> RunId {
        let all = self.spacelift.runs_of(stack);
        let run = all.into_iter().find(|run| runs.contains(&run.run));
        run.expect("a run of the stack is among them").run
    }

    /// Pushes to a stack, and waits until its chain has begun.
    pub(crate) async fn begin_chain(&self, stack: &str) -> (RunId, ChainId) {
        let root = self.spacelift.push(stack);
        let has_begun = |report: &ChainReport| report.record.is_some();
        self.wait_for_chain(&root, "its beginning", has_begun).await;
        let chain = ChainId::of_root_run(&self.account, &root);
        (root, chain)
    }

    /// Waits until the chains of these runs have succeeded.
    pub(crate) async fn all_succeed(&self, roots: &[RunId]) -> Vec<ChainReport> {
        let mut reports = Vec::new();
        for root in roots {
            let report = self.chain_of(root).await;
            assert_eq!(report.result, ChainResult::Succeeded, "{report:#?}");
            reports.push(report);
        }
        reports
    }

    /// Waits until a stack has a run in this state.
    pub(crate) async fn wait_for_run(&self, stack: &str, state: &RunState) -> RunRecord {
        let has = |run: &RunRecord| run.reached(state).is_some();
        self.spacelift
            .wait_until(&format!("a run of {stack} in {state}"), |spacelift| {
                spacelift.runs_of(stack).iter().any(has)
            })
            .await;
        self.spacelift.runs_of(stack).into_iter().rfind(has).unwrap()
    }

    /// The number of runs of these stacks.
    pub(crate) fn runs_of(&self, stacks: &[&str]) -> BTreeMap<String, usize> {
        let count = |stack: &&str| ((*stack).to_owned(), self.spacelift.runs_of(stack).len());
        stacks.iter().map(count).collect()
    }

    pub(crate) fn assert_once(&self, stacks: &[&str]) {
        let counts = self.runs_of(stacks);
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    }

    /// The commits of a stack's runs, in order, as numbers of pushes.
    pub(crate) fn commits_of(&self, stack: &str) -> Vec<Option<u32>> {
        let runs = self.spacelift.runs_of(stack);
        runs.iter()
            .map(|run| run.commit.as_ref().and_then(push_of))
            .collect()
    }
}

/// A freeze window between two moments, in seconds from now, for stacks that match the pattern.
pub(crate) fn freeze_window(name: &str, from_s: i64, to_s: i64, stacks: &str) -> FreezeWindow {
    let at = |seconds| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let window = serde_json::json!({"name": name, "from": at(from_s), "to": at(to_s), "stacks": [stacks]});
    serde_json::from_value(window).unwrap()
}

/// The commit of the `number`-th push.
pub(crate) fn commit(number: u32) -> CommitSha {
    CommitSha::new(format!("{number:040x}")).unwrap()
}

/// The number of the push that brought a commit. `None` if it is older than the pushes.
pub(crate) fn push_of(commit: &CommitSha) -> Option<u32> {
    u32::from_str_radix(commit.as_str(), 16).ok()
}

/// Whether Spillway triggered a run.
pub(crate) fn is_ours(run: &RunRecord) -> bool {
    run.triggered_by.as_deref() == Some(&format!("api::{KEY_ID}"))
}
