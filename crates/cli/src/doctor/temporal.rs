//! Whether Temporal answers, has the namespace, and whether a worker waits there.

use environment::Variables;
use orchestrator::{ConnectError, Settings, TemporalSettings};
use temporalio_client::Client;
use temporalio_client::tonic::{Code, IntoRequest, Status};
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeTaskQueueRequest,
};

use super::finding::{Cause, Finding, Report};

const CHECK: &str = "Temporal";
const ADVICE: &str = "correct TEMPORAL_ADDRESS and the other TEMPORAL_ variables";

/// Stops at what makes the rest impossible.
pub(super) async fn examine(variables: &Variables, settings: Option<&Settings>, report: &mut Report) {
    let temporal = match TemporalSettings::from_variables(variables) {
        Ok(temporal) => temporal,
        Err(error) => {
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), ADVICE));
            return;
        }
    };
    let client = match temporal.connect().await {
        Ok(client) => client,
        Err(error @ ConnectError::Unreachable { .. }) => {
            let advice = "start it, or set TEMPORAL_ADDRESS; `spillway dev` brings one of its own";
            report.add(Finding::problem(
                CHECK,
                Cause::Unreachable,
                error.to_string(),
                advice,
            ));
            return;
        }
        Err(error) => {
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), ADVICE));
            return;
        }
    };
    if let Err(status) = namespace(&client, temporal.namespace()).await {
        report.add(no_namespace(temporal.namespace(), &status));
        return;
    }
    let (address, namespace) = (temporal.address(), temporal.namespace());
    report.add(Finding::ok(
        CHECK,
        format!("answers at {address}, and has the namespace `{namespace}`"),
    ));
    if let Some(settings) = settings {
        report.add(worker(&client, namespace, &settings.task_queue).await);
    }
}

async fn namespace(client: &Client, namespace: &str) -> Result<(), Status> {
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

fn no_namespace(namespace: &str, status: &Status) -> Finding {
    let said = status.message();
    match status.code() {
        Code::NotFound => Finding::problem(
            CHECK,
            Cause::Setting,
            format!("there is no namespace `{namespace}`"),
            "set TEMPORAL_NAMESPACE, or make the namespace",
        ),
        Code::PermissionDenied | Code::Unauthenticated => Finding::problem(
            CHECK,
            Cause::Refused,
            format!("it does not let us into the namespace `{namespace}`: {said}"),
            "check TEMPORAL_API_KEY, or the certificate",
        ),
        code => Finding::problem(
            CHECK,
            Cause::Unreachable,
            format!("the namespace `{namespace}` cannot be asked for: {code}: {said}"),
            ADVICE,
        ),
    }
}

async fn worker(client: &Client, namespace: &str, task_queue: &str) -> Finding {
    const CHECK: &str = "worker";
    let request = DescribeTaskQueueRequest {
        namespace: namespace.to_owned(),
        task_queue: Some(TaskQueue {
            name: task_queue.to_owned(),
            ..Default::default()
        }),
        task_queue_type: TaskQueueType::Workflow.into(),
        ..Default::default()
    };
    match client
        .connection()
        .workflow_service()
        .describe_task_queue(request.into_request())
        .await
    {
        Ok(queue) if !queue.get_ref().pollers.is_empty() => {
            Finding::ok(CHECK, format!("waits at the task queue `{task_queue}`"))
        }
        Ok(_) => Finding::warning(
            CHECK,
            format!("none waits at the task queue `{task_queue}`"),
            "start the worker, with the same SPILLWAY_TASK_QUEUE; until then chains stand still",
        ),
        Err(status) => Finding::warning(
            CHECK,
            format!(
                "the task queue `{task_queue}` cannot be looked at: {}",
                status.message()
            ),
            "give the Temporal key the right to read the namespace",
        ),
    }
}
