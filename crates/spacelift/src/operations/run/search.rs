//! Searches the runs of all stacks.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;
use serde::Deserialize;

use super::{Run, RunFields};
use crate::error::ErrorKind;
use crate::operations::id;
use crate::operations::page::{self, Page, QueryFieldConstraint, QueryOrder, QueryPredicate, SearchInput};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType", "OrderDirection"),
    variables_derives = "Default",
    skip_serializing_none,
    response_type = "crate::operations::page::Search<crate::operations::run::search::RunWithStack>"
)]
pub(crate) struct SearchRuns;

const OPERATION: &str = "SearchRuns";

/// Plain text: only Spacelift has to know the values.
type OrderDirection = String;

#[derive(Deserialize)]
pub(crate) struct RunWithStack {
    run: RunFields,
    stack: StackOfRun,
}

#[derive(Deserialize)]
struct StackOfRun {
    id: String,
}

/// A run and its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRun {
    pub stack: StackId,
    pub run: Run,
}

/// The most runs that [`Spacelift::runs_since`] reads: 200 pages, 20 seconds of the default request budget, about 20
/// MB. A search that reaches it reports that it is incomplete.
pub const RUNS_SINCE_MAX: usize = 10_000;

/// How often [`Spacelift::open_runs`] reads several pages if runs end meanwhile.
const OPEN_PASSES: usize = 5;

/// The runs that were created at or after a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsSince {
    /// Newest first.
    pub runs: Vec<FoundRun>,
    /// Whether these are all. If not, there are more than [`RUNS_SINCE_MAX`], and the oldest are missing.
    pub complete: bool,
}

impl Spacelift {
    /// Up to `limit` runs of all stacks and types that are in one of these states, or in any state if `states` is
    /// empty. A run whose state changes while the pages are read may be missing, and another one in its place:
    /// [`Spacelift::open_runs`] misses none.
    pub async fn search_runs(&self, states: &[RunState], limit: usize) -> Result<Vec<FoundRun>, Error> {
        let runs = page::up_to(limit, OPERATION, |after| {
            self.search_page(SearchInput {
                predicates: (!states.is_empty()).then(|| vec![in_states(states)]),
                ..page::search_input(after)
            })
        })
        .await?;
        Ok(dedup_by_id(runs))
    }

    /// Up to `limit` runs of all stacks and types that are not over, newest first.
    ///
    /// A run that ends while the pages are read moves those after it forward, and one of them can move to a page that
    /// was read already. So several pages are read again until all runs of the last time are still there: then none had
    /// ended, and none was missed. In an account where runs end all the time, it returns what the first five times found together.
    pub async fn open_runs(&self, limit: usize) -> Result<Vec<FoundRun>, Error> {
        let states: Vec<RunState> = RunState::ALL
            .iter()
            .filter(|state| !state.is_terminal() && **state != RunState::None)
            .cloned()
            .collect();
        // By id, as they were read last.
        let mut found: BTreeMap<RunId, FoundRun> = BTreeMap::new();
        let mut before: Option<BTreeSet<RunId>> = None;
        for _ in 0..OPEN_PASSES {
            let pages = AtomicUsize::new(0);
            let (runs, ended) = page::until(
                OPERATION,
                |after| {
                    pages.fetch_add(1, Ordering::Relaxed);
                    self.search_page(SearchInput {
                        predicates: Some(vec![in_states(&states)]),
                        order_by: Some(newest_first()),
                        ..page::search_input(after)
                    })
                },
                |runs| runs.len() >= limit,
            )
            .await?;
            // In another order, a run could also be missed without one that ends.
            check_newest_first(&runs)?;
            let ids: BTreeSet<RunId> = runs.iter().map(|found| found.run.id.clone()).collect();
            found.extend(runs.into_iter().map(|run| (run.run.id.clone(), run)));
            let is_one_page = pages.into_inner() == 1;
            if is_one_page || !ended || before.is_some_and(|before| before.is_subset(&ids)) {
                break;
            }
            before = Some(ids);
        }
        let mut found: Vec<FoundRun> = found.into_values().collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.run.created_at));
        found.truncate(limit);
        Ok(found)
    }

    /// The runs of all stacks and types that were created at `since` (seconds since 1970) or later. Its cost depends on
    /// their number and not on the size of the account: it stops at the first page that has an older run.
    ///
    /// A run that was created earlier and ended since is not included.
    pub async fn runs_since(&self, since: i64) -> Result<RunsSince, Error> {
        let older = |found: &FoundRun| found.run.created_at < since;
        let (mut runs, ended) = page::until(
            OPERATION,
            |after| {
                self.search_page(SearchInput {
                    order_by: Some(newest_first()),
                    ..page::search_input(after)
                })
            },
            |runs| runs.len() >= RUNS_SINCE_MAX || runs.last().is_some_and(older),
        )
        .await?;
        // Without this order, the first older run would not prove that all after it are older.
        check_newest_first(&runs)?;
        let complete = ended || runs.last().is_some_and(older);
        runs.retain(|found| !older(found));
        Ok(RunsSince {
            runs: dedup_by_id(runs),
            complete,
        })
    }

    async fn search_page(&self, input: SearchInput) -> Result<Page<FoundRun>, Error> {
        self.query::<SearchRuns, _>(search_runs::Variables { input }, convert)
            .await
    }
}

