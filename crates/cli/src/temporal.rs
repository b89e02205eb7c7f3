//! The connection to Temporal that the environment names.

use temporal_client::{TemporalSettings, WorkflowClient};
use temporalio_client::Client;
use temporalio_client::tonic::{Code, IntoRequest, Status};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;

use crate::command::{settings, variables};
use crate::failure::Failure;

pub(crate) async fn connect() -> anyhow::Result<WorkflowClient> {
    let settings = settings()?;
    let temporal = TemporalSettings::from_variables(&variables().await?)?;
    let client = temporal.connect().await?;
    // Without the namespace every chain would seem to be missing.
    match describe_namespace(&client, temporal.namespace()).await {
        Err(status) if status.code() == Code::NotFound => Err(no_namespace(&temporal).into()),
        // A key may lack the right to look at its namespace.
        _ => Ok(WorkflowClient::new(client, settings)),
    }
}

pub(crate) async fn describe_namespace(client: &Client, namespace: &str) -> Result<(), Status> {
    let request = DescribeNamespaceRequest {
        namespace: namespace.to_owned(),
        ..Default::default()
    };
    client
        .connection()
        .workflow_service()
        .describe_namespace(request.into_request())
        .await
        .map(drop)
}

fn no_namespace(temporal: &TemporalSettings) -> Failure {
    Failure::setting(format!(
        "Temporal at {} has no namespace `{}`",
        temporal.address(),
        temporal.namespace()
    ))
    .hint("Set TEMPORAL_NAMESPACE, or create the namespace. `spillway doctor` lists the namespaces.")
}
