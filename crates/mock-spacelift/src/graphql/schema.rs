//! The whole schema: the queries and mutations of all nouns.

use async_graphql::{EmptySubscription, MergedObject};

use super::account::{AccountMutation, AccountQuery};
use super::audit_trail::{AuditTrailMutation, AuditTrailQuery};
use super::blueprint::{BlueprintMutation, BlueprintQuery};
use super::context::{ContextMutation, ContextQuery};
use super::dependency::DependencyMutation;
use super::idp_group::{IdpGroupMutation, IdpGroupQuery};
use super::policy::{PolicyMutation, PolicyQuery};
use super::role::{RoleMutation, RoleQuery};
use super::role_binding::{RoleBindingMutation, RoleBindingQuery};
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
    IdpGroupQuery,
    PolicyQuery,
    RoleBindingQuery,
    RoleQuery,
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
    IdpGroupMutation,
    PolicyMutation,
    RoleBindingMutation,
    RoleMutation,
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
