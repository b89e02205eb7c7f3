//! Which commit a stack runs, and what follows from one look at it.

use chain::attempt::{AttemptRequest, HoldKind, Need, RunFacts, StackLook, Verdict, consider};
use chain::commit::{ChosenBecause, Commit, Push, WantedCommit, choose};
use chain::{ChainId, CommitSha, RunState, RunType};

use super::host::account;
use crate::account::id;

const REPOSITORY: &str = "acme/infra";

/// `3` is a commit of second 3,000, `3?` one whose time is not known, and `3@9` one of second 9,000.
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
        drift_detection: by == "drift",
        created_at_s: at_s,
        changed_at_s: at_s + 50,
        partial: has("partial"),
        planned: true,
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
        "branch" => ("release", REPOSITORY),
        place => ("main", place),
    };
    WantedCommit {
        repository: repository.to_owned(),
        branch: branch.to_owned(),
        commit: commit(text),
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
        ChosenBecause::Label => "label".to_owned(),
        ChosenBecause::Gone { .. } => "gone".to_owned(),
    };
    format!("{sha} {why}")
}

/// What the stack tracks, its runs, what the causes want, and what is run.
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
    // What is the root's and tracked, too, is the root's.
    check_commit("2", "us 2", "2", "2 root");
}

#[test]
fn other_repositories_and_branches_are_never_compared() {
    check_commit("1", "", "acme/app:9", "1 tracked");
    check_commit("1", "", "branch:9", "1 tracked");
    check_commit("1", "us 9 FINISHED elsewhere", "2", "2 root");
}

#[test]
fn pushes_decide_where_all_are_known_and_times_where_not() {
    // The commit that was pushed later has the earlier time.
    check_commit("2@1", "push 1@5; push 2@1", "1@5", "2 tracked");
    check_commit("2@1", "push 1@5; push 2@1", "3@3", "3 root");
    check_commit("1@5", "push 2@1; push 1@5", "2@1", "1 tracked");
    // The push of the third is not known, so that times decide for all of them.
    check_commit("2@1", "push 1@5; push 2@1", "1@5 3@3", "1 root");
    check_commit("1?", "", "2", "2 root");
    check_commit("2", "", "1?", "2 tracked");
    check_commit("1?", "", "2?", "1 tracked");
    // A tie goes to what the stack tracks.
    check_commit("1@5", "", "2@5", "1 tracked");
}

