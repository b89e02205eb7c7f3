//! The whole schema: the queries and mutations of all nouns.

use async_graphql::{EmptySubscription, MergedObject};

use super::account::{AccountMutation, AccountQuery};
use super::audit_trail::{AuditTrailMutation, AuditTrailQuery};
use super::blueprint::{BlueprintMutation, BlueprintQuery};
use super::context::{ContextMutation, ContextQuery};
use super::dependency::DependencyMutation;
use super::policy::{PolicyMutation, PolicyQuery};
use super::run_mutation::RunMutation;
use super::run_query::RunQuery;
use super::space::{SpaceMutation, SpaceQuery};
use super::stack_mutation::StackMutation;
use super::stack_query::StackQuery;
use super::webhook::{WebhookMutation, WebhookQuery};
use super::worker_pool::WorkerPoolQuery;
use crate::mock::MockSpacelift;

pub(crate) type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

#[derive(Default, MergedObject)]
pub(crate) struct Query(
    AccountQuery,
    AuditTrailQuery,
    BlueprintQuery,
    ContextQuery,
    PolicyQuery,
    RunQuery,
    SpaceQuery,
    StackQuery,
    WebhookQuery,
    WorkerPoolQuery,
);

#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    AccountMutation,
    AuditTrailMutation,
    BlueprintMutation,
    ContextMutation,
    DependencyMutation,
    PolicyMutation,
    RunMutation,
    SpaceMutation,
    StackMutation,
    WebhookMutation,
);

pub(crate) fn build(mock: MockSpacelift) -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(mock)
        .finish()
}
