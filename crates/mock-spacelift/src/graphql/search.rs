//! The searches: one implementation for everything that has pages.

use std::borrow::Cow;

use async_graphql::{Enum, InputObject, OutputType, SimpleObject, TypeName};

/// The default size of a page; spacectl requests no more.
const PAGE: usize = 50;

#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct SearchInput {
    first: Option<i32>,
    after: Option<String>,
    full_text_search: Option<String>,
    predicates: Option<Vec<QueryPredicate>>,
    order_by: Option<QueryOrder>,
}

#[derive(Debug, Clone, InputObject)]
struct QueryPredicate {
    field: String,
    constraint: QueryFieldConstraint,
    exclude: Option<bool>,
}

/// The values of one constraint are alternatives.
#[derive(Debug, Clone, Default, InputObject)]
struct QueryFieldConstraint {
    boolean_equals: Option<Vec<bool>>,
    enum_equals: Option<Vec<String>>,
    string_matches: Option<Vec<String>>,
}

#[derive(Debug, Clone, InputObject)]
struct QueryOrder {
    field: String,
    direction: OrderDirection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum OrderDirection {
    Asc,
    Desc,
}

#[derive(Debug, Clone, SimpleObject)]
struct PageInfo {
    end_cursor: String,
    has_next_page: bool,
    has_previous_page: bool,
}

#[derive(Debug, SimpleObject)]
#[graphql(name_type)]
struct Edge<T: Searchable> {
    cursor: String,
    node: T,
}

#[derive(Debug, SimpleObject)]
#[graphql(name_type)]
pub(crate) struct Page<T: Searchable> {
    edges: Vec<Edge<T>>,
    page_info: PageInfo,
}

impl<T: Searchable> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::OUTPUT).into()
    }
}

impl<T: Searchable> TypeName for Page<T> {
    fn type_name() -> Cow<'static, str> {
        T::OUTPUT.into()
    }
}

/// A type that can be searched.
pub(crate) trait Searchable: OutputType {
    /// The GraphQL type of a page of these.
    const OUTPUT: &'static str;

    /// The values of a field that predicates and orders may name; empty if the field does not exist.
    fn values(&self, field: &str) -> Vec<String>;

    /// The text for the full-text search.
    fn text(&self) -> String;
}

/// Filters, sorts and returns one page. A cursor is a position among what is found now: what is no longer found moves the
/// rest forward, and a reader of several pages can miss some of it.
pub(crate) fn search<T: Searchable>(all: Vec<T>, input: &SearchInput) -> Page<T> {
    let wanted = input
        .full_text_search
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let predicates = input.predicates.as_deref().unwrap_or_default();
    let mut found: Vec<T> = all
        .into_iter()
        .filter(|item| item.text().to_lowercase().contains(&wanted))
        .filter(|item| predicates.iter().all(|predicate| predicate.admits(item)))
        .collect();
    if let Some(order) = &input.order_by {
        found.sort_by_cached_key(|item| item.values(&order.field));
        if order.direction == OrderDirection::Desc {
            found.reverse();
        }
    }
    let after = input.after.as_deref().filter(|cursor| !cursor.is_empty());
    let start: usize = after.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let size = match input.first {
        Some(first) => usize::try_from(first).unwrap_or(0),
        // A client that sends neither `first` nor a cursor wants everything.
        None if after.is_none() => found.len(),
        None => PAGE,
    };
    let has_next_page = start + size < found.len();
    let edges: Vec<Edge<T>> = found
        .into_iter()
        .enumerate()
        .skip(start)
        .take(size)
        .map(|(at, node)| Edge {
            cursor: (at + 1).to_string(),
            node,
        })
        .collect();
    let page_info = PageInfo {
        end_cursor: edges.last().map(|edge| edge.cursor.clone()).unwrap_or_default(),
        has_next_page,
        has_previous_page: start > 0,
    };
    Page { edges, page_info }
}

impl QueryPredicate {
    fn admits(&self, item: &impl Searchable) -> bool {
        let values = item.values(&self.field);
        let constraint = &self.constraint;
        let equal = |wanted: &str| values.iter().any(|value| value == wanted);
        let matching = |pattern: &str| values.iter().any(|value| value.contains(pattern));
        let admitted = constraint
            .boolean_equals
            .iter()
            .flatten()
            .any(|wanted| equal(&wanted.to_string()))
            || constraint
                .enum_equals
                .iter()
                .flatten()
                .any(|wanted| equal(wanted))
            || constraint
                .string_matches
                .iter()
                .flatten()
                .any(|pattern| matching(pattern));
        admitted != self.exclude.unwrap_or(false)
    }
}
