//! Every create, read, delete and trigger of the API as a method, for tests that need no server.

use std::collections::BTreeMap;

use chain::RunId;

use crate::mock::MockSpacelift;
use crate::model::api_key::KEY_ID;
use crate::model::blueprint::{Blueprint, NewBlueprint, StacksFromBlueprint};
use crate::model::context::{NewContext, SpaceContext};
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::new_stack::NewStack;
use crate::model::policy::NewPolicy;
use crate::model::record::StackRecord;
use crate::model::refusal::{Refusal, accepted};
use crate::model::run::RunRequest;
use crate::model::space::{NewSpace, Space};
use crate::runs::creation::trigger_run;
use crate::runs::deletion::delete_stack;
use crate::runs::from_blueprint;

impl MockSpacelift {
    pub fn spaces(&self) -> Vec<Space> {
        self.read(|account| account.spaces.all().cloned().collect())
    }

    pub fn space(&self, id: &str) -> Option<Space> {
        self.read(|account| account.spaces.get(id).cloned())
    }

    pub fn create_space(&self, space: NewSpace) -> Result<Space, Refusal> {
        self.write(|account| account.create_space(space))
    }

    /// Creates a space with an id that a test knows beforehand.
    pub fn create_space_with_id(&self, id: &str, space: NewSpace) -> Result<Space, Refusal> {
        self.write(|account| account.spaces.create(id, space))
    }

    /// `None` if it did not exist.
    pub fn delete_space(&self, id: &str) -> Result<Option<Space>, Refusal> {
        self.write(|account| account.delete_space(id))
    }

    pub fn contexts(&self) -> Vec<SpaceContext> {
        self.read(|account| account.contexts.values().cloned().collect())
    }

    pub fn context(&self, id: &str) -> Option<SpaceContext> {
        self.read(|account| account.contexts.get(id).cloned())
    }

    pub fn create_context(&self, context: NewContext) -> Result<SpaceContext, Refusal> {
        self.write(|account| account.create_context(context))
    }

    /// `None` if it did not exist.
    pub fn delete_context(&self, id: &str) -> Option<SpaceContext> {
        self.write(|account| account.delete_context(id))
    }

    pub fn blueprints(&self) -> Vec<Blueprint> {
        self.read(|account| account.blueprints.values().cloned().collect())
    }

    pub fn blueprint(&self, id: &str) -> Option<Blueprint> {
        self.read(|account| account.blueprints.get(id).cloned())
    }

    pub fn create_blueprint(&self, blueprint: NewBlueprint) -> Result<Blueprint, Refusal> {
        self.write(|account| account.create_blueprint(blueprint))
    }

    pub fn create_stacks_from_blueprint(
        &self,
        blueprint: &str,
        inputs: &BTreeMap<String, String>,
    ) -> Result<StacksFromBlueprint, Refusal> {
        self.write(|account| from_blueprint::create_stacks(account, blueprint, inputs, &api_key_login()))
    }

    pub fn stacks(&self) -> Vec<StackRecord> {
        self.read(|account| {
            account
                .stacks
                .values()
                .map(|stack| account.stack_record(stack))
                .collect()
        })
    }

    pub fn stack(&self, id: &str) -> Option<StackRecord> {
        self.read(|account| account.stack(id).map(|stack| account.stack_record(stack)))
    }

    pub fn create_stack(&self, stack: NewStack) -> Result<StackRecord, Refusal> {
        self.write(|account| {
            let id = account.add_stack(stack)?;
            account
                .existing_stack(id.as_str())
                .map(|stack| account.stack_record(stack))
        })
    }

    /// `None` if it did not exist. Its runs stay known, as in Spacelift.
    pub fn delete_stack(&self, id: &str) -> Result<Option<StackRecord>, Refusal> {
        self.write(|account| {
            let record = account.stack(id).map(|stack| account.stack_record(stack));
            delete_stack(account, id)?;
            Ok(record)
        })
    }

    /// Triggers a run as the API key.
    pub fn trigger_run(&self, stack: &str, run_type: chain::RunType) -> Result<RunId, Refusal> {
        let request = RunRequest::of(run_type, Some(&api_key_login()));
        self.write(|account| {
            account.check_access(stack)?;
            trigger_run(account, stack, &request)
        })
    }

    /// Returns the id of the new policy.
    pub fn create_policy(&self, policy: NewPolicy) -> Result<String, Refusal> {
        self.write(|account| account.create_policy(policy))
            .map(|policy| policy.id)
    }

    /// Attaches a policy to a stack. Policies with a label `autoattach:<label>` or `autoattach:*` are attached
    /// automatically.
    #[track_caller]
    pub fn attach_policy(&self, policy: &str, stack: &str) {
        accepted(self.write(|account| account.attach_policy(policy, stack)));
    }

    /// Returns the id of the new webhook.
    pub fn create_named_webhook(&self, webhook: NewNamedWebhook) -> Result<String, Refusal> {
        self.write(|account| account.create_named_webhook(webhook))
            .map(|webhook| webhook.id)
    }

    /// Whether a named webhook is enabled; `None` if it does not exist.
    pub fn named_webhook_enabled(&self, id: &str) -> Option<bool> {
        self.read(|account| {
            account
                .named_webhooks
                .get(id)
                .map(|webhook| webhook.target.enabled)
        })
    }

    /// Whether all webhooks of a stack are enabled; `None` if the stack does not exist.
    pub fn stack_webhooks_enabled(&self, stack: &str) -> Option<bool> {
        self.read(|account| {
            account
                .stack(stack)
                .map(|stack| stack.webhooks.iter().all(|webhook| webhook.target.enabled))
        })
    }

    /// Sets the lifetime of new tokens.
    pub fn token_lifetime(&self, lifetime: std::time::Duration) {
        self.write(|account| account.sessions.token_lifetime = lifetime);
    }

    /// Expires all tokens issued so far.
    pub fn expire_tokens(&self) {
        self.write(|account| account.sessions.expire_all());
    }
}

fn api_key_login() -> String {
    format!("api::{KEY_ID}")
}
