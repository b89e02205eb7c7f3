//! What a stack of a chain did when: the bars of the waterfall.

use chain::{ChainRecord, ChainStack, RunState, StackProgress, StackState};
use spacelift::Run;

/// What a stack does, or what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Upstream,
    /// Everything upstream is over: it waits for a lock, a slot or a window.
    Held,
    Queued,
    Planning,
    Person,
    Applying,
    /// It runs, and its phases are not known.
    Running,
}

impl Phase {
    pub(crate) const ALL: [Self; 7] = [
        Self::Upstream,
        Self::Held,
        Self::Queued,
        Self::Planning,
        Self::Person,
        Self::Applying,
        Self::Running,
    ];

    /// Its name in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Person => "person",
            Self::Applying => "applying",
            Self::Running => "in-run",
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Upstream => "waiting for upstream",
            Self::Held => "waiting for a lock, slot or window",
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Person => "waiting for a person",
            Self::Applying => "applying",
            Self::Running => "running",
        }
    }

    /// The phase of a run in a state; `None` where it is over.
    fn of(state: &RunState) -> Option<Self> {
        match state {
            RunState::Queued | RunState::Ready | RunState::Pending | RunState::None => Some(Self::Queued),
            RunState::Preparing
            | RunState::Initializing
            | RunState::Planning
            | RunState::PreparingReplan
            | RunState::ReplanRequested => Some(Self::Planning),
            RunState::Unconfirmed | RunState::PendingReview => Some(Self::Person),
            RunState::Confirmed
            | RunState::PreparingApply
            | RunState::Applying
            | RunState::Performing
            | RunState::Destroying => Some(Self::Applying),
            RunState::Unknown(_) => Some(Self::Running),
            state if state.is_terminal() => None,
            _ => Some(Self::Running),
        }
    }
}

/// A phase, from when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) phase: Phase,
    pub(crate) from_ms: i64,
    pub(crate) until_ms: i64,
}

/// The beginning of a chain: when its root ended, or when the first of its stacks began.
pub(crate) fn beginning_ms(record: &ChainRecord) -> Option<i64> {
    let root = record.chain().root.ended_at_s.map(|s| s.saturating_mul(1000));
    let first = record
        .progress()
        .iter()
        .filter_map(|stack| stack.started_at_ms)
        .min();
    match (root, first) {
        (Some(root), Some(first)) => Some(root.min(first)),
        (root, first) => root.or(first),
    }
}

/// The last moment at which something happened.
pub(crate) fn last_ms(record: &ChainRecord) -> Option<i64> {
    let moments = record
        .progress()
        .iter()
        .flat_map(|stack| [stack.started_at_ms, stack.finished_at_ms]);
    moments.flatten().max()
}

/// The phases of one stack, in order and without overlaps.
pub(crate) fn phases(
    record: &ChainRecord,
    stack: &ChainStack,
    progress: &StackProgress,
    run: Option<&Run>,
    begin_ms: i64,
    now_ms: i64,
) -> Vec<Span> {
    let mut spans = Spans::default();
    if progress.state == StackState::Skipped && progress.started_at_ms.is_none() {
        return spans.0;
    }
    let ended = progress.finished_at_ms.unwrap_or(now_ms);
    let began = progress.started_at_ms.unwrap_or(ended).max(begin_ms);
    let upstream = stack.upstream.iter().chain(&stack.native_upstream);
    let free = upstream
        .filter_map(|id| record.stack(id))
        .map(|other| {
            if other.state.is_over() {
                other.finished_at_ms.unwrap_or(begin_ms)
            } else {
                now_ms
            }
        })
        .max()
        .unwrap_or(begin_ms)
        .clamp(begin_ms, began);
    spans.add(Phase::Upstream, begin_ms, free);
    spans.add(Phase::Held, free, began);
    if progress.started_at_ms.is_none() {
        return spans.0;
    }
    match run {
        Some(run) if !run.history.is_empty() => in_run(&mut spans, run, began, ended),
        _ => spans.add(Phase::Running, began, ended),
    }
    spans.0
}

