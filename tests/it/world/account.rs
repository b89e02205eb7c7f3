//! Accounts in one line, and what they recorded.

use std::collections::BTreeMap;

use chain::freeze::FreezeWindow;
use chain::{ChainId, ChainResult, CommitSha, RunId, RunState};
use mock_spacelift::{KEY_ID, NewStack, Push, RunRecord};
use temporal_client::contract::ChainReport;

use super::{World, now_s};

/// The default repository of stacks.
pub(crate) const REPOSITORY: &str = "acme/infra";

/// The time between commits, however quickly the pushes follow each other.
const BETWEEN_COMMITS_S: i64 = 10;
/// The age of a test's first commit. It is newer than the account's own.
const FIRST_COMMIT_AGE_S: i64 = 3_000;

/// The stacks of a line such as `network; database: network; apps: database network`, with the dependencies of each.
pub(crate) fn stacks_of(line: &str) -> Vec<(String, Vec<String>)> {
    line.split(';')
        .map(|stack| {
            let (name, upstream) = stack.split_once(':').unwrap_or((stack, ""));
            let upstream = upstream.split_whitespace().map(str::to_owned).collect();
            (name.trim().to_owned(), upstream)
        })
        .collect()
}

impl World {
    /// Adds stacks with autodeploy.
    pub(crate) fn graph(&self, line: &str) {
        self.graph_with(line, |_, stack| stack);
    }

    /// Adds stacks of which some wait for a confirmation.
    pub(crate) fn graph_confirming(&self, line: &str, confirming: &[&str]) {
        self.graph_with(line, |name, stack| stack.autodeploy(!confirming.contains(&name)));
    }

    /// Adds stacks that are modified according to their names.
    pub(crate) fn graph_with(&self, line: &str, change: impl Fn(&str, NewStack) -> NewStack) {
        for (name, upstream) in stacks_of(line) {
            let stack = upstream.iter().fold(NewStack::named(&name), |stack, upstream| {
                stack.depends_on(upstream)
            });
            self.spacelift.add_stack(change(&name, stack));
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
