//! Dependencies written as labels of a stack: `dependsOn:a`, `depends-on:a,b`, `dependsOn:a|state:FINISHED`.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StackId;
use crate::id::IdError;

/// The one condition that a label may name: a dependency is done when its run has finished.
const FINISHED: &str = "state:FINISHED";

/// Which labels are dependencies: those that begin with one of the prefixes and a colon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schemars(with = "Vec<String>")]
pub struct LabelGrammar {
    prefixes: Vec<String>,
}

/// Why a text cannot be a prefix of labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    #[error("there is no label prefix, so no stack would depend on any")]
    NoPrefix,
    #[error("the label prefix {prefix:?} is not made of letters, digits, `-`, `_`, `.` and `/`")]
    Prefix { prefix: String },
}

impl Default for LabelGrammar {
    fn default() -> Self {
        Self {
            prefixes: vec!["dependsOn".to_owned(), "depends-on".to_owned()],
        }
    }
}

impl LabelGrammar {
    pub fn new(prefixes: Vec<String>) -> Result<Self, GrammarError> {
        if prefixes.is_empty() {
            return Err(GrammarError::NoPrefix);
        }
        let allowed = |c: char| c.is_alphanumeric() || "-_./".contains(c);
        match prefixes
            .iter()
            .find(|prefix| significant(prefix).is_empty() || !prefix.chars().all(allowed))
        {
            Some(prefix) => Err(GrammarError::Prefix {
                prefix: prefix.clone(),
            }),
            None => Ok(Self { prefixes }),
        }
    }

    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    /// What follows the prefix and the colon, if `label` begins so.
    fn targets<'a>(&self, label: &'a str) -> Option<&'a str> {
        self.prefixes
            .iter()
            .find_map(|prefix| label.strip_prefix(prefix.as_str())?.strip_prefix(':'))
    }

    /// Whether someone who wrote `label` most likely meant a dependency: a prefix in other letter case, with
    /// other separators, with spaces, or without its colon.
    fn is_meant_by(&self, label: &str) -> bool {
        let head = label.split([':', '=', '|', ',']).next().unwrap_or_default();
        let first_word = head.split_whitespace().next().unwrap_or_default();
        self.prefixes
            .iter()
            .map(|prefix| significant(prefix))
            .any(|prefix| significant(head) == prefix || significant(first_word) == prefix)
    }
}

/// The letters and digits of a prefix, without regard to case.
fn significant(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A list of prefixes with commas between them.
impl FromStr for LabelGrammar {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        Self::new(text.split(',').map(|prefix| prefix.trim().to_owned()).collect())
    }
}

impl TryFrom<Vec<String>> for LabelGrammar {
    type Error = GrammarError;

    fn try_from(prefixes: Vec<String>) -> Result<Self, GrammarError> {
        Self::new(prefixes)
    }
}

impl From<LabelGrammar> for Vec<String> {
    fn from(grammar: LabelGrammar) -> Self {
        grammar.prefixes
    }
}

/// A label that looks like a dependency and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label `{label}`: {kind}")]
pub struct LabelError {
    pub label: String,
    pub kind: LabelErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelErrorKind {
    #[error("it looks like a dependency, which is written `{prefix}:<stack id>`")]
    Prefix { prefix: String },
    #[error("a stack id is missing")]
    NoStack,
    #[error(transparent)]
    Stack(#[from] IdError),
    #[error("only `|state:FINISHED` may follow a stack id, not `|{condition}`")]
    Condition { condition: String },
}

/// The stacks that `label` names as dependencies, in its order; `None` if it is another kind of label.
pub fn parse(label: &str, grammar: &LabelGrammar) -> Result<Option<Vec<StackId>>, LabelError> {
    let trimmed = label.trim();
    let unreadable = |kind| LabelError {
        label: label.to_owned(),
        kind,
    };
    let Some(targets) = grammar.targets(trimmed) else {
        if !grammar.is_meant_by(trimmed) {
            return Ok(None);
        }
        let prefix = grammar.prefixes.first().cloned().unwrap_or_default();
        return Err(unreadable(LabelErrorKind::Prefix { prefix }));
    };
    let stacks: Result<Vec<_>, _> = targets.split(',').map(target).collect();
    stacks.map(Some).map_err(unreadable)
}

/// One item of the list: a stack id, and perhaps the condition.
fn target(item: &str) -> Result<StackId, LabelErrorKind> {
    let (stack, condition) = match item.split_once('|') {
        Some((stack, condition)) => (stack, Some(condition.trim())),
        None => (item, None),
    };
    if stack.trim().is_empty() {
        return Err(LabelErrorKind::NoStack);
    }
    if let Some(condition) = condition.filter(|condition| *condition != FINISHED) {
        return Err(LabelErrorKind::Condition {
            condition: condition.to_owned(),
        });
    }
    Ok(StackId::from_str(stack.trim())?)
}
