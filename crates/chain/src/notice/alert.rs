//! The stacks that a person should look at.

use serde::{Deserialize, Serialize};

use super::{Notice, NoticedStack};
use crate::attempt::is_wait_for_person;
use crate::{RunId, StackId};

/// A stack that failed, or whose run waits for a person. A sink is told once of each, as long as the notice names it.
///
/// Holds, such as a lock, can end by themselves and are no alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub kind: AlertKind,
    pub stack: StackId,
    #[serde(default)]
    pub run: Option<RunId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    Failed,
    WaitsForPerson,
}

impl Alert {
    /// The alerts of a notice, each with what the notice says about its stack.
    pub fn all(notice: &Notice) -> impl Iterator<Item = (Self, &NoticedStack)> {
        let waits = notice.held.iter().filter(|stack| is_wait_for_person(&stack.text));
        let waits = waits.map(|stack| (AlertKind::WaitsForPerson, stack));
        let failed = notice.failed.iter().map(|stack| (AlertKind::Failed, stack));
        failed.chain(waits).map(|(kind, stack)| {
            let alert = Self {
                kind,
                stack: stack.stack.clone(),
                run: stack.run.clone(),
            };
            (alert, stack)
        })
    }
}
