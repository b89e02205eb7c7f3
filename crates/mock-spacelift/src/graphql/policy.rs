//! Policies.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, caller, mock};
use super::search::{Page, SearchInput, Searchable, search};
use super::space::SpaceNode;
use crate::account::state::Account;
use crate::model::policy::{NewPolicy, Policy, PolicyType};
use crate::model::refusal::Refusal;
use crate::model::rego::PolicyEngine;
use crate::model::space::ROOT;
use crate::model::stack::Stack;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Policy", complex)]
pub(crate) struct PolicyNode {
    id: ID,
    name: String,
    description: Option<String>,
    r#type: PolicyType,
    space: ID,
    labels: Vec<String>,
    body: String,
    engine_type: PolicyEngine,
    created_at: i64,
    updated_at: i64,
}

impl From<&Policy> for PolicyNode {
    fn from(policy: &Policy) -> Self {
        Self {
            id: ID::from(&policy.id),
            name: policy.name.clone(),
            description: policy.description.clone(),
            r#type: policy.policy_type,
            space: ID::from(policy.space.as_str()),
            labels: policy.labels.clone(),
            body: policy.body.clone(),
            engine_type: policy.rego.version(),
            created_at: policy.created_at.seconds(),
            updated_at: policy.updated_at.seconds(),
        }
    }
}

#[ComplexObject]
impl PolicyNode {
    async fn space_details(&self, ctx: &Context<'_>) -> Result<SpaceNode, Refusal> {
        mock(ctx)
            .read(|account| account.spaces.get(&self.space).map(SpaceNode::from))
            .ok_or(Refusal::NotFound)
    }

    /// The attachment to one stack.
    async fn attached_stack(&self, ctx: &Context<'_>, id: ID) -> Option<StackPolicyAttachment> {
        mock(ctx).read(|account| {
            let policy = account.policies.get(&self.id)?;
            let stack = account.stacks.find(&id)?;
            let mut attached = account.policies.of_stack(stack, &account.spaces);
            attached
                .any(|one| one.id == policy.id)
                .then(|| StackPolicyAttachment::of(stack, policy))
        })
    }
}

/// Between the parts of an attachment's id. Slugs do not contain it, and neither must be `/`, at which clients split.
const BETWEEN: char = ':';

/// A policy that was attached explicitly or by a label.
#[derive(SimpleObject)]
pub(super) struct StackPolicyAttachment {
    id: ID,
    policy_id: ID,
    policy_name: String,
    policy_type: PolicyType,
    is_autoattached: bool,
    is_module: bool,
    stack_id: ID,
}

impl StackPolicyAttachment {
    pub(super) fn of(stack: &Stack, policy: &Policy) -> Self {
        Self {
            id: ID(format!("{}{BETWEEN}{}", stack.id, policy.id)),
            policy_id: ID::from(&policy.id),
            policy_name: policy.name.clone(),
            policy_type: policy.policy_type,
            is_autoattached: policy.is_autoattached_to(&stack.id),
            is_module: false,
            stack_id: ID::from(stack.id.as_str()),
        }
    }
}

#[derive(Debug, InputObject)]
struct PolicyCreateInput {
    name: String,
    body: String,
    r#type: PolicyType,
    description: Option<String>,
    labels: Option<Vec<String>>,
    space: Option<ID>,
    engine_type: Option<PolicyEngine>,
}

#[derive(Debug, InputObject)]
struct PolicyUpdateInput {
    name: String,
    body: String,
    description: Option<String>,
    labels: Option<Vec<String>>,
    space: Option<ID>,
    engine_type: Option<PolicyEngine>,
}

fn new_policy(
    name: &str,
    body: &str,
    policy_type: PolicyType,
    labels: Option<Vec<String>>,
    space: Option<ID>,
) -> NewPolicy {
    NewPolicy {
        policy_type,
        space: space.map_or_else(|| ROOT.to_owned(), |id| id.to_string()),
        labels: labels.unwrap_or_default(),
        ..NewPolicy::notification(name, body)
    }
}

