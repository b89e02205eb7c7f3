//! Locks a stack, so that other people's runs wait.

use chain::StackId;
use graphql_client::GraphQLQuery;

use super::Lock;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/lock.graphql"
)]
struct StackLock;

impl Spacelift {
    /// Locks a stack in the name of this key. Spacelift refuses if someone else holds the lock.
    pub async fn lock_stack(&self, id: &StackId, note: Option<&str>) -> Result<Lock, Error> {
        let variables = stack_lock::Variables {
            id: id.to_string(),
            note: note.map(str::to_owned),
        };
        self.mutate::<StackLock, _>(variables, convert).await
    }
}

fn convert(data: stack_lock::ResponseData) -> Result<Lock, Unusable> {
    let stack = data.stack_lock;
    let by = stack
        .locked_by
        .ok_or_else(|| Unusable::Mismatch("the lock has no owner".to_owned()))?;
    Ok(Lock {
        by,
        at: stack.locked_at,
        note: stack.lock_note,
    })
}
