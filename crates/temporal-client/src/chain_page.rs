//! Chains in pages: open ones first, then closed ones, the latest first.

use std::time::SystemTime;

use chain::{AccountName, ChainId};
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{NamespacedClient, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use crate::definition::StackDependencyChainWorkflow;
use crate::id;
use crate::{TemporalError, WorkflowClient};

/// A chain in a list.
#[derive(Debug, Clone)]
pub struct ChainSummary {
    pub id: ChainId,
    pub status: WorkflowExecutionStatus,
    pub started: Option<SystemTime>,
    pub closed: Option<SystemTime>,
}

/// Which chains are listed.
#[derive(Debug, Clone, Default)]
pub struct ChainFilter {
    pub account: Option<AccountName>,
    /// Only open chains, or only closed ones.
    pub is_open: Option<bool>,
    pub started_from: Option<jiff::Timestamp>,
    pub started_until: Option<jiff::Timestamp>,
}

/// Some chains, and a token for the next ones.
#[derive(Debug, Clone)]
pub struct ChainPage {
    pub chains: Vec<ChainSummary>,
    /// The token of the next page; empty at the end of the list. Only Temporal can read it.
    pub next: Vec<u8>,
}

impl ChainFilter {
    pub(crate) fn query(&self) -> String {
        // A chain that continued in a new history is listed once.
        let mut conditions = vec![
            format!("WorkflowType = '{}'", StackDependencyChainWorkflow::NAME),
            "ExecutionStatus != 'ContinuedAsNew'".to_owned(),
        ];
        if let Some(account) = &self.account {
            let prefix = quoted(&id::chains_of(account));
            conditions.push(format!("WorkflowId STARTS_WITH {prefix}"));
        }
        if let Some(is_open) = self.is_open {
            let comparison = if is_open { "=" } else { "!=" };
            conditions.push(format!("ExecutionStatus {comparison} 'Running'"));
        }
        if let Some(from) = self.started_from {
            conditions.push(format!("StartTime >= '{from}'"));
        }
        if let Some(until) = self.started_until {
            conditions.push(format!("StartTime < '{until}'"));
        }
        conditions.join(" AND ")
    }
}

/// Quotes a text for a Temporal query.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

impl WorkflowClient {
    /// Up to this many chains that match a filter, after those of an earlier page.
    pub async fn chain_page(
        &self,
        filter: &ChainFilter,
        size: u16,
        after: Vec<u8>,
    ) -> Result<ChainPage, TemporalError> {
        let request = ListWorkflowExecutionsRequest {
            namespace: self.client.namespace(),
            page_size: size.into(),
            next_page_token: after,
            query: filter.query(),
        };
        let answer = self
            .client
            .connection()
            .workflow_service()
            .list_workflow_executions(request.into_request())
            .await
            .map_err(|error| TemporalError::new("list the chains", error))?
            .into_inner();
        Ok(ChainPage {
            chains: answer.executions.into_iter().filter_map(summary).collect(),
            next: answer.next_page_token,
        })
    }
}

fn summary(info: WorkflowExecutionInfo) -> Option<ChainSummary> {
    let status = WorkflowExecutionStatus::from(info.status());
    let time = |time: Option<_>| time.and_then(|time| SystemTime::try_from(time).ok());
    Some(ChainSummary {
        id: ChainId::of_workflow(&info.execution?.workflow_id),
        status,
        started: time(info.start_time),
        closed: time(info.close_time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_queries() {
        let filter = ChainFilter {
            account: Some(r"a'\OR".parse().unwrap()),
            is_open: Some(true),
            ..ChainFilter::default()
        };
        let query = filter.query();
        assert!(
            query.ends_with(r"AND WorkflowId STARTS_WITH 'chain:a\'\\OR:' AND ExecutionStatus = 'Running'"),
            "{query}"
        );
    }
}
