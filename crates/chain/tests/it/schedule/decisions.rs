//! Which commit a stack runs, and what follows from one look at it.

mod runs;
mod verdicts;

use chain::attempt::{RunFacts, StackLook};
use chain::commit::{ChosenBecause, Commit, Push, WantedCommit, choose};
use chain::{CommitSha, RunState, RunType};

use crate::account::stacks;

const REPOSITORY: &str = "acme/infra";

/// `3` is a commit of second 3,000, `3?` one with an unknown time, and `3@9` one of second 9,000.
fn commit(text: &str) -> Commit {
    let (name, time) = text.split_once('@').unwrap_or((text.trim_end_matches('?'), text));
    let timestamp_s = time.parse::<i64>().ok().map(|thousands| thousands * 1000);
    Commit::new(CommitSha::new(name.repeat(7)).unwrap(), timestamp_s)
}

/// `push 1`, `us 2 QUEUED`, `bob 1 FINISHED began 350`: the nth was created at second 100 n.
fn run(number: usize, text: &str) -> RunFacts {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at_s = 100 * i64::try_from(number).unwrap();
    let state = words
        .get(2)
        .map_or(RunState::Finished, |word| RunState::from(*word));
    let has = |word| words.contains(&word);
    let began = words
        .iter()
        .position(|word| *word == "began")
        .map(|at| words[at + 1].parse().unwrap());
    let by = words[0];
    RunFacts {
        id: format!("R{number}").parse().unwrap(),
        run_type: if has("proposed") {
            RunType::Proposed
        } else {
            RunType::Tracked
        },
        began_at_s: began.or((state != RunState::Queued).then_some(at_s + 1)),
        state,
        branch: if has("elsewhere") { "release" } else { "main" }.to_owned(),
        commit: Some(commit(words[1])),
        triggered_by: (by != "push" && by != "drift").then(|| by.to_owned()),
        ours: by == "us",
        other_spillway: None,
        drift_detection: by == "drift",
        created_at_s: at_s,
        changed_at_s: at_s + 50,
        partial: has("partial"),
        planned: true,
        changed: None,
        gone: false,
        reported_at_ms: None,
    }
}

/// The runs, oldest first.
fn look(tracked: &str, runs: &str) -> StackLook {
    let runs = runs.split(';').map(str::trim).filter(|run| !run.is_empty());
    let mut runs: Vec<RunFacts> = runs.enumerate().map(|(at, text)| run(at + 1, text)).collect();
    runs.reverse();
    StackLook {
        repository: REPOSITORY.to_owned(),
        branch: "main".to_owned(),
        tracked: (!tracked.is_empty()).then(|| commit(tracked)),
        runs,
        ..StackLook::default()
    }
}

fn wanted(text: &str) -> WantedCommit {
    let (place, text) = text.split_once(':').unwrap_or((REPOSITORY, text));
    let (branch, repository) = match place {
        "follow" => ("main", REPOSITORY),
        "branch" => ("release", REPOSITORY),
        place => ("main", place),
    };
    WantedCommit {
        repository: repository.to_owned(),
        branch: branch.to_owned(),
        commit: commit(text),
        follow: place == "follow",
    }
}

fn automatic() -> Vec<String> {
    vec!["policy".to_owned(), "upstream".to_owned()]
}

fn chosen(look: &StackLook, wants: &str) -> String {
    let wants: Vec<WantedCommit> = wants.split_whitespace().map(wanted).collect();
    let chosen = choose(look, &wants, &automatic());
    let sha = chosen
        .sha
        .map_or("none".to_owned(), |sha| sha.as_str()[..1].to_owned());
    let why = match chosen.why {
        ChosenBecause::Root => "root".to_owned(),
        ChosenBecause::Tracked => "tracked".to_owned(),
        ChosenBecause::NewestRun => "newest".to_owned(),
        ChosenBecause::Pinned { run } => format!("pinned by {run}"),
        ChosenBecause::Followed => "followed".to_owned(),
        ChosenBecause::Label => "label".to_owned(),
        ChosenBecause::Gone { .. } => "gone".to_owned(),
    };
    format!("{sha} {why}")
}

