//! What people are told about a chain, and when.

use chain::notice::{Delivery, Due, LATE_AFTER_MS, Milestone, Notice, NoticedStack, Pace, Rules, due};
use chain::record::StackChange;
use chain::{ChainId, ChainRecord, ChainResult, Change, Counts, Outcome, Reason, ReasonCode, Root};

use crate::account::{chain, id};

const START_MS: i64 = 1_000_000;
const QUIET_MS: i64 = 120_000;

fn notice(result: ChainResult) -> Notice {
    Notice {
        chain: ChainId::of_workflow("chain:acme:01ROOT"),
        root: Root::requested("acme".parse().unwrap(), "network".parse().unwrap(), "main"),
        repository: None,
        by: None,
        result,
        reason: None,
        counts: Counts::default(),
        failed: Vec::new(),
        held: Vec::new(),
        started_at_ms: START_MS,
        ended_at_ms: result.is_over().then_some(START_MS + 1),
        at_ms: START_MS,
        revision: 1,
    }
}

fn named(text: &str) -> Vec<NoticedStack> {
    vec![NoticedStack {
        stack: "apps".parse().unwrap(),
        run: None,
        commit: None,
        text: text.to_owned(),
    }]
}

fn rules(quiet_for_ms: i64, results: &[ChainResult]) -> Rules {
    Rules {
        quiet_for_ms,
        results: results.to_vec(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row for each case")]
fn each_rule_decides_when_a_sink_gets_a_notice() {
    use ChainResult::{Failed, Refused, Running, Succeeded};
    use Milestone::{Ended, Held, Started};
    let failing = Notice {
        failed: named("exit status 1"),
        ..notice(Running)
    };
    let held = Notice {
        held: named("waits for a confirmation"),
        ..notice(Running)
    };
    let has_message = Delivery {
        revision: Some(0),
        announced: vec![Started],
        handle: Some("C1/1.2".to_owned()),
        ..Delivery::default()
    };
    let has_all = Delivery {
        revision: Some(1),
        ..has_message.clone()
    };
    let to_rest = Delivery {
        not_before_ms: Some(START_MS + 9_000),
        failures: 1,
        ..Delivery::default()
    };
    let rested = Delivery {
        not_before_ms: Some(START_MS + 10),
        ..has_message.clone()
    };
    let has_start = Delivery {
        revision: Some(0),
        announced: vec![Started],
        ..Delivery::default()
    };
    let now = |milestones: &[Milestone]| Due::Now {
        milestones: milestones.to_vec(),
    };
    let fresh = Delivery::default();
    let cases = [
        (
            "the first word",
            Pace::Live,
            rules(0, &[]),
            notice(Running),
            &fresh,
            now(&[Started]),
        ),
        (
            "a young chain is not spoken of",
            Pace::Live,
            rules(QUIET_MS, &[]),
            notice(Running),
            &fresh,
            Due::At(START_MS + QUIET_MS),
        ),
        (
            "unless something failed",
            Pace::Live,
            rules(QUIET_MS, &[]),
            failing.clone(),
            &fresh,
            now(&[Started, Milestone::Failed]),
        ),
        (
            "nor is one that was short",
            Pace::Live,
            rules(QUIET_MS, &[]),
            notice(Succeeded),
            &fresh,
            Due::Nothing,
        ),
        (
            "unless it ended in another way",
            Pace::Live,
            rules(QUIET_MS, &[]),
            notice(Refused),
            &fresh,
            now(&[Started, Ended]),
        ),
        (
            "or after a longer time",
            Pace::Live,
            rules(QUIET_MS, &[]),
            Notice {
                ended_at_ms: Some(START_MS + QUIET_MS),
                ..notice(Succeeded)
            },
            &fresh,
            now(&[Started, Ended]),
        ),
        (
            "and if it was spoken of, its end is told",
            Pace::Live,
            rules(QUIET_MS, &[]),
            notice(Succeeded),
            &has_message,
            now(&[Ended]),
        ),
        (
            "a live message is kept up to date",
            Pace::Live,
            rules(0, &[]),
            notice(Running),
            &has_message,
            now(&[]),
        ),
        (
            "what is known is not sent again",
            Pace::Live,
            rules(0, &[]),
            notice(Running),
            &has_all,
            Due::Nothing,
        ),
        (
            "progress is no milestone",
            Pace::Milestones,
            rules(0, &[]),
            notice(Running),
            &has_start,
            Due::Nothing,
        ),
        (
            "a wait for a person is one",
            Pace::Milestones,
            rules(0, &[]),
            held,
            &has_start,
            now(&[Held]),
        ),
        (
            "the end is one",
            Pace::Milestones,
            rules(0, &[]),
            notice(Failed),
            &has_start,
            now(&[Ended]),
        ),
        (
            "failures alone: nothing while it runs",
            Pace::Live,
            rules(0, &[Failed]),
            notice(Running),
            &fresh,
            Due::Nothing,
        ),
        (
            "failures alone: the end",
            Pace::Live,
            rules(0, &[Failed]),
            notice(Failed),
            &fresh,
            now(&[Started, Ended]),
        ),
        (
            "an existing message is updated to the end",
            Pace::Live,
            rules(0, &[Failed]),
            notice(Succeeded),
            &has_message,
            now(&[Ended]),
        ),
        (
            "a sink that failed is given time",
            Pace::Live,
            rules(0, &[]),
            notice(Succeeded),
            &to_rest,
            Due::At(START_MS + 9_000),
        ),
        (
            "and gets the notice once its time has passed",
            Pace::Live,
            rules(0, &[]),
            notice(Succeeded),
            &rested,
            now(&[Ended]),
        ),
    ];
    for (what, pace, rules, notice, delivery, expected) in cases {
        assert_eq!(
            due(pace, &rules, &notice, delivery, START_MS + 10),
            expected,
            "{what}"
        );
    }
}

#[test]
fn pauses_grow_and_the_sink_can_ask_for_longer_ones() {
    let mut delivery = Delivery::default();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        delivery.failed("no answer".to_owned(), None, 0);
        pauses.push(delivery.not_before_ms.unwrap() / 1000);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    delivery.failed("too many".to_owned(), Some(3_600_000), 0);
    assert_eq!(delivery.not_before_ms, Some(3_600_000));
    delivery.delivered(&notice(ChainResult::Running), vec![Milestone::Started]);
    assert_eq!(
        delivery,
        Delivery {
            revision: delivery.revision,
            announced: vec![Milestone::Started],
            ..Delivery::default()
        }
    );
}

#[test]
fn a_sink_is_late_when_it_has_failed_for_ten_minutes() {
    let mut delivery = Delivery::default();
    delivery.failed("no answer".to_owned(), None, START_MS);
    assert!(!delivery.is_late(START_MS + LATE_AFTER_MS - 1));
    delivery.failed("no answer".to_owned(), None, START_MS + LATE_AFTER_MS);
    assert!(delivery.is_late(START_MS + LATE_AFTER_MS));
}

#[test]
fn a_notice_lists_the_stacks_that_failed() {
    let mut record = ChainRecord::new(
        ChainId::of_workflow("chain:acme:01ROOT"),
        chain("vpc; a: vpc; b: vpc"),
    );
    let failed = |text: &str| Outcome::Failed {
        reason: Reason::new(ReasonCode::RunFailed, text),
    };
    for (stack, outcome) in [("a", failed("its run failed")), ("b", Outcome::Succeeded)] {
        record.apply(&Change::Stack {
            stack: id(stack),
            change: StackChange::Ended {
                outcome,
                run: None,
                commit: None,
                ended_at_s: None,
                by_hand: None,
            },
            at_ms: START_MS,
        });
    }
    let mut notice = notice(ChainResult::Running);
    assert!(notice.update(&record, START_MS + 1));
    let failed = notice
        .failed
        .iter()
        .map(|stack| (stack.stack.as_str(), stack.text.as_str()));
    assert_eq!(failed.collect::<Vec<_>>(), [("a", "its run failed")]);
    assert_eq!(notice.revision, 2);
    assert!(!notice.update(&record, START_MS + 2), "nothing changed");
}
