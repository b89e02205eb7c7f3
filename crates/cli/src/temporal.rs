//! The connection to Temporal that the environment names.

use temporal_client::{TemporalSettings, WorkflowClient, namespace_id};
use temporalio_client::tonic::Code;

use crate::failure::Failure;
use crate::variables::{settings, variables};

pub(crate) async fn connect() -> anyhow::Result<WorkflowClient> {
    let settings = settings()?;
    let temporal = TemporalSettings::from_variables(&variables().await?)?;
    let client = temporal.connect().await?;
    // Without the namespace every chain would seem to be missing.
    match namespace_id(&client, temporal.namespace()).await {
        Err(status) if status.code() == Code::NotFound => Err(no_namespace(&temporal).into()),
        // A key may lack the right to look at its namespace.
        _ => Ok(WorkflowClient::new(client, settings)),
    }
}

fn no_namespace(temporal: &TemporalSettings) -> Failure {
    Failure::setting(format!(
        "Temporal at {} has no namespace `{}`",
        temporal.address(),
        temporal.namespace()
    ))
    .hint("Set TEMPORAL_NAMESPACE, or create the namespace. `spillway doctor` lists the namespaces.")
}
