//! Searches answer page by page.

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
    up_to(usize::MAX, operation, fetch).await
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
    let mut items: Vec<T> = Vec::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = fetch(after.clone()).await?;
        items.extend(page.items.into_iter().take(limit - items.len()));
        match page.next {
            None => return Ok(items),
            Some(_) if items.len() == limit => return Ok(items),
            next if next == after => break,
            next => after = next,
        }
    }
    let detail = "its pages do not end".to_owned();
    Err(Error {
        operation: operation.to_owned(),
        kind: ErrorKind::NotGraphQl { status: 200, detail },
    })
}
