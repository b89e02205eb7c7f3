//! Runs of all stacks.

use chain::{RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::operations::id;
use crate::operations::page::{self, PAGE_SIZE, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/search.graphql",
    extern_enums("RunState", "RunType"),
    variables_derives = "Default",
    skip_serializing_none
)]
struct SearchRuns;

super::run_from!(search_runs);

/// A run, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRun {
    pub stack: StackId,
    pub run: Run,
}

impl Spacelift {
    /// Up to `limit` runs, of whatever stack and type, that are in one of these states; in any state if none is
    /// named.
    pub async fn search_runs(&self, states: &[RunState], limit: usize) -> Result<Vec<FoundRun>, Error> {
        page::up_to(limit, "SearchRuns", |after| async move {
            self.query::<SearchRuns, _>(variables(states, after), convert)
                .await
        })
        .await
    }
}

fn variables(states: &[RunState], after: Option<String>) -> search_runs::Variables {
    let predicate = || search_runs::QueryPredicate {
        field: "state".to_owned(),
        constraint: search_runs::QueryFieldConstraint {
            enum_equals: Some(states.iter().map(RunState::to_string).collect()),
            ..Default::default()
        },
        exclude: None,
    };
    search_runs::Variables {
        input: search_runs::SearchInput {
            first: Some(PAGE_SIZE),
            after,
            predicates: (!states.is_empty()).then(|| vec![predicate()]),
            ..Default::default()
        },
    }
}

fn convert(data: search_runs::ResponseData) -> Result<Page<FoundRun>, Unusable> {
    let found = data.search_runs.ok_or(Unusable::Anonymous)?;
    let run = |edge: search_runs::SearchRunsSearchRunsEdges| {
        Ok(FoundRun {
            stack: id(edge.node.stack.id)?,
            run: run_from(edge.node.run)?,
        })
    };
    let runs = found.edges.into_iter().map(run).collect::<Result<_, _>>()?;
    Ok(Page::new(
        runs,
        found.page_info.has_next_page,
        found.page_info.end_cursor,
    ))
}

#[cfg(test)]
mod tests {
    use chain::RunState::{Queued, Unconfirmed};
    use serde_json::json;

    use super::*;

    #[test]
    fn states_become_one_predicate() {
        let sent = |states: &[_]| serde_json::to_value(variables(states, None)).unwrap();
        assert_eq!(sent(&[]), json!({"input": {"first": 50}}));
        let predicate = json!({"field": "state", "constraint": {"enumEquals": ["QUEUED", "UNCONFIRMED"]}});
        assert_eq!(
            sent(&[Queued, Unconfirmed]),
            json!({"input": {"first": 50, "predicates": [predicate]}})
        );
    }
}
