//! Pagination of searches.

use serde::Deserialize;

/// The input of every search; each operation would generate an identical one.
pub(crate) use super::run::search::search_runs::{
    QueryFieldConstraint, QueryOrder, QueryPredicate, SearchInput,
};
use crate::error::{Error, ErrorKind};
use crate::transport::Unusable;

/// Items per page. Spacelift's own tools request no more.
pub(crate) const PAGE_SIZE: i64 = 50;

/// 100,000 items. This stops a search whose pages never end.
const PAGES_MAX: usize = 2_000;

/// The result of a search, for any type of node.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Search<N> {
    edges: Vec<Edge<N>>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Edge<N> {
    node: N,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    end_cursor: Option<String>,
    has_next_page: bool,
}

impl<N> Search<N> {
    pub(crate) fn page(self) -> Page<N> {
        let PageInfo {
            end_cursor,
            has_next_page,
        } = self.page_info;
        Page {
            items: self.edges.into_iter().map(|edge| edge.node).collect(),
            next: end_cursor.filter(|_| has_next_page),
        }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn try_map<U>(
        self,
        convert: impl FnMut(T) -> Result<U, Unusable>,
    ) -> Result<Page<U>, Unusable> {
        Ok(Page {
            items: self.items.into_iter().map(convert).collect::<Result<_, _>>()?,
            next: self.next,
        })
    }
}

/// All items, from the first page to the last.
pub(crate) async fn all<T, F>(operation: &str, fetch: impl Fn(Option<String>) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let (items, _) = until(operation, fetch, |_| false).await?;
    Ok(items)
}

/// The first `limit` items, or all if there are fewer.
pub(crate) async fn up_to<T, F>(
    limit: usize,
    operation: &str,
    fetch: impl Fn(Option<String>) -> F,
) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let (mut items, _) = until(operation, fetch, |items| items.len() >= limit).await?;
    items.truncate(limit);
    Ok(items)
}

/// Reads whole pages until `enough` accepts the items so far. Also returns whether that was the end of the search.
pub(crate) async fn until<T, F>(
    operation: &str,
    fetch: impl Fn(Option<String>) -> F,
    enough: impl Fn(&[T]) -> bool,
) -> Result<(Vec<T>, bool), Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let mut items: Vec<T> = Vec::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = fetch(after.clone()).await?;
        items.extend(page.items);
        match page.next {
            None => return Ok((items, true)),
            Some(_) if enough(&items) => return Ok((items, false)),
            next if next == after => break,
            next => after = next,
        }
    }
    Err(Error {
        operation: operation.to_owned(),
        kind: ErrorKind::EndlessPages,
    })
}

/// The variables of one page of a search, without predicates.
pub(crate) fn search_input(after: Option<String>) -> SearchInput {
    SearchInput {
        first: Some(PAGE_SIZE),
        after,
        ..SearchInput::default()
    }
}
