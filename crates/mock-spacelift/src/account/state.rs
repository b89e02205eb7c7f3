//! The whole state of the account: its parts, and what is true of them together.

use chain::{AccountName, StackId};

use crate::account::parts::blueprints::Blueprints;
use crate::account::parts::contexts::Contexts;
use crate::account::parts::deliveries::Deliveries;
use crate::account::parts::dependencies::Dependencies;
use crate::account::parts::ids::Ids;
use crate::account::parts::log::Log;
use crate::account::parts::named_webhooks::NamedWebhooks;
use crate::account::parts::policies::Policies;
use crate::account::parts::repositories::Repositories;
use crate::account::parts::roles::Roles;
use crate::account::parts::runs::Runs;
use crate::account::parts::sessions::Sessions;
use crate::account::parts::spaces::Spaces;
use crate::account::parts::stacks::Stacks;
use crate::faults::request::FaultEffect;
use crate::faults::waiting::{DeliveryFaults, RequestFaults};
use crate::model::audit_trail::AuditTrail;
use crate::model::record::RequestRecord;
use crate::model::refusal::Refusal;
use crate::model::run::Run;
use crate::model::stack::Stack;

#[derive(Debug)]
pub(crate) struct Account {
    pub name: AccountName,
    pub ids: Ids,
    pub repositories: Repositories,
    pub spaces: Spaces,
    pub stacks: Stacks,
    pub contexts: Contexts,
    pub blueprints: Blueprints,
    pub policies: Policies,
    pub dependencies: Dependencies,
    pub named_webhooks: NamedWebhooks,
    pub roles: Roles,
    pub runs: Runs,
    pub audit_trail: Option<AuditTrail>,
    pub sessions: Sessions,
    pub deliveries: Deliveries,
    pub request_faults: RequestFaults,
    pub requests: Vec<RequestRecord>,
    pub log: Log,
    /// Whether there are no workers, so that runs stay `READY`.
    pub no_workers: bool,
}

impl Account {
    /// An empty account: the root space and one API key.
    pub(crate) fn new(name: AccountName) -> Self {
        Self {
            name,
            ids: Ids::default(),
            repositories: Repositories::default(),
            spaces: Spaces::default(),
            stacks: Stacks::default(),
            contexts: Contexts::default(),
            blueprints: Blueprints::default(),
            policies: Policies::default(),
            dependencies: Dependencies::default(),
            named_webhooks: NamedWebhooks::default(),
            roles: Roles::default(),
            runs: Runs::default(),
            audit_trail: None,
            sessions: Sessions::default(),
            deliveries: Deliveries::default(),
            request_faults: RequestFaults::default(),
            requests: Vec::new(),
            log: Log::default(),
            no_workers: false,
        }
    }

    /// The stacks that the API key sees.
    pub(crate) fn visible_stacks(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.all().filter(|stack| self.spaces.sees(&stack.space))
    }

    /// A stack, if the API key sees it.
    pub(crate) fn visible_stack(&self, id: &str) -> Option<&Stack> {
        self.stacks
            .find(id)
            .filter(|stack| self.spaces.sees(&stack.space))
    }

    /// Refuses an operation on a stack that the API key does not see, without saying whether it exists.
    pub(crate) fn check_access(&self, stack: &str) -> Result<(), Refusal> {
        match self.stacks.find(stack) {
            Some(stack) if !self.spaces.sees(&stack.space) => Err(Refusal::Unauthorized),
            _ => Ok(()),
        }
    }

    pub(crate) fn stack_url(&self, stack: &StackId) -> String {
        format!("https://{}.app.spacelift.io/stack/{stack}", self.name)
    }

    pub(crate) fn run_url(&self, run: &Run) -> String {
        format!("{}/run/{}", self.stack_url(&run.stack), run.id)
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
