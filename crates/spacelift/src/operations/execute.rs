//! Executes any GraphQL document.

use async_graphql_parser::parse_query;
use async_graphql_parser::types::OperationType;
use serde::Serialize;
use serde_json::Value;

use crate::client::request;
use crate::transport::Effect;
use crate::{Error, Spacelift};

/// The name of a document without a single named operation.
const UNNAMED: &str = "document";

/// A document without an operation name.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    pub(crate) query: &'a str,
    pub(crate) variables: &'a Value,
}

impl Spacelift {
    /// Sends a document of one operation and returns its data unchanged. Only Spacelift checks the document.
    pub async fn execute(&self, query: &str, variables: &Value) -> Result<Value, Error> {
        let (operation, effect) = describe(query);
        let request = request(&operation, effect, None, &Document { query, variables })?;
        self.send(&request, Ok).await
    }
}

/// The name of the document's only operation, and whether the document changes something. If it cannot be parsed, it may.
fn describe(query: &str) -> (String, Effect) {
    let Ok(document) = parse_query(query) else {
        return (UNNAMED.to_owned(), Effect::Write);
    };
    let names: Vec<&str> = document
        .operations
        .iter()
        .map(|(name, _)| name.map_or(UNNAMED, |name| &**name))
        .collect();
    let name = match names.as_slice() {
        [name] => name,
        _ => UNNAMED,
    };
    let mut operations = document.operations.iter();
    let effect = if operations.all(|(_, operation)| operation.node.ty == OperationType::Query) {
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
    fn an_unclear_document_counts_as_a_mutation() {
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
            ("fragment F on Stack { id } mutation M { a }", "M", Effect::Write),
            ("query A { a } mutation B { b }", "document", Effect::Write),
            ("query Broken { a(b: \"", "document", Effect::Write),
        ] {
            assert_eq!(describe(document), (name.to_owned(), effect), "{document}");
        }
    }
}
