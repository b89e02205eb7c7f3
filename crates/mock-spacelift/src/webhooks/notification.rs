//! Notification policies: their input for a transition, and the deliveries that they request.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::policy::PolicyType;
use crate::model::run::Run;
use crate::model::stack::Stack;
use crate::model::webhook::{DeliveredTransition, NamedWebhook, Outgoing, WebhookKey};
use crate::webhooks::policy_input::{run_input, stack_input};

/// A request that a policy wants to send.
#[derive(Deserialize)]
struct WebhookRequest {
    endpoint_id: String,
    payload: Option<Value>,
    headers: Option<BTreeMap<String, String>>,
    method: Option<String>,
}

/// The deliveries requested by the policies that apply to the run's space.
///
/// A policy that fails, or requests something impossible, is logged and delivers nothing. As in Spacelift, it does not
/// delay the run.
pub(crate) fn deliveries(
    account: &Account,
    stack: &Stack,
    run: &Run,
    default_body: &[u8],
    about: &DeliveredTransition,
) -> Vec<Outgoing> {
    let reach = account.spaces.inherited(&stack.space);
    let webhooks: Vec<&NamedWebhook> = account
        .named_webhooks
        .all()
        .filter(|webhook| reach.contains(&webhook.space))
        .collect();
    let mut policies = account
        .policies
        .all()
        .filter(|policy| policy.policy_type == PolicyType::Notification && reach.contains(&policy.space))
        .peekable();
    if policies.peek().is_none() || webhooks.is_empty() {
        return Vec::new();
    }
    let input = input(account, stack, run, &webhooks);
    let mut outgoing = Vec::new();
    for policy in policies {
        let requests = match policy.rego.webhooks(&input) {
            Ok(requests) => requests,
            Err(reason) => {
                tracing::warn!(policy.id = %policy.id, "Policy `{}` failed: {reason}", policy.id);
                continue;
            }
        };
        for request in requests {
            match delivery(request, &webhooks, run, default_body, about) {
                Ok(delivery) => outgoing.extend(delivery),
                Err(reason) => {
                    tracing::warn!(policy.id = %policy.id, "Policy `{}` requested a delivery and was refused: {reason}", policy.id);
                }
            }
        }
    }
    outgoing
}

/// `None` if the webhook is disabled.
fn delivery(
    request: Value,
    webhooks: &[&NamedWebhook],
    run: &Run,
    default_body: &[u8],
    about: &DeliveredTransition,
) -> Result<Option<Outgoing>, String> {
    let request: WebhookRequest = serde_json::from_value(request).map_err(|error| error.to_string())?;
    let webhook = webhooks
        .iter()
        .find(|webhook| webhook.id == request.endpoint_id)
        .ok_or_else(|| {
            format!(
                "there is no webhook `{}` in a space that the policy covers",
                request.endpoint_id
            )
        })?;
    if !webhook.target.enabled {
        return Ok(None);
    }
    let body = match request.payload {
        Some(mut payload) => {
            fill_in_logs(&mut payload, run);
            serde_json::to_vec(&payload).map_err(|error| error.to_string())?
        }
        None => default_body.to_vec(),
    };
    let key = WebhookKey::Named(webhook.id.clone());
    let mut outgoing = Outgoing::new(key, &webhook.target, body, Some(about.clone()));
    outgoing.headers.clone_from(&webhook.headers);
    outgoing.headers.extend(request.headers.unwrap_or_default());
    outgoing.method = request.method.unwrap_or(outgoing.method);
    Ok(Some(outgoing))
}

/// Replaces the placeholders for logs in values, but not in keys.
fn fill_in_logs(payload: &mut Value, run: &Run) {
    match payload {
        Value::String(text) => {
            for phase in ["initializing", "preparing", "planning", "applying"] {
                let placeholder = format!("spacelift::logs::{phase}");
                if text.contains(&placeholder) {
                    *text = text.replace(&placeholder, &run.log(phase));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in_logs(item, run)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_in_logs(field, run)),
        _ => {}
    }
}

/// The policy input of a transition: snake case, times in nanoseconds.
fn input(account: &Account, stack: &Stack, run: &Run, webhooks: &[&NamedWebhook]) -> Value {
    let transition = run.last();
    let endpoints: Vec<Value> = webhooks
        .iter()
        .map(|webhook| json!({ "id": webhook.id, "labels": webhook.labels }))
        .collect();
    json!({
        "account": { "name": account.name.as_str() },
        "webhook_endpoints": endpoints,
        "run_updated": {
            "state": transition.state.as_str(),
            "username": transition.username.as_deref().unwrap_or_default(),
            "note": transition.note.as_deref().unwrap_or_default(),
            "run": run_input(account, run),
            "stack": stack_input(account, stack),
            "timing": timing(run),
            "urls": { "run": account.run_url(run) },
            "policy_receipts": [],
            "plan_policy_decision": { "deny": [], "warn": [] },
        },
    })
}

/// How long the run was in each state that it has left.
fn timing(run: &Run) -> Vec<Value> {
    let lasted = |from: Timestamp, to: Timestamp| to.nanos() - from.nanos();
    run.history
        .windows(2)
        .map(|pair| json!({ "state": pair[0].state.as_str(), "duration": lasted(pair[0].at, pair[1].at) }))
        .collect()
}
