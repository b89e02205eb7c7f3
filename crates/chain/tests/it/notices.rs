//! What people are told about a chain, and when.

use chain::notice::{
    Alert, AlertKind, Delivery, Due, LATE_AFTER_MS, Milestone, News, Notice, NoticedStack, Pace, Rules, due,
};
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
    vec![stack("apps", "", text)]
}

/// A stack in a notice. `run` is empty if it has none.
fn stack(id: &str, run: &str, text: &str) -> NoticedStack {
    NoticedStack {
        stack: id.parse().unwrap(),
        run: run.parse().ok(),
        commit: None,
        text: text.to_owned(),
    }
}

fn alert(kind: AlertKind, id: &str, run: &str) -> Alert {
    Alert {
        kind,
        stack: id.parse().unwrap(),
        run: run.parse().ok(),
    }
}

fn wait(id: &str, run: &str) -> Alert {
    alert(AlertKind::WaitsForPerson, id, run)
}

fn failure(id: &str, run: &str) -> Alert {
    alert(AlertKind::Failed, id, run)
}

fn news(milestones: &[Milestone], alerts: &[Alert]) -> News {
    News {
        milestones: milestones.to_vec(),
        alerts: alerts.to_vec(),
    }
}

/// A sink with milestones only that takes everything, and what it was told.
#[derive(Default)]
struct Taker {
    delivery: Delivery,
    revision: u64,
}

impl Taker {
    /// One round so long after the start of a chain. Returns what was sent.
    fn round(&mut self, failed: &[NoticedStack], held: &[NoticedStack], elapsed_ms: i64) -> Due {
        let now_ms = START_MS + elapsed_ms;
        self.revision += 1;
        let notice = Notice {
            failed: failed.to_vec(),
            held: held.to_vec(),
            revision: self.revision,
            ..notice(ChainResult::Running)
        };
        self.delivery.forget_past_alerts(&notice);
        let due = due(Pace::Milestones, &rules(0, &[]), &notice, &self.delivery, now_ms);
        if let Due::Now(news) = &due {
            self.delivery.delivered(&notice, news.clone(), now_ms);
        }
        due
    }
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
    let now = |milestones: &[Milestone]| Due::Now(news(milestones, &[]));
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
            Due::Now(news(&[Started, Milestone::Failed], &[failure("apps", "")])),
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
            Due::Now(news(&[Held], &[wait("apps", "")])),
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
    delivery.delivered(&notice(ChainResult::Running), news(&[Milestone::Started], &[]), 0);
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

#[test]
fn a_lock_does_not_use_up_the_message_about_a_wait_for_a_person() {
    use Milestone::{Held, Started};
    const REVIEW: &str = "waits for a review";
    let lock = [stack("a", "", "is locked by alice")];
    let b = [stack("b", "01B", "waits for a confirmation")];
    let c = [stack("c", "01C", REVIEW)];
    let mut taker = Taker::default();
    let now = |milestones: &[Milestone], alerts: &[Alert]| Due::Now(news(milestones, alerts));
    assert_eq!(taker.round(&[], &lock, 0), now(&[Started, Held], &[]));
    assert_eq!(taker.round(&[], &[], 1), Due::Nothing);
    assert_eq!(taker.round(&[], &b, 2), now(&[], &[wait("b", "01B")]));
    assert_eq!(taker.round(&[], &b, 3), Due::Nothing, "it still waits");
    assert_eq!(taker.round(&[], &lock, 4), Due::Nothing, "a lock is told once");
    assert_eq!(taker.round(&[], &c, 60_000), now(&[], &[wait("c", "01C")]));
    // The run of a retry waits again.
    let again = [stack("b", "02B", "waits for a confirmation")];
    assert_eq!(taker.round(&[], &again, 120_000), now(&[], &[wait("b", "02B")]));
}

#[test]
fn each_failure_is_told_and_hundreds_of_failures_send_few_messages() {
    use Milestone::{Failed, Started};
    let mut taker = Taker::default();
    let first = [stack("a", "01A", "failed")];
    let told = Due::Now(news(&[Started, Failed], &[failure("a", "01A")]));
    assert_eq!(taker.round(&first, &[], 0), told);
    // A person retries it, and it fails again.
    assert_eq!(taker.round(&[], &[], 20_000), Due::Nothing);
    let again = [stack("a", "02A", "failed")];
    let told = Due::Now(news(&[], &[failure("a", "02A")]));
    assert_eq!(taker.round(&again, &[], 30_000), told);

    let mut taker = Taker::default();
    let (mut failed, mut waiting, mut messages) = (Vec::new(), Vec::new(), 0);
    for second in 0..600 {
        // Another stack fails and another run waits each second. A notice names the first ten.
        failed.push(stack(&format!("f{second}"), "01F", "failed"));
        waiting.push(stack(&format!("w{second}"), "01W", "waits for a review"));
        failed.truncate(10);
        waiting.drain(..waiting.len().saturating_sub(10));
        let due = taker.round(&failed, &waiting, second * 1_000);
        messages += usize::from(matches!(due, Due::Now(_)));
    }
    assert_eq!(messages, 6);
    assert!(taker.delivery.alerts.len() <= 20, "what is over is forgotten");
    assert!(matches!(taker.round(&failed, &[], 1_000_000), Due::Nothing));
}
