//! What follows from one look at a stack: a run is used, triggered or held.

use chain::ChainId;
use chain::attempt::{self, AttemptRequest, HoldKind, Need, StackLook, Verdict, consider};

use super::{automatic, look, wanted};
use crate::account::id;
use crate::schedule::host::account;

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
        decided_at_ms: 0,
        needs: needs.split(';').map(need).collect(),
        in_doubt: false,
        known_runs: Vec::new(),
        automatic: automatic(),
        ignore_guard: false,
        run_retries: 0,
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
fn a_run_that_serves_is_used() {
    check("1", "", "a 50", "trigger 1");
    check("1", "push 1", "a 50", "use R1 for a");
    // It began in second 101, so a later one is needed.
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
    // From then on, the commit of the rollback serves causes that need a newer one.
    check("2", "push 1; push 2; bob 1", "a 250 wants 3", "use R3 for a");
    check("2", "push 1; push 2; bob 1", "a 50 wants 3", "use R3 for a");
    check("2", "push 1; push 2; bob 1", "a 350 wants 3", "trigger 1");
    let mut labelled = look("1", "push 1");
    labelled.labels.push(" spillway: commit = tracked".to_owned());
    assert_eq!(verdict(&labelled, &request("a 50 wants 3")), "use R1 for a");
}

#[test]
fn the_run_that_serves_most_causes_is_used_and_finished_runs_first() {
    check("1", "push 1; push 1", "a 50; b 150", "use R2 for a b");
    check("1", "push 1; push 1 QUEUED", "a 50; b 150", "use R1 for a");
    check("1", "push 1; push 1 QUEUED", "b 150", "use R2 for b");
}

#[test]
fn an_unfinished_run_of_ours_is_waited_for() {
    check("1", "us 1 PLANNING", "a 500", "use R1 for");
    check("1", "us 1 QUEUED", "a 500 wants 2", "use R1 for");
    check("1", "us 1 UNCONFIRMED partial", "a 50", "use R1 for");
    check("1", "bob 1 PLANNING", "a 500", "trigger 1");
}

#[test]
fn a_run_of_an_uncertain_trigger_is_adopted() {
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
        verdict(&made, &in_doubt("a 50; b 150")),
        "use R1 for a",
        "it was made before `b` was ready: by an attempt long before, for `a` alone"
    );
    assert_eq!(
        verdict(&made, &in_doubt("a 50; b 100")),
        "use R1 for a b",
        "both were ready, and it was made for both"
    );
    assert_eq!(
        verdict(&look("1", "bob 1 FAILED"), &in_doubt("a 100")),
        "trigger 1"
    );
    assert_eq!(
        verdict(&made, &in_doubt("a 100 wants follow:1; b 100 wants 3")),
        "use R1 for a",
        "it followed an older commit than `b` needs"
    );
    let known = AttemptRequest {
        known_runs: vec!["R1".parse().unwrap()],
        ..in_doubt("a 100")
    };
    assert_eq!(verdict(&made, &known), "trigger 1");
}

#[test]
fn the_reasons_that_hold_a_stack() {
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
        "the run exists nevertheless"
    );
}

#[test]
fn a_run_from_before_a_rollback_serves_no_cause_that_needs_a_newer_commit() {
    check("2", "push 1; push 2; bob 1 FAILED", "a 50 wants 3", "trigger 1");
    check(
        "2",
        "push 1; push 2; bob 1; us 1",
        "a 350 wants 3",
        "use R4 for a",
    );
    check("2", "push 1; push 2; bob 1", "a 250 wants 3", "use R3 for a");
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
    // Automatic retries of a failed run do not count as a loop, but repeatedly failing runs do.
    let retrying = AttemptRequest {
        run_retries: 2,
        ..request("a 900")
    };
    let failed = "us 1 FAILED; us 1 FAILED; us 1 FAILED; us 1 FAILED; us 1 FAILED; us 1";
    assert_eq!(verdict(&look("1", failed), &retrying), "trigger 1");
    check("1", failed, "a 900", "hold: Guard");
    let often = ["us 1 FAILED"; 13].join(";");
    assert_eq!(verdict(&look("1", &often), &retrying), "hold: Guard");
    // An hour after the first of them.
    let lifted = consider(&look("1", five), &request("a 700"), 3_700);
    assert!(matches!(lifted, Verdict::Trigger(_)));
    let held = consider(&look("1", five), &request("a 700"), 3_699);
    assert!(matches!(held, Verdict::Hold(hold) if hold.kind == HoldKind::Guard));
}

#[test]
fn followers_need_exactly_the_commit_of_the_root() {
    check("2", "push 1; push 2", "a 50 wants follow:1", "use R1 for a");
    check("2", "push 2", "a 50 wants follow:1", "trigger 1");
    check("2", "push 1; push 2", "a 150 wants follow:1", "trigger 1");
    check(
        "2",
        "push 1; push 2",
        "a 50 wants follow:1; b 50 wants 2",
        "use R2 for b",
    );
}

#[test]
fn a_run_on_a_followed_older_commit_does_not_serve_causes_that_need_a_newer_one() {
    let made_for = |tracked: &str, needs: &str| {
        let (look, request) = (look(tracked, ""), request(needs));
        let Verdict::Trigger(chosen) = consider(&look, &request, 1_000) else {
            panic!("nothing holds it");
        };
        let chains = attempt::made_for(&look, &request, &chosen);
        let chains: Vec<&str> = chains.iter().map(ChainId::as_str).collect();
        format!("{} for {}", &chosen.sha.unwrap().as_str()[..1], chains.join(" "))
    };
    assert_eq!(made_for("1", "a 50 wants 2; b 50 wants 1; c 50"), "2 for a b c");
    assert_eq!(made_for("2", "a 50 wants follow:1; b 50 wants 2"), "1 for a");
    assert_eq!(made_for("2", "a 50 wants follow:1; b 50 wants 1"), "1 for a b");
    assert_eq!(made_for("2", "a 50 wants follow:1; b 50"), "1 for a");
    assert_eq!(
        made_for("2", "a 50 wants follow:1; b 50 wants follow:2"),
        "2 for b"
    );
}
