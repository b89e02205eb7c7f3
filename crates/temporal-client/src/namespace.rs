//! The id of the namespace, which tells two servers apart.

use chain::metadata::Namespace;
use temporalio_client::tonic::{Code, IntoRequest, Status};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;

use crate::{TemporalError, WorkflowClient};

/// The id of a namespace. An error means that it does not exist, or that the key may not look at it.
pub async fn namespace_id(client: &Client, name: &str) -> Result<String, Status> {
    let request = DescribeNamespaceRequest {
        namespace: name.to_owned(),
        ..Default::default()
    };
    let answer = client
        .connection()
        .workflow_service()
        .describe_namespace(request.into_request())
        .await?;
    Ok(answer.into_inner().namespace_info.unwrap_or_default().id)
}

impl WorkflowClient {
    /// The namespace with its id, or only with its name if the key may not look at it.
    pub async fn namespace(&self) -> Result<Namespace, TemporalError> {
        let name = self.client.namespace();
        let id = self
            .namespace_id
            .get_or_try_init(async || match namespace_id(&self.client, &name).await {
                Ok(id) => Ok(Some(id)),
                Err(status) if matches!(status.code(), Code::PermissionDenied | Code::Unimplemented) => {
                    Ok(None)
                }
                Err(status) => Err(TemporalError::new("look at the namespace", status)),
            })
            .await?;
        Ok(Namespace {
            id: id.clone().filter(|id| !id.is_empty()),
            name,
        })
    }
}