#[test]
fn the_push_of_a_root_may_be_known_from_its_own_run() {
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

#[test]
fn a_rollback_of_a_person_pins_until_a_later_push() {
    check_commit("2", "push 1; push 2; bob 1", "3", "1 pinned by R3");
    check_commit("2", "push 1; push 2; bob 1; us 1", "3", "1 pinned by R3");
    check_commit("2", "push 1; push 2; bob 1; carol 1", "3", "1 pinned by R3");
    check_commit("3", "push 1; push 2; bob 1; push 3", "2", "3 tracked");
    // A retry of the same commit, or a run of a newer one, rolls nothing back.
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
fn what_no_person_did_pins_nothing() {
    for by in ["drift", "policy", "upstream", "us"] {
        check_commit("2", &format!("push 1; push 2; {by} 1"), "3", "3 root");
    }
}

#[test]
fn a_label_runs_what_is_tracked() {
    let mut stack = look("1", "push 1; push 2; bob 1");
    stack.labels.push("spillway:commit=tracked".to_owned());
    assert_eq!(chosen(&stack, "3"), "1 label");
}

/// `a 150` or `a 150 wants 2`: a cause, and when everything upstream had ended for it.
fn request(needs: &str) -> AttemptRequest {
    let need = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        Need {
            chain: ChainId::of_workflow(words[0]),
            ready_at_s: words[1].parse().unwrap(),
            wanted: words
                .iter()
                .position(|word| *word == "wants")
                .map(|at| wanted(words[at + 1])),
            new_since_doubt: words.contains(&"new"),
        }
    };
    AttemptRequest {
        account: account(),
        stack: id("db"),
        needs: needs.split(';').map(need).collect(),
        in_doubt: false,
        known_runs: Vec::new(),
        automatic: automatic(),
        ignore_guard: false,
    }
}

fn verdict(look: &StackLook, request: &AttemptRequest) -> String {
    match consider(look, request, 1_000) {
        Verdict::Use { run, chains } => {
            let chains: Vec<&str> = chains.iter().map(ChainId::as_str).collect();
            format!("use {} for {}", run.id, chains.join(" "))
                .trim_end()
                .to_owned()
        }
        Verdict::Trigger(chosen) => format!("trigger {}", &chosen.sha.unwrap().as_str()[..1]),
        Verdict::Hold(hold) => format!("hold: {:?}", hold.kind),
        Verdict::Disabled => "disabled".to_owned(),
    }
}

#[track_caller]
fn check(tracked: &str, runs: &str, needs: &str, expected: &str) {
    assert_eq!(
        verdict(&look(tracked, runs), &request(needs)),
        expected,
        "{tracked} | {runs} | {needs}"
    );
}

#[test]
fn what_serves_is_used() {
    check("1", "", "a 50", "trigger 1");
    check("1", "push 1", "a 50", "use R1 for a");
    // It began in second 101: a later one is needed.
    check("1", "push 1", "a 100", "use R1 for a");
    check("1", "push 1", "a 101", "trigger 1");
    check("1", "push 1 QUEUED", "a 500", "use R1 for a");
    check("1", "push 1 PLANNING", "a 50", "use R1 for a");
    check("1", "push 1 PLANNING", "a 500", "trigger 1");
    for state in ["FAILED", "CANCELED", "DISCARDED", "SKIPPED", "STOPPED"] {
        check("1", &format!("push 1 {state}"), "a 50", "trigger 1");
    }
    check("1", "push 1 FINISHED partial", "a 50", "trigger 1");
    check("1", "push 1 FINISHED proposed", "a 50", "trigger 1");
    check("1", "push 1 FINISHED elsewhere", "a 50", "trigger 1");
}

#[test]
fn a_commit_that_is_too_old_does_not_serve() {
    check("1", "push 1", "a 50 wants 2", "trigger 2");
    check("2", "bob 2", "a 50 wants 1", "use R1 for a");
    check("2", "us 1", "a 50", "trigger 2");
    check("1", "push 1", "a 50 wants acme/app:9", "use R1 for a");
    // What a person rolled back to serves causes that want newer, from then on.
    check("2", "push 1; push 2; bob 1", "a 250 wants 3", "use R3 for a");
    check("2", "push 1; push 2; bob 1", "a 50 wants 3", "use R3 for a");
    check("2", "push 1; push 2; bob 1", "a 350 wants 3", "trigger 1");
    let mut labelled = look("1", "push 1");
    labelled.labels.push("spillway:commit=tracked".to_owned());
    assert_eq!(verdict(&labelled, &request("a 50 wants 3")), "use R1 for a");
}

#[test]
fn the_run_that_serves_most_is_used_and_one_that_is_over_first() {
    check("1", "push 1; push 1", "a 50; b 150", "use R2 for a b");
    check("1", "push 1; push 1 QUEUED", "a 50; b 150", "use R1 for a");
    check("1", "push 1; push 1 QUEUED", "b 150", "use R2 for b");
}

#[test]
fn a_run_of_ours_that_is_not_over_is_waited_for() {
    check("1", "us 1 PLANNING", "a 500", "use R1 for");
    check("1", "us 1 QUEUED", "a 500 wants 2", "use R1 for");
    check("1", "us 1 UNCONFIRMED partial", "a 50", "use R1 for");
    check("1", "bob 1 PLANNING", "a 500", "trigger 1");
}

#[test]
fn what_was_made_in_doubt_is_adopted() {
    let in_doubt = |needs| AttemptRequest {
        in_doubt: true,
        ..request(needs)
    };
    let made = look("1", "us 1 FAILED");
    assert_eq!(verdict(&made, &request("a 100")), "trigger 1");
    assert_eq!(verdict(&made, &in_doubt("a 100")), "use R1 for a");
    assert_eq!(
        verdict(&made, &in_doubt("a 101")),
        "trigger 1",
        "it was made before"
    );
    assert_eq!(
        verdict(&made, &in_doubt("a 100; b 100 new")),
        "use R1 for a",
        "the attempt was not for `b`"
    );
    assert_eq!(
        verdict(&look("1", "bob 1 FAILED"), &in_doubt("a 100")),
        "trigger 1"
    );
    let known = AttemptRequest {
        known_runs: vec!["R1".parse().unwrap()],
        ..in_doubt("a 100")
    };
    assert_eq!(verdict(&made, &known), "trigger 1");
}

#[test]
fn what_holds_a_stack() {
    let mut stack = look("1", "");
    stack.locked_by = Some("alice".to_owned());
    assert_eq!(verdict(&stack, &request("a 50")), "hold: Lock");
    let mut serving = look("1", "push 1");
    serving.locked_by = Some("alice".to_owned());
    assert_eq!(
        verdict(&serving, &request("a 50")),
        "use R1 for a",
        "a lock does not undo a run"
    );
    stack.disabled = true;
    assert_eq!(verdict(&stack, &request("a 50")), "disabled");
    serving.disabled = true;
    assert_eq!(
        verdict(&serving, &request("a 50")),
        "use R1 for a",
        "it is there all the same"
    );
}

#[test]
fn the_sixth_run_of_a_commit_within_an_hour_is_held() {
    let five = "us 1; us 1; us 1; us 1; us 1";
    check("1", five, "a 700", "hold: Guard");
    check(
        "1",
        "us 1; us 1; us 1; us 1; bob 1; push 1; drift 1",
        "a 900",
        "trigger 1",
    );
    check("2", five, "a 700", "trigger 2");
    let ignored = AttemptRequest {
        ignore_guard: true,
        ..request("a 700")
    };
    assert_eq!(verdict(&look("1", five), &ignored), "trigger 1");
    // An hour after the first of them.
    let lifted = consider(&look("1", five), &request("a 700"), 3_700);
    assert!(matches!(lifted, Verdict::Trigger(_)));
    let held = consider(&look("1", five), &request("a 700"), 3_699);
    assert!(matches!(held, Verdict::Hold(hold) if hold.kind == HoldKind::Guard));
}
