//! Finds out whether a trigger policy of Spacelift reads the labels that Spillway reads. Both together would run
//! everything twice.
//!
//! The policy is not evaluated. The check is whether one of its strings contains a prefix of dependency labels, as in
//! `concat("", ["depends-on:", input.stack.id])`.

use crate::LabelGrammar;

/// Whether a Rego policy has a string with one of the prefixes.
pub fn reads_labels(body: &str, grammar: &LabelGrammar) -> bool {
    texts(body)
        .iter()
        .any(|text| grammar.prefixes().iter().any(|prefix| has_word(text, prefix)))
}

/// The strings in double quotes or backquotes, unescaped. Comments contain none.
fn texts(body: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        match character {
            '#' => drop(characters.by_ref().find(|&c| c == '\n')),
            '"' | '`' => {
                let mut text = String::new();
                while let Some(next) = characters.next() {
                    match next {
                        '\\' if character == '"' => text.extend(characters.next()),
                        end if end == character => break,
                        other => text.push(other),
                    }
                }
                texts.push(text);
            }
            _ => {}
        }
    }
    texts
}

/// Whether a text contains a word that is not part of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    let is_inside = |c: char| c.is_alphanumeric() || "-_".contains(c);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_inside) && !after.is_some_and(is_inside)
    })
}
