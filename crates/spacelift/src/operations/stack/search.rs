//! All stacks, page by page.

use std::collections::HashSet;

use chain::RunState as StackState;
use graphql_client::GraphQLQuery;
use tracing::warn;

use super::{Stack, StackFields};
use crate::operations::page::{self, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("StackState"),
    variable_types("crate::operations::page::SearchInput"),
    response_type = "crate::operations::page::Search<crate::operations::stack::StackFields>"
)]
struct SearchStacks;

impl Spacelift {
    /// All stacks that this key may see. A stack that cannot be read is left out, with a warning in the log.
    pub async fn stacks(&self) -> Result<Vec<Stack>, Error> {
        let mut stacks = page::all("SearchStacks", |after| async move {
            let input = page::search_input(after);
            self.query::<SearchStacks, _>(search_stacks::Variables { input }, convert)
                .await
        })
        .await?;
        // A stack that is created while the pages are read moves others to the next page.
        let mut seen = HashSet::new();
        stacks.retain(|stack| seen.insert(stack.id.clone()));
        Ok(stacks)
    }
}

fn convert(data: search_stacks::ResponseData) -> Result<Page<Stack>, Unusable> {
    let found = data.search_stacks.ok_or(Unusable::Anonymous)?.page();
    let readable = |stack: StackFields| {
        let id = stack.id.clone();
        match Stack::from_fields(stack) {
            Ok(stack) => Some(stack),
            Err(reason) => {
                warn!(
                    stack.id = id,
                    ?reason,
                    "Left out the stack `{id}`: it cannot be read"
                );
                None
            }
        }
    };
    Ok(Page {
        items: found.items.into_iter().filter_map(readable).collect(),
        next: found.next,
    })
}
