//! What a line of the log says, and what it is about.

use chain::attempt::{Hold, HoldKind};
use chain::commit::ChosenBecause;
use chain::record::{Outcome, StackChange};
use chain::schedule::Decision;
use chain::{ChainId, Change, CommitSha, RunId, StackId};

use crate::account::id;

fn chain_id() -> ChainId {
    ChainId::of_workflow("chain-1")
}

fn stack() -> StackId {
    id("db")
}

fn changed() -> Change {
    Change::Stack {
        stack: stack(),
        change: StackChange::Ended {
            outcome: Outcome::Succeeded,
            run: None,
            commit: None,
            ended_at_s: None,
            by_hand: None,
        },
        at_ms: 7,
    }
}

/// Each decision, whether it is about the chain, the stack and the run, and its line.
#[expect(clippy::too_many_lines, reason = "one row for each decision")]
fn decisions() -> Vec<(Decision, &'static str, &'static str)> {
    let run = || "01R".parse().unwrap();
    let alice = || "alice".to_owned();
    let reason = || Some("incident 7".to_owned());
    vec![
        (
            Decision::Cause {
                chain: chain_id(),
                stack: stack(),
                run: Some(run()),
            },
            "chain stack run",
            "`db` is the root of chain-1",
        ),
        (
            Decision::NothingToDo {
                chain: chain_id(),
                stack: stack(),
            },
            "chain stack",
            "Nothing depends on `db`",
        ),
        (
            Decision::Planned {
                chain: chain_id(),
                stacks: 3,
            },
            "chain",
            "chain-1 has 3 stacks",
        ),
        (
            Decision::Attempt {
                stack: stack(),
                chains: vec![chain_id()],
            },
            "stack",
            "Trying `db` for 1 chains",
        ),
        (
            Decision::Triggered {
                stack: stack(),
                run: run(),
                made: true,
                chains: vec![chain_id()],
                commit: Some(CommitSha::new("abcdef0123").unwrap()),
                why: Some(ChosenBecause::Tracked),
            },
            "stack run",
            "Triggered run 01R of `db` on abcdef0: the commit that the stack tracks",
        ),
        (
            Decision::Triggered {
                stack: stack(),
                run: run(),
                made: false,
                chains: vec![chain_id()],
                commit: None,
                why: None,
            },
            "stack run",
            "Found run 01R of `db`",
        ),
        (
            Decision::Held {
                stack: stack(),
                hold: Hold::new(HoldKind::Lock, "the stack is locked by alice".to_owned()),
            },
            "stack",
            "`db` waits: the stack is locked by alice",
        ),
        (
            Decision::Changed {
                chain: chain_id(),
                change: changed(),
            },
            "chain stack",
            "chain-1: `db` succeeded",
        ),
        (
            Decision::Late {
                stack: stack(),
                run: run(),
            },
            "stack run",
            "Run 01R of `db` applies, and takes longer than it may",
        ),
        (
            Decision::DoneByHand {
                stack: stack(),
                by: alice(),
                reason: reason(),
            },
            "stack",
            "`db` counts as served, says alice: incident 7",
        ),
        (
            Decision::Halted {
                by: alice(),
                reason: reason(),
            },
            "",
            "Nothing is triggered: halted by alice: incident 7",
        ),
        (
            Decision::AttemptFound { stack: stack() },
            "stack",
            "An attempt at `db` was under way and not known: it is waited for",
        ),
        (
            Decision::Quarantined {
                chain: chain_id(),
                why: "its stacks wait for each other".to_owned(),
            },
            "chain",
            "chain-1 cannot go on: its stacks wait for each other",
        ),
    ]
}

#[test]
fn each_decision_says_in_one_line_what_it_is_about() {
    for (decision, about, line) in decisions() {
        assert_eq!(decision.to_string(), line);
        let has = |word: &str| about.split(' ').any(|known| known == word);
        assert_eq!(decision.chain(), has("chain").then(chain_id).as_ref(), "{line}");
        assert_eq!(decision.stack(), has("stack").then(stack).as_ref(), "{line}");
        let run = has("run").then_some("01R");
        assert_eq!(decision.run().map(RunId::as_str), run, "{line}");
    }
}