/// What the stack tracks, its runs, what the causes need, and the resulting commit.
#[track_caller]
fn check_commit(tracked: &str, runs: &str, wants: &str, expected: &str) {
    assert_eq!(
        chosen(&look(tracked, runs), wants),
        expected,
        "{tracked} | {runs} | {wants}"
    );
}

#[test]
fn the_newest_commit_is_run() {
    check_commit("1", "", "2", "2 root");
    check_commit("2", "", "1", "2 tracked");
    check_commit("1", "us 3", "2", "3 newest");
    check_commit("1", "us 3; us 2", "1", "2 newest");
    check_commit("1", "", "2 3", "3 root");
    check_commit("1", "", "", "1 tracked");
    check_commit("", "", "", "none tracked");
    // If the root's commit is also the tracked one, the reason is the root.
    check_commit("2", "us 2", "2", "2 root");
}

#[test]
fn other_repositories_and_branches_are_never_compared() {
    check_commit("1", "", "acme/app:9", "1 tracked");
    check_commit("1", "", "branch:9", "1 tracked");
    check_commit("1", "us 9 FINISHED elsewhere", "2", "2 root");
}

#[test]
fn pushes_order_commits_if_all_are_known_and_times_otherwise() {
    // The commit that was pushed later has the earlier time.
    check_commit("2@1", "push 1@5; push 2@1", "1@5", "2 tracked");
    check_commit("2@1", "push 1@5; push 2@1", "3@3", "3 root");
    check_commit("1@5", "push 2@1; push 1@5", "2@1", "1 tracked");
    // The push of the third is unknown, so times decide for all of them.
    check_commit("2@1", "push 1@5; push 2@1", "1@5 3@3", "1 root");
    check_commit("1?", "", "2", "2 root");
    check_commit("2", "", "1?", "2 tracked");
    check_commit("1?", "", "2?", "1 tracked");
    // The tracked commit wins a tie.
    check_commit("1@5", "", "2@5", "1 tracked");
}

#[test]
fn the_push_of_a_root_can_come_from_its_own_run() {
    let mut wants = wanted("3@1");
    let push = |at_s| Push {
        at_s,
        run: "R".parse().unwrap(),
    };
    wants.commit.push = Some(push(500));
    let chosen = choose(&look("2@9", "push 2@9"), &[wants.clone()], &automatic());
    assert_eq!(
        chosen.why,
        ChosenBecause::Root,
        "it was pushed later, though its time is earlier"
    );
    wants.commit.push = Some(push(50));
    let chosen = choose(&look("2@9", "push 2@9"), &[wants], &automatic());
    assert_eq!(chosen.why, ChosenBecause::Tracked);
}

