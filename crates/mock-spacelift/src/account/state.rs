//! The whole state of the account, and lookups in it.

use std::collections::BTreeMap;

use chain::{AccountName, RunState, RunType, StackId};
use ulid::Ulid;

use crate::account::parts::deliveries::Deliveries;
use crate::account::parts::dependencies::Dependencies;
use crate::account::parts::repositories::Repositories;
use crate::account::parts::roles::Roles;
use crate::account::parts::runs::Runs;
use crate::account::parts::sessions::Sessions;
use crate::account::parts::spaces::Spaces;
use crate::faults::request::FaultEffect;
use crate::faults::waiting::{DeliveryFaults, RequestFaults};
use crate::model::audit_trail::AuditTrail;
use crate::model::blueprint::Blueprint;
use crate::model::clock::Timestamp;
use crate::model::context::SpaceContext;
use crate::model::log::{LogAction, LogEntry};
use crate::model::policy::Policy;
use crate::model::record::{RequestRecord, StackRecord};
use crate::model::refusal::Refusal;
use crate::model::run::Run;
use crate::model::stack::Stack;
use crate::model::webhook::{NamedWebhook, Target};

#[derive(Debug)]
pub(crate) struct Account {
    pub name: AccountName,
    pub repositories: Repositories,
    pub spaces: Spaces,
    pub stacks: BTreeMap<StackId, Stack>,
    pub contexts: BTreeMap<String, SpaceContext>,
    pub blueprints: BTreeMap<String, Blueprint>,
    pub policies: BTreeMap<String, Policy>,
    pub dependencies: Dependencies,
    pub named_webhooks: BTreeMap<String, NamedWebhook>,
    pub roles: Roles,
    pub runs: Runs,
    pub audit_trail: Option<AuditTrail>,
    /// Webhooks that every new stack gets.
    pub webhooks_for_new_stacks: Vec<Target>,
    pub sessions: Sessions,
    pub deliveries: Deliveries,
    pub request_faults: RequestFaults,
    pub requests: Vec<RequestRecord>,
    /// What people, pushes, policies and API keys did, in order.
    pub log: Vec<LogEntry>,
    /// Whether there are no workers, so that runs stay `READY`.
    pub no_workers: bool,
    last_ulid: Ulid,
}

impl Account {
    /// An empty account: the root space and one API key.
    pub(crate) fn new(name: AccountName) -> Self {
        Self {
            name,
            repositories: Repositories::default(),
            spaces: Spaces::default(),
            stacks: BTreeMap::new(),
            contexts: BTreeMap::new(),
            blueprints: BTreeMap::new(),
            policies: BTreeMap::new(),
            dependencies: Dependencies::default(),
            named_webhooks: BTreeMap::new(),
            roles: Roles::default(),
            runs: Runs::default(),
            audit_trail: None,
            webhooks_for_new_stacks: Vec::new(),
            sessions: Sessions::default(),
            deliveries: Deliveries::default(),
            request_faults: RequestFaults::default(),
            requests: Vec::new(),
            log: Vec::new(),
            no_workers: false,
            last_ulid: Ulid::nil(),
        }
    }

    /// A new ULID, greater than all earlier ones.
    pub(crate) fn ulid(&mut self) -> String {
        let random = Ulid::new();
        self.last_ulid = if random > self.last_ulid {
            random
        } else {
            self.last_ulid.increment().unwrap_or(random)
        };
        self.last_ulid.to_string()
    }

    pub(crate) fn stack(&self, id: &str) -> Option<&Stack> {
        self.stacks.get(&id.parse().ok()?)
    }

    pub(crate) fn stack_mut(&mut self, id: &str) -> Result<&mut Stack, Refusal> {
        let unknown = || Refusal::unknown("stack", id);
        let key: StackId = id.parse().map_err(|_| unknown())?;
        self.stacks.get_mut(&key).ok_or_else(unknown)
    }

    pub(crate) fn existing_stack(&self, id: &str) -> Result<&Stack, Refusal> {
        self.stack(id).ok_or_else(|| Refusal::unknown("stack", id))
    }

    /// The stacks that the API key sees.
    pub(crate) fn visible_stacks(&self) -> impl Iterator<Item = &Stack> {
        self.stacks
            .values()
            .filter(|stack| self.spaces.sees(&stack.space))
    }

    /// A stack, if the API key sees it.
    pub(crate) fn visible_stack(&self, id: &str) -> Option<&Stack> {
        self.stack(id).filter(|stack| self.spaces.sees(&stack.space))
    }

    /// Refuses an operation on a stack that the API key does not see, without saying whether it exists.
    pub(crate) fn check_access(&self, stack: &str) -> Result<(), Refusal> {
        match self.stack(stack) {
            Some(stack) if !self.spaces.sees(&stack.space) => Err(Refusal::Unauthorized),
            _ => Ok(()),
        }
    }

    pub(crate) fn stack_record(&self, stack: &Stack) -> StackRecord {
        StackRecord::of(stack, self.stack_state(stack))
    }

    /// The stack's runs, the newest first.
    pub(crate) fn runs_of<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = &'a Run> {
        stack.runs.iter().rev().map(|&index| &self.runs[index])
    }

    /// The state of the stack's latest tracked run; `NONE` if there is none.
    pub(crate) fn stack_state(&self, stack: &Stack) -> RunState {
        self.runs_of(stack)
            .find(|run| run.run_type == RunType::Tracked)
            .map_or(RunState::None, |run| run.state().clone())
    }

    pub(crate) fn keep_run(&mut self, run: Run) -> usize {
        let stack = self.stacks.get_mut(&run.stack);
        let index = self.runs.add(run);
        if let Some(stack) = stack {
            stack.runs.push(index);
        }
        index
    }

    pub(crate) fn stack_url(&self, stack: &StackId) -> String {
        format!("https://{}.app.spacelift.io/stack/{stack}", self.name)
    }

    pub(crate) fn run_url(&self, run: &Run) -> String {
        format!("{}/run/{}", self.stack_url(&run.stack), run.id)
    }

    /// Adds an entry to the log.
    pub(crate) fn note(&mut self, by: Option<&str>, action: LogAction) {
        self.log.push(LogEntry {
            at_ms: Timestamp::now().millis(),
            by: by.map(str::to_owned),
            action,
        });
    }

    /// The failure of a request, by its operation's name and root fields.
    pub(crate) fn fault_for_request(
        &mut self,
        operation: Option<&str>,
        fields: &[String],
    ) -> Option<FaultEffect> {
        let effect = self.request_faults.next(operation, fields);
        if effect == Some(FaultEffect::ExpiredTokens) {
            self.sessions.expire_all();
        }
        effect
    }

    /// Removes all faults, also random ones. Deliveries that were held are to be sent.
    pub(crate) fn clear_faults(&mut self) {
        self.request_faults = RequestFaults::default();
        self.deliveries.faults = DeliveryFaults::default();
        self.deliveries.release_held();
    }
}
