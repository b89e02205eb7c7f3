//! Which stacks a freeze covers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pattern::fits;
use crate::{SpaceId, StackFacts, StackId};

/// Patterns of stacks, spaces and labels, in which `*` matches any text. A stack is covered if any pattern matches.
/// Without patterns, every stack is covered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    #[serde(default)]
    pub stacks: Vec<String>,
    #[serde(default)]
    pub spaces: Vec<String>,
    #[serde(default)]
    pub labels: Vec<String>,
}

/// What decides whether a stack is covered.
#[derive(Debug, Clone, Copy)]
pub struct Covered<'a> {
    pub id: &'a StackId,
    pub space: Option<&'a SpaceId>,
    pub labels: &'a [String],
}

impl<'a> Covered<'a> {
    pub fn of(facts: &'a StackFacts) -> Self {
        Self {
            id: &facts.id,
            space: facts.space.as_ref(),
            labels: &facts.labels,
        }
    }
}

impl Coverage {
    pub fn covers(&self, stack: &Covered<'_>) -> bool {
        let fits = |patterns: &[String], text: &str| patterns.iter().any(|pattern| fits(pattern, text));
        self.is_everything()
            || fits(&self.stacks, stack.id.as_str())
            || stack
                .space
                .is_some_and(|space| fits(&self.spaces, space.as_str()))
            || stack.labels.iter().any(|label| fits(&self.labels, label))
    }

    fn is_everything(&self) -> bool {
        self.stacks.is_empty() && self.spaces.is_empty() && self.labels.is_empty()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("every stack");
        }
        let named = [
            ("stacks", &self.stacks),
            ("spaces", &self.spaces),
            ("labels", &self.labels),
        ];
        let named = named.iter().filter(|(_, patterns)| !patterns.is_empty());
        let named: Vec<String> = named
            .map(|(kind, patterns)| format!("{kind} {}", patterns.join(", ")))
            .collect();
        f.write_str(&named.join("; "))
    }
}
