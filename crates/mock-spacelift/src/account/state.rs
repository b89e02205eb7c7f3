//! The whole state of the account, and lookups in it. Each kind of object adds its own operations in its file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chain::{AccountName, RunId, RunState, RunType, SpaceId, StackId};
use ulid::Ulid;

use crate::controls::fault::{Fault, WebhookFault};
use crate::controls::fault_rate::{FaultRate, WebhookFaultRate};
use crate::model::api_key::{ApiKey, Session};
use crate::model::blueprint::Blueprint;
use crate::model::clock::Timestamp;
use crate::model::context::SpaceContext;
use crate::model::dependency::NativeDependency;
use crate::model::journal::LogEntry;
use crate::model::policy::Policy;
use crate::model::record::{DeliveryRecord, RequestRecord};
use crate::model::refusal::Refusal;
use crate::model::repository::Repository;
use crate::model::run::Run;
use crate::model::space::Space;
use crate::model::stack::Stack;
use crate::model::webhook::{NamedWebhook, Outgoing, Target};
use crate::webhooks::audit_trail::AuditTrail;

/// The default lifetime of a token. Spacelift's documentation says one hour in one place and ten in another; the
/// shorter one is harder on clients.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct Account {
    pub name: AccountName,
    pub began_at: Timestamp,
    /// By `owner/name`.
    pub repositories: BTreeMap<String, Repository>,
    pub spaces: BTreeMap<SpaceId, Space>,
    pub stacks: BTreeMap<StackId, Stack>,
    pub contexts: BTreeMap<String, SpaceContext>,
    pub blueprints: BTreeMap<String, Blueprint>,
    pub policies: BTreeMap<String, Policy>,
    /// Native stack dependencies, by their ids.
    pub dependencies: BTreeMap<String, NativeDependency>,
    pub named_webhooks: BTreeMap<String, NamedWebhook>,
    /// In order of creation.
    pub runs: Vec<Run>,
    run_places: BTreeMap<RunId, usize>,
    /// Indexes of the runs that are not over.
    pub active_runs: BTreeSet<usize>,
    pub audit_trail: Option<AuditTrail>,
    /// Webhooks that every new stack gets.
    pub webhooks_for_new_stacks: Vec<Target>,
    pub api_keys: Vec<ApiKey>,
    /// Spaces that were revoked from the API key.
    pub revoked_spaces: BTreeSet<SpaceId>,
    /// By the `jti` of their tokens.
    pub sessions: BTreeMap<String, Session>,
    pub token_lifetime: Duration,
    /// Deliveries of transitions that were not sent yet.
    pub outbox: Vec<Outgoing>,
    /// Deliveries that are held until another one overtakes them.
    pub held_deliveries: Vec<Outgoing>,
    pub faults: Vec<Fault>,
    pub webhook_faults: Vec<WebhookFault>,
    pub fault_rate: Option<FaultRate>,
    pub webhook_fault_rate: Option<WebhookFaultRate>,
    pub requests: Vec<RequestRecord>,
    pub deliveries: Vec<DeliveryRecord>,
    /// The log of the account, in order.
    pub journal: Vec<LogEntry>,
    /// Whether there are no workers, so that runs stay `READY`.
    pub no_workers: bool,
    last_ulid: Ulid,
}

impl Account {
    /// An empty account: the root space and one API key.
    pub(crate) fn new(name: AccountName) -> Self {
        let root = Space::root();
        Self {
            name,
            began_at: Timestamp::now(),
            repositories: BTreeMap::new(),
            spaces: BTreeMap::from([(root.id.clone(), root)]),
            stacks: BTreeMap::new(),
            contexts: BTreeMap::new(),
            blueprints: BTreeMap::new(),
            policies: BTreeMap::new(),
            dependencies: BTreeMap::new(),
            named_webhooks: BTreeMap::new(),
            runs: Vec::new(),
            run_places: BTreeMap::new(),
            active_runs: BTreeSet::new(),
            audit_trail: None,
            webhooks_for_new_stacks: Vec::new(),
            api_keys: vec![ApiKey::default()],
            revoked_spaces: BTreeSet::new(),
            sessions: BTreeMap::new(),
            token_lifetime: TOKEN_LIFETIME,
            outbox: Vec::new(),
            held_deliveries: Vec::new(),
            faults: Vec::new(),
            webhook_faults: Vec::new(),
            fault_rate: None,
            webhook_fault_rate: None,
            requests: Vec::new(),
            deliveries: Vec::new(),
            journal: Vec::new(),
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
        let unknown = || Refusal::Unknown {
            what: "stack",
            id: id.to_owned(),
        };
        let key: StackId = id.parse().map_err(|_| unknown())?;
        self.stacks.get_mut(&key).ok_or_else(unknown)
    }

    pub(crate) fn existing_stack(&self, id: &str) -> Result<&Stack, Refusal> {
        self.stack(id).ok_or_else(|| Refusal::Unknown {
            what: "stack",
            id: id.to_owned(),
        })
    }

    pub(crate) fn run_place(&self, id: &str) -> Option<usize> {
        self.run_places.get(&id.parse().ok()?).copied()
    }

    pub(crate) fn run(&self, id: &str) -> Option<&Run> {
        self.runs.get(self.run_place(id)?)
    }

    /// A run of a stack. Runs are requested by both ids, and both must match.
    pub(crate) fn run_of(&self, stack: &str, run: &str) -> Option<&Run> {
        self.run(run).filter(|found| found.stack.as_str() == stack)
    }

    pub(crate) fn keep_run(&mut self, run: Run) -> usize {
        let place = self.runs.len();
        self.run_places.insert(run.id.clone(), place);
        self.active_runs.insert(place);
        if let Some(stack) = self.stacks.get_mut(&run.stack) {
            stack.runs.push(place);
        }
        self.runs.push(run);
        place
    }

    /// The state of the stack's latest tracked run; `NONE` if there is none.
    pub(crate) fn stack_state(&self, stack: &Stack) -> RunState {
        let mut runs = stack.runs.iter().rev().map(|&place| &self.runs[place]);
        runs.find(|run| run.run_type == RunType::Tracked)
            .map_or(RunState::None, |run| run.state().clone())
    }

    pub(crate) fn stack_url(&self, stack: &StackId) -> String {
        format!("https://{}.app.spacelift.io/stack/{stack}", self.name)
    }

    pub(crate) fn run_url(&self, run: &Run) -> String {
        format!("{}/run/{}", self.stack_url(&run.stack), run.id)
    }
}
