//! Pagination of searches.

use std::time::Duration;

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

/// How often one page is requested, with a pause that doubles.
const PAGE_TRIES: u32 = 5;
const PAGE_PAUSE_FIRST: Duration = Duration::from_millis(250);
/// If Spacelift asks for a longer pause, the search fails, and whoever asked decides.
const PAGE_PAUSE_MAX: Duration = Duration::from_secs(60);

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

/// A page after the first, tried again if its answer was bad. One bad answer in ten would otherwise prevent every search of
/// hundreds of pages.
async fn later_page<T, F>(fetch: &impl Fn(Option<String>) -> F, after: &str) -> Result<Page<T>, Error>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let mut pause = PAGE_PAUSE_FIRST;
    for _ in 1..PAGE_TRIES {
        match fetch(Some(after.to_owned())).await {
            Err(error) if error.is_retryable() => {
                let asked = error.retry_after().unwrap_or(pause);
                if asked > PAGE_PAUSE_MAX {
                    return Err(error);
                }
                tokio::time::sleep(asked).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    fetch(Some(after.to_owned())).await
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
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = match &after {
            None => fetch(None).await?,
            Some(after) => later_page(&fetch, after).await?,
        };
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn bad(kind: ErrorKind) -> Error {
        Error {
            operation: "Search".to_owned(),
            kind,
        }
    }

    fn refused() -> ErrorKind {
        ErrorKind::Refused {
            message: "no".to_owned(),
        }
    }

    /// Three pages with one item each. The first answers to the page with this number are bad.
    async fn search(
        bad_page: u32,
        bad_answers: u32,
        kind: impl Fn() -> ErrorKind,
    ) -> (Result<Vec<u32>, Error>, u32) {
        let asked = Cell::new(0);
        let left = Cell::new(bad_answers);
        let found = all("Search", |after: Option<String>| {
            asked.set(asked.get() + 1);
            let page: u32 = after.map_or(0, |after| after.parse().unwrap());
            let is_bad = page == bad_page && left.get() > 0;
            left.set(left.get() - u32::from(is_bad));
            let answer = if is_bad {
                Err(bad(kind()))
            } else {
                Ok(Page {
                    items: vec![page],
                    next: (page < 2).then(|| (page + 1).to_string()),
                })
            };
            async { answer }
        });
        let found = found.await;
        (found, asked.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_page_is_tried_again() {
        for (page, answers, kind, requests, is_complete) in [
            (1, 0, ErrorKind::BadToken, 3, true),
            (1, 1, ErrorKind::BadToken, 4, true),
            (2, PAGE_TRIES - 1, ErrorKind::BadToken, 3 + PAGE_TRIES - 1, true),
            (2, PAGE_TRIES, ErrorKind::BadToken, 2 + PAGE_TRIES, false),
            // Whoever asked sees at once that Spacelift does not answer.
            (0, 1, ErrorKind::BadToken, 1, false),
            (1, 1, refused(), 2, false),
            (
                1,
                1,
                ErrorKind::RateLimited {
                    retry_after: Some(PAGE_PAUSE_MAX),
                },
                4,
                true,
            ),
            (
                1,
                1,
                ErrorKind::RateLimited {
                    retry_after: Some(PAGE_PAUSE_MAX * 2),
                },
                2,
                false,
            ),
        ] {
            let (found, asked) = search(page, answers, || kind.clone()).await;
            assert_eq!(
                (asked, found.is_ok()),
                (requests, is_complete),
                "{page} {answers} {kind:?}"
            );
        }
    }
}
