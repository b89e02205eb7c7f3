//! The events that the audit trail receives.

use serde_json::{Value, json};

use crate::account::state::Account;
use crate::model::audit_trail::AuditTrail;
use crate::model::clock::Timestamp;

/// Sets the webhook, and sends it an event about that.
pub(crate) fn set(account: &mut Account, trail: AuditTrail, actor: &str) {
    account.audit_trail = Some(trail);
    send(
        account,
        "audit_trail_webhook.set",
        "auditTrailSetWebhook",
        actor,
        &json!({}),
    );
}

/// Deletes the webhook; this is the last event that it receives.
pub(crate) fn delete(account: &mut Account, actor: &str) -> Option<AuditTrail> {
    send(
        account,
        "audit_trail_webhook.delete",
        "auditTrailDeleteWebhook",
        actor,
        &json!({}),
    );
    account.audit_trail.take()
}

/// Sends an event about a successful mutation. The id of the changed object is not known here.
pub(crate) fn report(account: &mut Account, mutation: &str, actor: &str) {
    // The trail's own mutations send their own events.
    if let Some(action) = action(mutation).filter(|_| !mutation.starts_with("auditTrail")) {
        send(account, &action, mutation, actor, &json!({ "args": {} }));
    }
}

fn send(account: &mut Account, action: &str, mutation: &str, actor: &str, data: &Value) {
    let Some(trail) = &account.audit_trail else { return };
    let event = json!({
        "account": account.name.as_str(),
        "action": action,
        "actor": actor,
        "context": { "mutation": mutation },
        "data": data,
        "remoteIP": "192.0.2.1",
        "timestamp": Timestamp::now().millis(),
    });
    if let Some(outgoing) = trail.delivery(event.to_string().into_bytes(), None) {
        account.deliveries.send(outgoing);
    }
}

/// `stack.create` for `stackCreate`: the last word is the action. A login is not a change.
fn action(mutation: &str) -> Option<String> {
    if matches!(mutation, "apiKeyUser" | "oauthUser" | "logout") {
        return None;
    }
    let name = mutation.trim_end_matches(|character: char| character.is_ascii_digit());
    let name = name
        .strip_suffix(['V', 'v'])
        .filter(|_| name != mutation)
        .unwrap_or(name);
    let index = name.rfind(|character: char| character.is_ascii_uppercase())?;
    let (noun, deed) = name.split_at(index);
    Some(format!("{}.{}", snake_case(noun), deed.to_ascii_lowercase()))
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, character| {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::action;

    #[test]
    fn an_action_is_a_noun_and_a_verb() {
        let table = [
            ("stackCreate", Some("stack.create")),
            ("contextCreateV2", Some("context.create")),
            ("policyCreatev2", Some("policy.create")),
            (
                "namedWebhooksIntegrationCreate",
                Some("named_webhooks_integration.create"),
            ),
            ("apiKeyUser", None),
        ];
        for (mutation, expected) in table {
            assert_eq!(action(mutation).as_deref(), expected, "{mutation}");
        }
    }
}
