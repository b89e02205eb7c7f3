//! Reads, creates and deletes objects as the API would, for tests that need no server.

use chain::RunId;

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::api_key::KEY_ID;
use crate::model::blueprint::Blueprint;
use crate::model::context::SpaceContext;
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::policy::NewPolicy;
use crate::model::record::StackRecord;
use crate::model::refusal::{Refusal, accepted};
use crate::model::run::RunRequest;
use crate::model::space::{NewSpace, Space};
use crate::model::stack::Stack;
use crate::runs::creation::trigger_run;
use crate::runs::deletion::delete_stack;

impl MockSpacelift {
    pub fn spaces(&self) -> Vec<Space> {
        self.read(|account| account.spaces.all().cloned().collect())
    }

    pub fn space(&self, id: &str) -> Option<Space> {
        self.read(|account| account.spaces.get(id).cloned())
    }

    pub fn create_space(&self, space: NewSpace) -> Result<Space, Refusal> {
        self.write(|account| account.spaces.create(space, &mut account.ids))
    }

    /// Creates a space with an id that a test knows beforehand.
    pub fn create_space_with_id(&self, id: &str, space: NewSpace) -> Result<Space, Refusal> {
        self.write(|account| account.spaces.create_with_id(id, space))
    }

    pub fn contexts(&self) -> Vec<SpaceContext> {
        self.read(|account| account.contexts.all().cloned().collect())
    }

    pub fn context(&self, id: &str) -> Option<SpaceContext> {
        self.read(|account| account.contexts.get(id).cloned())
    }

    pub fn blueprints(&self) -> Vec<Blueprint> {
        self.read(|account| account.blueprints.all().cloned().collect())
    }

    pub fn stacks(&self) -> Vec<StackRecord> {
        self.read(|account| account.stacks.all().map(|stack| record(account, stack)).collect())
    }

    pub fn stack(&self, id: &str) -> Option<StackRecord> {
        self.read(|account| account.stacks.find(id).map(|stack| record(account, stack)))
    }

    /// `None` if it did not exist. Its runs stay known, as in Spacelift.
    pub fn delete_stack(&self, id: &str) -> Result<Option<StackRecord>, Refusal> {
        self.write(|account| {
            let record = account.stacks.find(id).map(|stack| record(account, stack));
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
        self.write(|account| account.policies.create(policy, &account.spaces))
            .map(|policy| policy.id)
    }

    /// Attaches a policy to a stack. Policies with a label `autoattach:<label>` or `autoattach:*` are attached
    /// automatically.
    #[track_caller]
    pub fn attach_policy(&self, policy: &str, stack: &str) {
        accepted(self.write(|account| {
            let stack = account.stacks.existing(stack)?;
            account.policies.attach(policy, stack).map(drop)
        }));
    }

    /// Returns the id of the new webhook.
    pub fn create_named_webhook(&self, webhook: NewNamedWebhook) -> Result<String, Refusal> {
        self.write(|account| account.named_webhooks.create(webhook, &account.spaces))
            .map(|webhook| webhook.id)
    }

    /// Whether all webhooks of a stack are enabled; `None` if the stack does not exist.
    pub fn stack_webhooks_enabled(&self, stack: &str) -> Option<bool> {
        self.read(|account| {
            account
                .stacks
                .find(stack)
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

fn record(account: &Account, stack: &Stack) -> StackRecord {
    StackRecord::of(stack, account.runs.stack_state(&stack.id))
}

fn api_key_login() -> String {
    format!("api::{KEY_ID}")
}
