//! The same reads with fields that the caller chooses, as JSON.

use chain::{RunId, RunState, SpaceId, StackId};
use serde_json::{Value, json};

use super::execute::Document;
use super::page::{self, PAGE_SIZE, Page, Search};
use crate::client::request;
use crate::fields::Fields;
use crate::transport::{Effect, Unusable};
use crate::{Error, Spacelift};

/// The alias for a run's id, which is requested in addition to the chosen fields.
const CURSOR: &str = "spillwayCursor";

impl Spacelift {
    pub async fn stacks_with(&self, fields: &Fields) -> Result<Vec<Value>, Error> {
        self.search_with("searchStacks", usize::MAX, &json!([]), fields)
            .await
    }

    pub async fn stack_with(&self, id: &StackId, fields: &Fields) -> Result<Option<Value>, Error> {
        self.show_with("stack", id.as_str(), fields).await
    }

    pub async fn spaces_with(&self, fields: &Fields) -> Result<Vec<Value>, Error> {
        self.list_with("spaces", fields).await
    }

    pub async fn space_with(&self, id: &SpaceId, fields: &Fields) -> Result<Option<Value>, Error> {
        self.show_with("space", id.as_str(), fields).await
    }

    pub async fn contexts_with(&self, fields: &Fields) -> Result<Vec<Value>, Error> {
        self.list_with("contexts", fields).await
    }

    pub async fn context_with(&self, id: &str, fields: &Fields) -> Result<Option<Value>, Error> {
        self.show_with("context", id, fields).await
    }

    pub async fn blueprints_with(&self, fields: &Fields) -> Result<Vec<Value>, Error> {
        self.search_with("searchBlueprints", usize::MAX, &json!([]), fields)
            .await
    }

    pub async fn blueprint_with(&self, id: &str, fields: &Fields) -> Result<Option<Value>, Error> {
        self.show_with("blueprint", id, fields).await
    }

    /// Up to `limit` tracked runs of a stack, newest first.
    pub async fn runs_with(
        &self,
        stack: &StackId,
        limit: usize,
        fields: &Fields,
    ) -> Result<Vec<Value>, Error> {
        let document = format!(
            "query runs($stack: ID!, $before: ID) {{ stack(id: $stack) {{ runs(before: $before) {{ {CURSOR}: id {fields} }} }} }}"
        );
        let mut found: Vec<Value> = Vec::new();
        let mut before = Value::Null;
        while found.len() < limit {
            let variables = json!({"stack": stack, "before": before});
            let page = self
                .ask("runs", &document, &variables, |mut data| runs(&mut data))
                .await?;
            // An empty page is the end. A page that ends where it began would loop forever.
            let Some((last, _)) = page.last().filter(|(cursor, _)| *cursor != before) else {
                break;
            };
            before = last.clone();
            found.extend(page.into_iter().map(|(_, run)| run));
        }
        found.truncate(limit);
        Ok(found)
    }

    pub async fn run_with(
        &self,
        stack: &StackId,
        run: &RunId,
        fields: &Fields,
    ) -> Result<Option<Value>, Error> {
        let document = format!(
            "query run($stack: ID!, $run: ID!) {{ stack(id: $stack) {{ run(id: $run) {{ {fields} }} }} }}"
        );
        let variables = json!({"stack": stack, "run": run});
        self.ask("run", &document, &variables, |mut data| {
            Ok(present(data["stack"]["run"].take()))
        })
        .await
    }

    /// Like [`Spacelift::search_runs`]. The fields are those of a search result: `run { id } stack { id }`.
    pub async fn search_runs_with(
        &self,
        states: &[RunState],
        limit: usize,
        fields: &Fields,
    ) -> Result<Vec<Value>, Error> {
        let predicates = match states {
            [] => json!([]),
            states => json!([{"field": "state", "constraint": {"enumEquals": states}}]),
        };
        self.search_with("searchRuns", limit, &predicates, fields).await
    }

    async fn list_with(&self, root: &'static str, fields: &Fields) -> Result<Vec<Value>, Error> {
        let document = format!("query {root} {{ {root} {{ {fields} }} }}");
        self.ask(root, &document, &json!({}), |mut data| array(data[root].take()))
            .await
    }

    async fn show_with(&self, root: &'static str, id: &str, fields: &Fields) -> Result<Option<Value>, Error> {
        let document = format!("query {root}($id: ID!) {{ {root}(id: $id) {{ {fields} }} }}");
        self.ask(root, &document, &json!({"id": id}), |mut data| {
            Ok(present(data[root].take()))
        })
        .await
    }

    async fn search_with(
        &self,
        root: &'static str,
        limit: usize,
        predicates: &Value,
        fields: &Fields,
    ) -> Result<Vec<Value>, Error> {
        let document = format!(
            "query {root}($input: SearchInput!) {{ {root}(input: $input) {{ \
             edges {{ node {{ {fields} }} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        let document = &document;
        page::up_to(limit, root, |after| async move {
            let variables = match after {
                Some(after) => {
                    json!({"input": {"first": PAGE_SIZE, "after": after, "predicates": predicates}})
                }
                None => json!({"input": {"first": PAGE_SIZE, "predicates": predicates}}),
            };
            self.ask(root, document, &variables, |mut data| found(data[root].take()))
                .await
        })
        .await
    }

    async fn ask<T>(
        &self,
        operation: &str,
        query: &str,
        variables: &Value,
        read: impl Fn(Value) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        self.send(
            &request(operation, Effect::Read, None, &Document { query, variables })?,
            read,
        )
        .await
    }
}

fn present(value: Value) -> Option<Value> {
    (!value.is_null()).then_some(value)
}

fn array(value: Value) -> Result<Vec<Value>, Unusable> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Err(Unusable::Anonymous),
        _ => Err(Unusable::Mismatch("not a list".to_owned())),
    }
}

fn found(search: Value) -> Result<Page<Value>, Unusable> {
    let search: Option<Search<Value>> =
        serde_json::from_value(search).map_err(|error| Unusable::Mismatch(error.to_string()))?;
    Ok(search.ok_or(Unusable::Anonymous)?.page())
}

/// Each run with its id, which the caller did not ask for.
fn runs(data: &mut Value) -> Result<Vec<(Value, Value)>, Unusable> {
    if data["stack"].is_null() {
        return Err(Unusable::Missing);
    }
    let runs = array(data["stack"]["runs"].take())?.into_iter().map(|mut run| {
        let cursor = run
            .as_object_mut()
            .and_then(|run| run.remove(CURSOR))
            .unwrap_or_default();
        (cursor, run)
    });
    Ok(runs.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_selects_nodes_and_a_cursor() {
        let search = |more| json!({"edges": [{"node": {"id": "a"}}], "pageInfo": {"endCursor": "1", "hasNextPage": more}});
        assert_eq!(
            found(search(true)),
            Ok(Page {
                items: vec![json!({"id": "a"})],
                next: Some("1".to_owned())
            })
        );
        assert_eq!(
            found(search(false)),
            Ok(Page {
                items: vec![json!({"id": "a"})],
                next: None
            })
        );
        assert_eq!(found(Value::Null), Err(Unusable::Anonymous));
    }

    #[test]
    fn runs_come_without_the_cursor() {
        let mut data = json!({"stack": {"runs": [{CURSOR: "01R", "state": "QUEUED"}]}});
        assert_eq!(
            runs(&mut data),
            Ok(vec![(json!("01R"), json!({"state": "QUEUED"}))])
        );
        assert_eq!(runs(&mut json!({"stack": null})), Err(Unusable::Missing));
    }
}
