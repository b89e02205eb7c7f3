//! Any document.

use serde::Serialize;
use serde_json::Value;

use crate::client::request;
use crate::lexer::{Token, tokens};
use crate::transport::Effect;
use crate::{Error, Spacelift};

/// A document without an operation name of its own.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    pub(crate) query: &'a str,
    pub(crate) variables: &'a Value,
}

impl Spacelift {
    /// Sends a document of one operation, and returns its data as it came. Nothing is checked before Spacelift does.
    pub async fn execute(&self, query: &str, variables: &Value) -> Result<Value, Error> {
        let (operation, effect) = describe(query);
        let request = request(&operation, effect, None, &Document { query, variables })?;
        self.send(&request, Ok).await
    }
}

/// What the document calls itself, and whether it changes something: it does when in doubt.
fn describe(query: &str) -> (String, Effect) {
    let mut depth = 0_u32;
    let mut names = Vec::new();
    let mut readable = true;
    for token in tokens(query) {
        match token {
            Ok(Token::Punctuator('{' | '(' | '[')) => depth += 1,
            Ok(Token::Punctuator('}' | ')' | ']')) => depth = depth.saturating_sub(1),
            Ok(Token::Name(name)) if depth == 0 => names.push(name),
            Ok(_) => {}
            Err(_) => readable = false,
        }
    }
    let name = match names.as_slice() {
        ["query" | "mutation", name, ..] => name,
        _ => "document",
    };
    let effect = if readable && !names.contains(&"mutation") {
        Effect::Read
    } else {
        Effect::Write
    };
    (name.to_owned(), effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_mutation_when_in_doubt() {
        for (document, name, effect) in [
            ("{ stacks { id } }", "document", Effect::Read),
            (
                "query Mine($id: ID!) { stack(id: $id) { id } }",
                "Mine",
                Effect::Read,
            ),
            ("query { mutation }", "document", Effect::Read),
            ("# mutation\nquery Q { a(b: \"mutation {\") }", "Q", Effect::Read),
            ("mutation { logout { id } }", "document", Effect::Write),
            ("mutation Kill { a }", "Kill", Effect::Write),
            (
                "fragment F on Stack { id } mutation M { a }",
                "document",
                Effect::Write,
            ),
            ("query Broken { a(b: \"", "Broken", Effect::Write),
        ] {
            assert_eq!(describe(document), (name.to_owned(), effect), "{document}");
        }
    }
}