/// What a stack would run instead of the commit of its plan, whose root ran commit 2.
#[test]
fn a_planned_commit_can_be_another_one_by_now() {
    let planned = |tracked: &str, root: Option<&str>| {
        let mut account = stacks("root; a: root");
        for stack in &mut account {
            stack.tracked_commit = Some(commit(tracked).sha);
            stack.repository = REPOSITORY.to_owned();
        }
        let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
        let root = root.map(commit);
        let root = chain::Root {
            commit: root.as_ref().map(|commit| commit.sha.clone()),
            commit_timestamp_s: root.and_then(|commit| commit.timestamp_s),
            ..chain::Root::requested("acme".parse().unwrap(), "root".parse().unwrap(), "main")
        };
        chain::plan(&graph, &root, &chain::ChainSettings::default()).unwrap()
    };
    for (root, tracked, runs, expected) in [
        (Some("2"), "1", "", None),
        (Some("2"), "2", "", None),
        (
            Some("2"),
            "3",
            "",
            Some("3333333 (the commit that the stack tracks)"),
        ),
        (
            Some("2"),
            "1",
            "us 3",
            Some("3333333 (the commit of the stack's newest run)"),
        ),
        (
            Some("2"),
            "2",
            "push 1; push 2; bob 1",
            Some("1111111 (pinned by the rollback in run R3)"),
        ),
        (None, "1", "", None),
        (
            None,
            "1",
            "us 3",
            Some("3333333 (the commit of the stack's newest run)"),
        ),
        (None, "", "", None),
    ] {
        let plan = planned("1", root);
        let stack = plan.stack(&"a".parse().unwrap()).unwrap();
        let other = chain::commit::other_than_planned(&plan, stack, &look(tracked, runs));
        let other = other.map(|chosen| chosen.to_string());
        assert_eq!(other.as_deref(), expected, "{root:?} | {tracked} | {runs}");
    }
}

#[test]
fn a_rollback_by_a_person_pins_until_a_later_push() {
    check_commit("2", "push 1; push 2; bob 1", "3", "1 pinned by R3");
    check_commit("2", "push 1; push 2; bob 1; us 1", "3", "1 pinned by R3");
    check_commit("2", "push 1; push 2; bob 1; carol 1", "3", "1 pinned by R3");
    check_commit("3", "push 1; push 2; bob 1; push 3", "2", "3 tracked");
    // A retry of the same commit, or a run of a newer one, is not a rollback.
    check_commit("2", "push 1; push 2; bob 2", "3", "3 root");
    check_commit("2", "push 1; bob 2", "3", "3 root");
    // Runs of other branches do not count.
    check_commit(
        "2",
        "push 1; push 2; bob 1; push 9 FINISHED elsewhere",
        "3",
        "1 pinned by R3",
    );
}

#[test]
fn runs_without_a_person_pin_nothing() {
    for by in ["drift", "policy", "upstream", "us"] {
        check_commit("2", &format!("push 1; push 2; {by} 1"), "3", "3 root");
    }
}

#[test]
fn a_request_can_follow_the_root_to_an_older_commit() {
    check_commit("2", "push 1; push 2", "1", "2 tracked");
    check_commit("2", "push 1; push 2", "follow:1", "1 followed");
    check_commit("1", "push 1", "follow:2", "2 followed");
    check_commit("2", "", "3 follow:1", "1 followed");
    check_commit("3", "", "follow:1 follow:2", "2 followed");
    // A rollback of the stack itself still applies.
    check_commit("2", "push 1; push 2; bob 1", "follow:2", "1 pinned by R3");
}

#[test]
fn a_label_selects_the_tracked_commit() {
    let mut stack = look("1", "push 1; push 2; bob 1");
    stack.labels.push("spillway:commit=tracked".to_owned());
    assert_eq!(chosen(&stack, "3"), "1 label");
}

#[test]
fn the_later_push_is_newer_and_otherwise_the_later_commit() {
    let pushed = |text: &str, at_s: Option<i64>| Commit {
        push: at_s.map(|at_s| Push {
            at_s,
            run: "R".parse().unwrap(),
        }),
        ..commit(text)
    };
    for (own, other, is_older) in [
        (pushed("1@9", Some(5)), pushed("2@1", Some(6)), true),
        (pushed("1@1", Some(6)), pushed("2@9", Some(5)), false),
        (pushed("1@1", Some(5)), pushed("2@9", Some(5)), false),
        (pushed("1@1", None), pushed("2@9", Some(5)), true),
        (pushed("1@9", None), pushed("2@1", None), false),
        (pushed("1?", None), pushed("2@1", None), false),
        (pushed("1@1", Some(5)), pushed("1@9", Some(6)), false),
    ] {
        assert_eq!(own.is_older_than(&other), is_older, "{own:?} {other:?}");
    }
}
