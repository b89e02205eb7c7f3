//! Dependencies written as labels of a stack: `dependsOn:a`, `depends-on:a,b`, `dependsOn:a|state:FINISHED`.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::IdError;
use crate::{StackId, StackPolicy};

/// The only condition that a label can name: a dependency is done when its run has finished.
const FINISHED: &str = "state:FINISHED";

/// The prefixes of dependency labels. A colon follows the prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schemars(with = "Vec<String>")]
pub struct LabelGrammar {
    prefixes: Vec<String>,
}

/// Why a text cannot be a label prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    #[error("there is no label prefix, so no stack would have dependencies")]
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

    /// The prefix of `label` and the text after the colon. `None` if it has none of the prefixes.
    fn split<'a>(&'a self, label: &'a str) -> Option<(&'a str, &'a str)> {
        let split = |prefix: &'a String| Some((prefix.as_str(), label.strip_prefix(prefix.as_str())?));
        self.prefixes
            .iter()
            .filter_map(split)
            .find_map(|(prefix, rest)| Some((prefix, rest.strip_prefix(':')?)))
    }

    /// Whether the author of `label` most likely meant a dependency: the prefix has a different case, other separators,
    /// spaces, or no colon.
    fn is_meant_by(&self, label: &str) -> bool {
        let head = label.split([':', '=', '|', ',']).next().unwrap_or_default();
        let first_word = head.split_whitespace().next().unwrap_or_default();
        self.prefixes
            .iter()
            .map(|prefix| significant(prefix))
            .any(|prefix| significant(head) == prefix || significant(first_word) == prefix)
    }
}

/// The letters and digits of a text, in lower case.
pub(crate) fn significant(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A comma-separated list of prefixes.
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

/// A label that looks like a dependency but cannot be read.
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
    #[error("`|{condition}` is written `|state:FINISHED`")]
    Case { condition: String },
    #[error(
        "Spillway runs a stack only after a run that finished, never because of `|{condition}`: write `{instead}`, or \
         keep the trigger policy for this label and give it another word before the colon"
    )]
    State { condition: String, instead: String },
    #[error("only `|state:FINISHED` may follow a stack id, not `|{condition}`: write `{instead}`")]
    Condition { condition: String, instead: String },
}

/// The stacks that `label` names as dependencies, in its order. `None` if it is another kind of label.
pub fn parse(label: &str, grammar: &LabelGrammar) -> Result<Option<Vec<StackId>>, LabelError> {
    let trimmed = label.trim();
    let unreadable = |kind| LabelError {
        label: label.to_owned(),
        kind,
    };
    let Some((prefix, targets)) = grammar.split(trimmed) else {
        if !grammar.is_meant_by(trimmed) {
            return Ok(None);
        }
        let prefix = grammar.prefixes.first().cloned().unwrap_or_default();
        return Err(unreadable(LabelErrorKind::Prefix { prefix }));
    };
    let stacks: Result<Vec<_>, _> = targets.split(',').map(|item| target(item, prefix)).collect();
    stacks.map(Some).map_err(unreadable)
}

/// The texts in place of stack ids in `label`, whether or not they are valid ids. Empty for other kinds of labels.
pub fn named<'a>(label: &'a str, grammar: &'a LabelGrammar) -> impl Iterator<Item = &'a str> {
    let targets = grammar.split(label.trim()).map(|(_, targets)| targets.split(','));
    targets
        .into_iter()
        .flatten()
        .map(|item| item.split('|').next().unwrap_or_default().trim())
}

/// The label that adds a dependency on `stack` to these labels. It uses the prefix of the existing ones.
pub fn written(labels: &[String], stack: &StackId, grammar: &LabelGrammar) -> String {
    let used = labels.iter().find_map(|label| grammar.split(label.trim()));
    let prefix = used.map_or_else(
        || grammar.prefixes.first().map_or("", String::as_str),
        |(prefix, _)| prefix,
    );
    format!("{prefix}:{stack}")
}

/// The labels with one more dependency, unless they already name `stack`.
pub fn with(labels: &[String], stack: &StackId, grammar: &LabelGrammar) -> Vec<String> {
    let mut labels = labels.to_vec();
    let names_it =
        |label: &String| matches!(parse(label, grammar), Ok(Some(stacks)) if stacks.contains(stack));
    if !labels.iter().any(names_it) {
        labels.push(written(&labels, stack, grammar));
    }
    labels
}

/// The labels without a dependency on `stack`. The other stacks of a list stay, and so does everything that cannot be
/// read.
pub fn without(labels: &[String], stack: &StackId, grammar: &LabelGrammar) -> Vec<String> {
    labels
        .iter()
        .filter_map(|label| rest_of(label, stack, grammar))
        .collect()
}

/// The rest of one label.
fn rest_of(label: &str, stack: &StackId, grammar: &LabelGrammar) -> Option<String> {
    let optional = StackPolicy::of(&[label.to_owned()]).0.optional;
    if optional.contains(stack) {
        return None;
    }
    let (Ok(Some(stacks)), Some((prefix, targets))) = (parse(label, grammar), grammar.split(label.trim()))
    else {
        return Some(label.to_owned());
    };
    if !stacks.contains(stack) {
        return Some(label.to_owned());
    }
    let others: Vec<&str> = targets
        .split(',')
        .zip(&stacks)
        .filter(|(_, named)| *named != stack)
        .map(|(item, _)| item.trim())
        .collect();
    (!others.is_empty()).then(|| format!("{prefix}:{}", others.join(",")))
}

/// One item of the list: a stack id, and optionally the condition.
fn target(item: &str, prefix: &str) -> Result<StackId, LabelErrorKind> {
    let (stack, condition) = match item.split_once('|') {
        Some((stack, condition)) => (stack.trim(), Some(condition.trim())),
        None => (item.trim(), None),
    };
    if stack.is_empty() {
        return Err(LabelErrorKind::NoStack);
    }
    let Some(text) = condition.filter(|condition| *condition != FINISHED) else {
        return Ok(StackId::from_str(stack)?);
    };
    let (condition, instead) = (text.to_owned(), format!("{prefix}:{stack}"));
    Err(if text.eq_ignore_ascii_case(FINISHED) {
        LabelErrorKind::Case { condition }
    } else if text.starts_with("state:") && !text.contains('|') {
        LabelErrorKind::State { condition, instead }
    } else {
        LabelErrorKind::Condition { condition, instead }
    })
}
