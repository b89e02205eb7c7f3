//! Triggers a run of a stack.

use chain::{CommitSha, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;
use reqwest::header::HeaderValue;

use super::Run;
use crate::error::ErrorKind;
use crate::transport::Effect;
use crate::{Error, Reservation, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    variables_derives = "Default",
    skip_serializing_none
)]
pub(super) struct RunTrigger;

/// The settings of a run to trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerRun {
    /// Spacelift can create tracked and proposed runs.
    pub run_type: RunType,
    /// `None`: the stack's tracked commit.
    pub commit: Option<CommitSha>,
    /// Environment variables of this run alone. They are not secret: everyone who can see the run can see them.
    pub environment: Vec<(String, String)>,
    /// Included in every event of the run if the notification policy passes it on. One line.
    pub metadata: Option<String>,
}

impl Default for TriggerRun {
    /// A tracked run of the stack's own commit.
    fn default() -> Self {
        Self {
            run_type: RunType::Tracked,
            commit: None,
            environment: Vec::new(),
            metadata: None,
        }
    }
}

impl Spacelift {
    /// Triggers a run. Not idempotent: after `Ambiguous`, check the stack's runs before triggering another.
    pub async fn trigger_run(&self, stack: &StackId, trigger: &TriggerRun) -> Result<Run, Error> {
        let metadata = trigger.metadata.as_deref().map(metadata_header).transpose()?;
        self.perform::<RunTrigger, _>(Effect::Write, metadata, variables(stack, trigger), |data| {
            Run::from_fields(data.run_trigger)
        })
        .await
    }

    /// Triggers a run without a wait before it. It is not sent again with another token.
    pub async fn trigger_reserved_run(
        &self,
        reservation: Reservation,
        stack: &StackId,
        trigger: &TriggerRun,
    ) -> Result<Run, Error> {
        let metadata = trigger.metadata.as_deref().map(metadata_header).transpose()?;
        let variables = variables(stack, trigger);
        self.perform_reserved::<RunTrigger, _>(reservation, metadata, variables, |data| {
            Run::from_fields(data.run_trigger)
        })
        .await
    }
}

fn metadata_header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Error {
        operation: "RunTrigger".to_owned(),
        kind: ErrorKind::Refused {
            message: format!("the run's metadata {text:?} is not one line of text"),
        },
    })
}

fn variables(stack: &StackId, trigger: &TriggerRun) -> run_trigger::Variables {
    let environment: Vec<_> = trigger
        .environment
        .iter()
        .map(|(key, value)| run_trigger::EnvVarInput {
            key: key.clone(),
            value: value.clone(),
        })
        .collect();
    let runtime_config = run_trigger::RuntimeConfigInput {
        environment: Some(environment),
        ..Default::default()
    };
    run_trigger::Variables {
        stack: stack.to_string(),
        commit_sha: trigger.commit.as_ref().map(CommitSha::to_string),
        run_type: Some(trigger.run_type.clone()),
        runtime_config: (!trigger.environment.is_empty()).then_some(runtime_config),
    }
}
