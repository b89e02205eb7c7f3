//! The integrations of a stack. This account has only webhooks: the others are there, and not set up.

use async_graphql::SimpleObject;

use super::webhook::WebhooksIntegration;

#[derive(Default, SimpleObject)]
pub(super) struct Integrations {
    pub webhooks: Vec<WebhooksIntegration>,
    pub aws: AwsIntegration,
    pub gcp: GcpIntegration,
    pub drift_detection: DriftDetectionIntegration,
}

#[derive(Default, SimpleObject)]
pub(super) struct AwsIntegration {
    activated: bool,
    assumed_role_arn: Option<String>,
    assume_role_policy_statement: String,
    #[graphql(name = "externalID")]
    external_id: Option<String>,
    generate_credentials_in_worker: bool,
    duration_seconds: Option<i32>,
    region: Option<String>,
}

#[derive(Default, SimpleObject)]
pub(super) struct GcpIntegration {
    activated: bool,
    service_account_email: Option<String>,
    token_scopes: Vec<String>,
}

#[derive(Default, SimpleObject)]
pub(super) struct DriftDetectionIntegration {
    activated: bool,
    ignore_state: bool,
    reconcile: bool,
    schedule: Vec<String>,
    timezone: String,
}
