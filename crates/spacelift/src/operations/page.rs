//! Searches answer page by page.

/// The input of every search; each operation would generate the same one again.
pub(crate) use super::run::search::search_runs::{
    QueryFieldConstraint, QueryOrder, QueryPredicate, SearchInput,
};
use crate::error::{Error, ErrorKind};

/// How many are asked for at a time: Spacelift's own tools ask for no more.
pub(crate) const PAGE_SIZE: i64 = 50;

/// 100,000 things. A server whose pages never end is stopped here.
const PAGES_MAX: usize = 2_000;

#[derive(Debug, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, has_next_page: bool, end_cursor: Option<String>) -> Self {
        Self {
            items,
            next: end_cursor.filter(|_| has_next_page),
        }
    }
}

/// Everything, from the first page to the last.
pub(crate) async fn all<T, F>(operation: &str, fetch: impl Fn(Option<String>) -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let (items, _) = until(operation, fetch, |_| false).await?;
    Ok(items)
}

/// The first `limit`, or all if there are fewer.
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

/// Whole pages until `enough` says so of the items so far, and whether that was the end of the search.
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
        kind: ErrorKind::UnexpectedData {
            detail: "the pages of the search do not end".to_owned(),
        },
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
