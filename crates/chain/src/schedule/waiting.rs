//! What waits for a person, a lock or the end of a freeze, and since when. A paused chain waits for a person too.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Schedule;
use super::cause::Standing;
use super::stack::{Phase, Stack};
use crate::attempt::HoldKind;
use crate::{ChainId, RunId, StackId};

/// Something that continues only when a person acts or a freeze ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub stack: StackId,
    pub kind: WaitingKind,
    /// The run that waits. `None` if it is not triggered yet.
    #[serde(default)]
    pub run: Option<RunId>,
    /// The chains that wait for it.
    pub chains: Vec<ChainId>,
    /// In milliseconds since 1970.
    pub since_ms: i64,
    pub text: String,
}

/// What something waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingKind {
    /// A run needs a confirmation or a review.
    Person,
    Lock,
    /// A chain needs an approval. The stack is its root.
    Approval,
    /// The loop guard holds it.
    Guard,
    Freeze,
    /// A chain is paused. The stack is its root.
    Pause,
}

impl Schedule {
    /// Everything that waits for these reasons, oldest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let stacks = self.state.stacks.iter();
        let mut waiting: Vec<Waiting> = stacks.flat_map(|(id, stack)| self.waits_of(id, stack)).collect();
        waiting.extend(self.approvals());
        waiting.extend(self.pauses());
        waiting.sort_by(|a, b| (a.since_ms, &a.stack, &a.run).cmp(&(b.since_ms, &b.stack, &b.run)));
        waiting
    }

    fn waits_of(&self, id: &StackId, stack: &Stack) -> Vec<Waiting> {
        let waiting = |kind, run: Option<&RunId>, since_ms, text: String| Waiting {
            stack: id.clone(),
            kind,
            run: run.cloned(),
            chains: self.chains_with(id, &[Standing::Due, Standing::Running]),
            since_ms,
            text,
        };
        let for_person = stack
            .runs()
            .filter(|(_, seen)| seen.phase == Phase::WaitsForPerson);
        let mut all: Vec<Waiting> = for_person
            .map(|(run, seen)| {
                let used = stack.run.as_ref().filter(|used| used.run == *run);
                let note = used.and_then(|used| used.note.as_deref());
                let since_ms = used.and_then(|used| used.waits_since_ms).unwrap_or(seen.at_ms);
                let text = format!("run {run} {}", note.unwrap_or("waits for a person"));
                waiting(WaitingKind::Person, Some(run), since_ms, text)
            })
            .collect();
        if let Some((kind, held, since_ms)) = held(stack) {
            all.push(waiting(kind, None, since_ms, held.to_owned()));
        }
        all
    }

    /// Paused chains.
    fn pauses(&self) -> impl Iterator<Item = Waiting> {
        let causes = self.state.causes.values().filter(|cause| cause.paused);
        causes.map(|cause| {
            let pause = cause.pause.as_ref();
            Waiting {
                stack: cause.root.stack.clone(),
                kind: WaitingKind::Pause,
                run: None,
                chains: vec![cause.chain.clone()],
                since_ms: pause.map_or_else(|| cause.since_s().saturating_mul(1000), |pause| pause.at_ms),
                text: pause.map_or_else(
                    || "the chain is paused".to_owned(),
                    |pause| pause.reason.text.clone(),
                ),
            }
        })
    }

    /// Chains that need an approval.
    fn approvals(&self) -> impl Iterator<Item = Waiting> {
        let causes = self.state.causes.values().filter(|cause| cause.unapproved);
        causes.map(|cause| Waiting {
            stack: cause.root.stack.clone(),
            kind: WaitingKind::Approval,
            run: None,
            chains: vec![cause.chain.clone()],
            since_ms: cause.since_s().saturating_mul(1000),
            text: format!("{} waits until a person approves it", cause.chain),
        })
    }
}

/// The hold of a stack that waits for somebody or something outside.
fn held(stack: &Stack) -> Option<(WaitingKind, &str, i64)> {
    // During another attempt the current hold is unknown, so the previous one is used.
    let (hold_kind, text, since_ms) = match (&stack.hold, &stack.held_since) {
        (Some(held), Some(since)) => (held.hold.kind, held.hold.text.as_str(), since.at_ms),
        (None, Some(since)) if stack.attempt.is_some() => (since.kind, since.text.as_str(), since.at_ms),
        _ => return None,
    };
    let kind = match hold_kind {
        HoldKind::Lock => WaitingKind::Lock,
        HoldKind::Guard => WaitingKind::Guard,
        HoldKind::Freeze => WaitingKind::Freeze,
        HoldKind::Trouble | HoldKind::Refused | HoldKind::Halt | HoldKind::Conflict | HoldKind::Retry => {
            return None;
        }
    };
    Some((kind, text, since_ms))
}

impl Waiting {
    pub fn since(&self) -> Timestamp {
        Timestamp::from_millisecond(self.since_ms).unwrap_or_default()
    }
}
