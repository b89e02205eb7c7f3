//! Whether Temporal answers, has the namespace, and whether a worker is connected.

use chain::AccountName;
use environment::Variables;
use settings::Settings;
use temporal_client::{ConnectError, TemporalSettings, WorkflowClient, clock, namespace_id};
use temporalio_client::Client;
use temporalio_client::tonic::{Code, IntoRequest, Status};
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, ListNamespacesRequest,
};

use super::finding::{Cause, Finding, Report};
use crate::failure;

/// How many namespaces are listed where the configured one does not exist.
const NAMESPACES_LISTED: i32 = 20;

const CHECK: &str = "Temporal";
const ADVICE: &str = "Correct TEMPORAL_ADDRESS and the other TEMPORAL_ variables.";

/// Stops at the first problem that makes the other checks impossible.
pub(super) async fn examine(
    variables: &Variables,
    settings: Option<&Settings>,
    account: Option<&AccountName>,
    report: &mut Report,
) {
    let temporal = match TemporalSettings::from_variables(variables) {
        Ok(temporal) => temporal,
        Err(error) => {
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), ADVICE));
            return;
        }
    };
    let client = match temporal.connect().await {
        Ok(client) => client,
        Err(ConnectError::Unreachable { .. }) => {
            let advice =
                "Start Temporal, or set TEMPORAL_ADDRESS. `spillway dev` starts a server of its own.";
            report.add(Finding::problem(
                CHECK,
                Cause::Unreachable,
                format!("no answer at {}", temporal.address()),
                advice,
            ));
            return;
        }
        Err(error) => {
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), ADVICE));
            return;
        }
    };
    if let Err(status) = namespace_id(&client, temporal.namespace()).await {
        let others = namespaces(&client).await;
        report.add(no_namespace(temporal.namespace(), &status, &others));
        return;
    }
    let (address, namespace) = (temporal.address(), temporal.namespace());
    report.add(Finding::ok(
        CHECK,
        format!("answers at {address}; the namespace `{namespace}` exists"),
    ));
    if let Some(settings) = settings {
        report.add(worker(&client, namespace, &settings.task_queue).await);
        if let Some(account) = account {
            let workflows = WorkflowClient::new(client, settings.clone());
            report.add(other_spillway(&workflows, account).await);
            report.add(sweep(&workflows).await);
            super::sinks::behind(&workflows, account, report).await;
        }
    }
}

/// Whether the schedule has seen runs that another Spillway made with our key.
async fn other_spillway(workflows: &WorkflowClient, account: &AccountName) -> Finding {
    const CHECK: &str = "API key";
    match workflows.schedule_report(account).await {
        Ok(report) => match report.and_then(|report| report.conflict) {
            None => Finding::ok(CHECK, "no other Spillway is known to use the key".to_owned()),
            Some(conflict) => Finding::problem(
                CHECK,
                Cause::Setting,
                conflict,
                "Let one Spillway work on the account, with a key that nobody else uses. Then run `spillway go`.",
            ),
        },
        Err(error) => Finding::warning(
            CHECK,
            format!(
                "not known whether another Spillway uses the key: {}",
                failure::in_one_line(&error.into())
            ),
            "Start the worker: it answers for the schedule of the account.",
        ),
    }
}

/// When a sweep last succeeded. It finds what webhooks missed.
async fn sweep(workflows: &WorkflowClient) -> Finding {
    const CHECK: &str = "sweep";
    const ADVICE: &str =
        "Start the worker. If it runs, look at its log, and at the schedule of the sweep in Temporal.";
    let last = match workflows.last_sweep().await {
        Ok(Some(last)) => last,
        Ok(None) => return Finding::warning(CHECK, "Temporal knows none that succeeded".to_owned(), ADVICE),
        Err(error) => {
            let why = failure::in_one_line(&error.into());
            return Finding::warning(CHECK, format!("not known: {why}"), ADVICE);
        }
    };
    let now_ms = clock::now_ms();
    let minutes = |ms: i64| format!("{} min", ms / 60_000);
    let detail = format!(
        "the last one that succeeded began {} ago; one begins every {}",
        minutes(now_ms - last.began_ms),
        minutes(clock::milliseconds(workflows.settings().sweep_every))
    );
    if last.is_late(now_ms) {
        Finding::warning(CHECK, detail, ADVICE)
    } else {
        Finding::ok(CHECK, detail)
    }
}

/// The names of the namespaces; none where the key is not allowed to list them.
async fn namespaces(client: &Client) -> Vec<String> {
    let request = ListNamespacesRequest {
        page_size: NAMESPACES_LISTED,
        ..Default::default()
    };
    let mut service = client.connection().workflow_service();
    let Ok(listed) = service.list_namespaces(request.into_request()).await else {
        return Vec::new();
    };
    let infos = listed
        .into_inner()
        .namespaces
        .into_iter()
        .filter_map(|one| one.namespace_info);
    infos
        .map(|info| info.name)
        // Temporal's own.
        .filter(|name| name != "temporal-system")
        .collect()
}

fn no_namespace(namespace: &str, status: &Status, others: &[String]) -> Finding {
    let said = status.message();
    match status.code() {
        Code::NotFound => Finding::problem(
            CHECK,
            Cause::Setting,
            format!(
                "there is no namespace `{namespace}`{}",
                if others.is_empty() {
                    String::new()
                } else {
                    format!("; there are: {}", others.join(", "))
                }
            ),
            "Set TEMPORAL_NAMESPACE, or create the namespace.",
        ),
        Code::PermissionDenied | Code::Unauthenticated => Finding::problem(
            CHECK,
            Cause::Rejected,
            format!("no access to the namespace `{namespace}`: {said}"),
            "Check TEMPORAL_API_KEY, or the certificate.",
        ),
        code => Finding::problem(
            CHECK,
            Cause::Unreachable,
            format!("the namespace `{namespace}` could not be read: {code}: {said}"),
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
            Finding::ok(CHECK, format!("connected to the task queue `{task_queue}`"))
        }
        Ok(_) => Finding::warning(
            CHECK,
            format!("no worker is connected to the task queue `{task_queue}`"),
            "Start the worker with the same SPILLWAY_TASK_QUEUE. Until then, no chain moves.",
        ),
        Err(status) => Finding::warning(
            CHECK,
            format!(
                "the task queue `{task_queue}` could not be read: {}",
                status.message()
            ),
            "Give the Temporal key the right to read the namespace.",
        ),
    }
}