#[derive(Default)]
pub(crate) struct PolicyQuery;

#[Object]
impl PolicyQuery {
    async fn policy(&self, ctx: &Context<'_>, id: ID) -> Result<Option<PolicyNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.policies.get(&id).map(PolicyNode::from)))
    }

    async fn policies(&self, ctx: &Context<'_>) -> Result<Vec<PolicyNode>, Refusal> {
        Ok(authorized(ctx)?.read(all))
    }

    /// Null without a login.
    async fn search_policies(&self, ctx: &Context<'_>, input: SearchInput) -> Option<Page<PolicyNode>> {
        caller(ctx).session.as_ref()?;
        Some(search(mock(ctx).read(all), &input))
    }
}

fn all(account: &Account) -> Vec<PolicyNode> {
    account.policies.all().map(PolicyNode::from).collect()
}

#[derive(Default)]
pub(crate) struct PolicyMutation;

#[Object]
impl PolicyMutation {
    /// Spacelift spells it with a lower-case v.
    #[graphql(name = "policyCreatev2")]
    async fn policy_create_v2(
        &self,
        ctx: &Context<'_>,
        input: PolicyCreateInput,
    ) -> Result<PolicyNode, Refusal> {
        let PolicyCreateInput {
            name,
            body,
            r#type,
            description,
            labels,
            space,
            engine_type,
        } = input;
        let new = NewPolicy {
            description,
            engine: engine_type,
            ..new_policy(&name, &body, r#type, labels, space)
        };
        let created = authorized(ctx)?.write(|account| account.policies.create(new, &account.spaces))?;
        Ok(PolicyNode::from(&created))
    }

    #[graphql(name = "policyUpdatev2")]
    async fn policy_update_v2(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: PolicyUpdateInput,
    ) -> Result<PolicyNode, Refusal> {
        let PolicyUpdateInput {
            name,
            body,
            description,
            labels,
            space,
            engine_type,
        } = input;
        let updated = authorized(ctx)?.write(|account| {
            let kept = account.policies.get(&id).ok_or(Refusal::NotFound)?;
            let space = space.or_else(|| Some(ID::from(kept.space.as_str())));
            let policy_type = kept.policy_type;
            let new = NewPolicy {
                description,
                engine: engine_type,
                ..new_policy(&name, &body, policy_type, labels, space)
            };
            account.policies.update(&id, new, &account.spaces)
        })?;
        Ok(PolicyNode::from(&updated))
    }

    async fn policy_attach(
        &self,
        ctx: &Context<'_>,
        id: ID,
        stack: ID,
    ) -> Result<StackPolicyAttachment, Refusal> {
        authorized(ctx)?.write(|account| {
            account.check_access(&stack)?;
            let stack = account.stacks.existing(&stack)?;
            let policy = account.policies.attach(&id, stack)?;
            Ok(StackPolicyAttachment::of(stack, policy))
        })
    }

    async fn policy_detach(&self, ctx: &Context<'_>, id: ID) -> Result<StackPolicyAttachment, Refusal> {
        let (stack, policy) = id.split_once(BETWEEN).ok_or(Refusal::NotFound)?;
        authorized(ctx)?.write(|account| {
            account.check_access(stack)?;
            let stack = account.stacks.existing(stack)?;
            let policy = account.policies.detach(policy, stack)?;
            Ok(StackPolicyAttachment::of(stack, policy))
        })
    }

    /// Null if the policy does not exist.
    async fn policy_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Option<PolicyNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.policies.remove(&id));
        Ok(deleted.as_ref().map(PolicyNode::from))
    }
}

impl Searchable for PolicyNode {
    const OUTPUT: &'static str = "SearchPoliciesOutput";

    fn values(&self, field: &str) -> Vec<String> {
        match field {
            "name" => vec![self.name.clone()],
            "label" => self.labels.clone(),
            "space" => vec![self.space.to_string()],
            "createdAt" => vec![format!("{:020}", self.created_at)],
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {}", *self.id, self.name, self.labels.join(" "))
    }
}
