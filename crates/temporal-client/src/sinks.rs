//! Messages: starts those about a run, and finds the sinks that are behind.

use std::collections::BTreeMap;

use chain::AccountName;
use chain::notice::RunMessage;
use temporalio_client::NamespacedClient;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy;

use crate::contract::{Deliveries, RunNotifyInput, VERSION};
use crate::definition::{NotifyDeliveries, NotifyWorkflow, RunNotifyDeliveries, RunNotifyWorkflow};
use crate::open_work::RUNNING;
use crate::record::{Start, arguments, memo, recorded_as};
use crate::{TemporalError, WorkflowClient, clock, id};

/// Each query is a billed action, and a sink that is behind is behind for most of them.
const ASKED_MAX: usize = 20;

/// A sink that did not take the last message about some chains or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkBehind {
    /// About how many of the chains and runs that were asked about.
    pub messages: usize,
    /// When the first of the failed attempts was.
    pub since_ms: i64,
    /// Why the last attempt failed.
    pub error: String,
    /// When it is tried again.
    pub again_at_ms: Option<i64>,
}

impl WorkflowClient {
    /// Starts the messages about a run. If they were started before, nothing happens.
    pub async fn notify_run(&self, messages: Vec<RunMessage>) -> Result<(), TemporalError> {
        let Some(about) = messages.first().map(|message| message.notice.clone()) else {
            return Ok(());
        };
        let workflow_id = id::notify_run(&about.account, &about.run, &about.state);
        let started = async {
            let converter = self.client.data_converter();
            let input = RunNotifyInput {
                version: VERSION,
                messages,
                since_ms: clock::now_ms(),
                timing: self.settings.timing.clone(),
            };
            self.start(Start {
                workflow_id: workflow_id.clone(),
                workflow_type: RunNotifyWorkflow::NAME,
                input: arguments(converter, &input).await?,
                memo: memo(converter, &about.account, Some(&about.stack), Some(&about.run)).await?,
                summary: format!("Messages about {} of {}", about.run, about.stack),
                reuse: WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
            })
            .await
        };
        recorded_as(workflow_id.clone(), started.await).map(|_| ())
    }

    /// The sinks that are behind, by name. Only the oldest workflows that send messages are asked.
    pub async fn sinks_behind(
        &self,
        account: &AccountName,
    ) -> Result<BTreeMap<String, SinkBehind>, TemporalError> {
        let of_account = |id: &str| id::account_of_notify(id).as_ref() == Some(account);
        let mut behind = BTreeMap::new();
        let open = self.workflows(NotifyWorkflow::NAME, RUNNING).await?;
        // The newest are listed first.
        for workflow in open.iter().rev().filter(|id| of_account(id)).take(ASKED_MAX) {
            let deliveries = self
                .query::<NotifyWorkflow, _>(workflow, NotifyDeliveries, ())
                .await?;
            add(&mut behind, deliveries);
        }
        let open = self.workflows(RunNotifyWorkflow::NAME, RUNNING).await?;
        for workflow in open.iter().rev().filter(|id| of_account(id)).take(ASKED_MAX) {
            let deliveries = self
                .query::<RunNotifyWorkflow, _>(workflow, RunNotifyDeliveries, ())
                .await?;
            add(&mut behind, deliveries);
        }
        Ok(behind)
    }
}

fn add(behind: &mut BTreeMap<String, SinkBehind>, deliveries: Deliveries) {
    for (sink, delivery) in deliveries {
        let (Some(since_ms), Some(error)) = (delivery.failing_since_ms, delivery.error) else {
            continue;
        };
        let known = behind.entry(sink).or_insert_with(|| SinkBehind {
            messages: 0,
            since_ms,
            error: String::new(),
            again_at_ms: None,
        });
        known.messages += 1;
        known.since_ms = known.since_ms.min(since_ms);
        known.error = error;
        known.again_at_ms = known.again_at_ms.max(delivery.not_before_ms);
    }
}