fn in_run(spans: &mut Spans, run: &Run, began_ms: i64, ended_ms: i64) {
    let mut history: Vec<_> = run.history.iter().collect();
    history.sort_by_key(|transition| (transition.timestamp, transition.state_version));
    let mut at_ms = began_ms;
    for (place, transition) in history.iter().enumerate() {
        let Some(phase) = Phase::of(&transition.state) else {
            continue;
        };
        let until = history
            .get(place + 1)
            .map_or(ended_ms, |next| next.timestamp.saturating_mul(1000));
        let until_ms = until.clamp(at_ms, ended_ms.max(at_ms));
        spans.add(phase, at_ms, until_ms);
        at_ms = until_ms;
    }
}

#[derive(Default)]
struct Spans(Vec<Span>);

impl Spans {
    fn add(&mut self, phase: Phase, from_ms: i64, until_ms: i64) {
        if until_ms <= from_ms {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.phase == phase && last.until_ms == from_ms => last.until_ms = until_ms,
            _ => self.0.push(Span {
                phase,
                from_ms,
                until_ms,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use chain::{RunId, RunType};
    use spacelift::{Commit, Transition};

    use super::*;
    use crate::example;

    /// A run that came into these states at these seconds.
    fn run(history: &[(RunState, i64)]) -> Run {
        Run {
            id: "run".parse::<RunId>().unwrap(),
            run_type: RunType::Tracked,
            state: RunState::None,
            branch: "main".to_owned(),
            commit: Commit {
                sha: None,
                message: String::new(),
                author: None,
                timestamp: None,
                url: None,
            },
            triggered_by: None,
            created_at: 0,
            updated_at: 0,
            drift_detection: false,
            finished: false,
            needs_approval: false,
            delta: None,
            history: history
                .iter()
                .enumerate()
                .rev()
                .map(|(version, (state, timestamp))| Transition {
                    state: state.clone(),
                    state_version: i64::try_from(version).unwrap(),
                    timestamp: *timestamp,
                    username: None,
                    note: None,
                })
                .collect(),
        }
    }

    #[track_caller]
    fn check(record: &ChainRecord, stack: &str, run: Option<&Run>, now_s: i64, expected: &str) {
        let id = stack.parse().unwrap();
        let planned = record.chain().stack(&id).unwrap();
        let spans = phases(record, planned, record.stack(&id).unwrap(), run, 0, now_s * 1000);
        let told: Vec<String> = spans
            .iter()
            .map(|span| {
                format!(
                    "{} {}-{}",
                    span.phase.class(),
                    span.from_ms / 1000,
                    span.until_ms / 1000
                )
            })
            .collect();
        assert_eq!(told.join(", "), expected);
    }

    #[test]
    fn the_phases_of_a_run_follow_those_before_it() {
        let mut record = example::record("a; b: a");
        example::began(&mut record, "a", 2);
        check(&record, "a", None, 5, "held 0-2, in-run 2-5");
        check(&record, "b", None, 5, "upstream 0-5");
        example::succeeded(&mut record, "a", 10);
        check(&record, "b", None, 12, "upstream 0-10, held 10-12");
        example::began(&mut record, "b", 13);
        let states = [
            (RunState::Queued, 13),
            (RunState::Preparing, 15),
            (RunState::Planning, 16),
            (RunState::Unconfirmed, 20),
            (RunState::Confirmed, 50),
            (RunState::Applying, 51),
            (RunState::Finished, 60),
        ];
        let before = "upstream 0-10, held 10-13, queued 13-15, planning 15-20";
        check(
            &record,
            "b",
            Some(&run(&states[..4])),
            30,
            &format!("{before}, person 20-30"),
        );
        example::succeeded(&mut record, "b", 60);
        check(
            &record,
            "b",
            Some(&run(&states)),
            90,
            &format!("{before}, person 20-50, applying 50-60"),
        );
    }

    #[test]
    fn a_run_that_was_there_before_the_chain_begins_with_it() {
        let mut record = example::record("a");
        example::began(&mut record, "a", 1);
        let found = run(&[
            (RunState::Queued, -20),
            (RunState::Planning, -10),
            (RunState::Applying, 4),
        ]);
        check(
            &record,
            "a",
            Some(&found),
            6,
            "held 0-1, planning 1-4, applying 4-6",
        );
    }

    #[test]
    fn what_is_skipped_does_nothing() {
        let mut record = example::record("a; b: a");
        example::failed(&mut record, "a", 3);
        example::skipped(&mut record, "b", "upstream_failed", 3);
        check(&record, "b", None, 9, "");
    }
}