fn in_states(states: &[RunState]) -> QueryPredicate {
    QueryPredicate {
        field: "state".to_owned(),
        constraint: QueryFieldConstraint {
            enum_equals: Some(states.iter().map(RunState::to_string).collect()),
            ..Default::default()
        },
        exclude: None,
    }
}

fn newest_first() -> QueryOrder {
    QueryOrder {
        field: "createdAt".to_owned(),
        direction: "DESC".to_owned(),
    }
}

fn check_newest_first(runs: &[FoundRun]) -> Result<(), Error> {
    if runs.is_sorted_by(|a, b| a.run.created_at >= b.run.created_at) {
        return Ok(());
    }
    Err(Error {
        operation: OPERATION.to_owned(),
        kind: ErrorKind::UnexpectedData {
            detail: "the runs are not in the order of their creation, newest first".to_owned(),
        },
    })
}

/// A run that is created or changes its state while the pages are read moves others to the next page.
fn dedup_by_id(mut runs: Vec<FoundRun>) -> Vec<FoundRun> {
    let mut seen = HashSet::new();
    runs.retain(|found| seen.insert(found.run.id.clone()));
    runs
}

fn convert(data: search_runs::ResponseData) -> Result<Page<FoundRun>, Unusable> {
    let found = data.search_runs.ok_or(Unusable::Anonymous)?;
    found.page().try_map(|RunWithStack { run, stack }| {
        Ok(FoundRun {
            stack: id(stack.id)?,
            run: Run::from_fields(run)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use chain::RunState::{Queued, Unconfirmed};
    use serde_json::json;

    use super::*;

    #[test]
    fn states_become_one_predicate() {
        assert_eq!(
            serde_json::to_value(in_states(&[Queued, Unconfirmed])).unwrap(),
            json!({"field": "state", "constraint": {"enumEquals": ["QUEUED", "UNCONFIRMED"]}})
        );
    }

    #[test]
    fn unset_fields_are_not_sent() {
        let sent = |input: SearchInput| serde_json::to_value(input).unwrap();
        assert_eq!(sent(page::search_input(None)), json!({"first": 50}));
        let ordered = SearchInput {
            order_by: Some(newest_first()),
            ..page::search_input(Some("01R".to_owned()))
        };
        assert_eq!(
            sent(ordered),
            json!({"first": 50, "after": "01R", "orderBy": {"field": "createdAt", "direction": "DESC"}})
        );
    }
}
