//! Labels that are not dependencies, and look like misspelt ones.

use std::collections::BTreeSet;
use std::fmt;

use chain::StackId;
use spacelift::Stack;

/// How many letters may be wrong in the word before the colon.
const WRONG_LETTERS_MAX: usize = 2;
/// How many letters a word and a prefix have in common at least, if the label names a stack.
const STEM: usize = 6;

/// A label that was probably meant as a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SimilarLabel {
    pub(super) stack: StackId,
    label: String,
    prefix: String,
}

impl fmt::Display for SimilarLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stack, label, prefix } = self;
        write!(
            f,
            "`{stack}`: the label `{label}` is not a dependency; did you mean `{prefix}:<stack id>`?"
        )
    }
}

pub(super) fn labels(stacks: &[Stack], prefixes: &[String]) -> Vec<SimilarLabel> {
    let known: BTreeSet<&str> = stacks.iter().map(|stack| stack.id.as_str()).collect();
    let found = stacks.iter().flat_map(|stack| {
        let similar = stack
            .labels
            .iter()
            .filter_map(|label| Some((label, similar_to(label, prefixes, &known)?)));
        similar.map(|(label, prefix)| SimilarLabel {
            stack: stack.id.clone(),
            label: label.clone(),
            prefix: prefix.to_owned(),
        })
    });
    found.collect()
}

/// The prefix that was probably meant. A label that differs only in case or separators is an error already.
fn similar_to<'a>(label: &str, prefixes: &'a [String], stacks: &BTreeSet<&str>) -> Option<&'a str> {
    let (word, target) = label.split_once([':', '='])?;
    let word = letters(word);
    let names_a_stack = target
        .split(',')
        .any(|target| stacks.contains(target.split('|').next().unwrap_or_default().trim()));
    prefixes.iter().map(String::as_str).find(|prefix| {
        let prefix = letters(prefix);
        if word == prefix || word.len() < 4 {
            return false;
        }
        let has_stem = word.len() >= STEM && word.chars().take(STEM).eq(prefix.chars().take(STEM));
        let is_close =
            strsim::damerau_levenshtein(&word, &prefix) <= WRONG_LETTERS_MAX && prefix.len() >= STEM;
        is_close || (has_stem && names_a_stack)
    })
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_dependency_is_recognised() {
        let prefixes = ["dependsOn".to_owned(), "depends-on".to_owned()];
        let stacks = BTreeSet::from(["vpc"]);
        for (label, is_similar) in [
            ("dependOn:vpc", true),
            ("depends:vpc", true),
            ("dependsOnn:vpc", true),
            ("dependency:vpc", true),
            ("dependson:vpc", false),
            ("dependabot:enabled", false),
            ("env:production", false),
            ("dependsOn:vpc", false),
            ("folder:vpc", false),
        ] {
            assert_eq!(
                similar_to(label, &prefixes, &stacks).is_some(),
                is_similar,
                "{label}"
            );
        }
    }
}
