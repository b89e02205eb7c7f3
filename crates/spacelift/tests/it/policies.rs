//! Named webhooks and the policies that feed them, with the mock account.

use mock_spacelift::NewStack;
use spacelift::{NewNamedWebhook, NewPolicy, Policy};

use crate::server::account;

fn new_webhook() -> NewNamedWebhook {
    NewNamedWebhook {
        name: "Spillway".to_owned(),
        enabled: true,
        endpoint: "https://hooks.example/webhook".to_owned(),
        space: "root".parse().unwrap(),
        secret: "hunter2".to_owned().into(),
        labels: vec!["spillway".to_owned()],
        retry_on_failure: true,
    }
}

fn new_policy() -> NewPolicy {
    NewPolicy {
        name: "Spillway".to_owned(),
        description: Some("tells Spillway of runs".to_owned()),
        body: "package spacelift\nwebhook[{\"endpoint_id\": \"spillway\"}] { input.run_updated }\n"
            .to_owned(),
        labels: vec!["spillway".to_owned()],
        space: "root".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_named_webhook_is_created_changed_and_deleted() {
    let (_mock, _server, client) = account().await;
    let made = client.create_named_webhook(&new_webhook()).await.unwrap();
    assert_eq!(
        (made.name.as_str(), made.enabled, made.retry_on_failure),
        ("Spillway", true, true)
    );
    assert_eq!(
        (made.space.as_str(), made.labels.as_slice()),
        ("root", &["spillway".to_owned()][..])
    );
    assert_eq!(
        client.named_webhooks().await.unwrap(),
        std::slice::from_ref(&made)
    );

    let change = NewNamedWebhook {
        endpoint: "https://new.example/webhook".to_owned(),
        ..new_webhook()
    };
    let changed = client.update_named_webhook(&made.id, &change).await.unwrap();
    assert_eq!(
        (&changed.id, changed.endpoint.as_str()),
        (&made.id, "https://new.example/webhook")
    );
    assert_eq!(client.named_webhooks().await.unwrap(), [changed]);
    assert!(client.delete_named_webhook(&made.id).await.unwrap());
    assert_eq!(client.named_webhooks().await.unwrap(), []);
}

#[tokio::test]
async fn a_notification_policy_is_created_changed_and_deleted() {
    let (_mock, _server, client) = account().await;
    let made = client.create_notification_policy(&new_policy()).await.unwrap();
    let new = new_policy();
    assert_eq!(
        made,
        Policy {
            id: made.id.clone(),
            name: new.name,
            description: new.description,
            policy_type: "NOTIFICATION".to_owned(),
            body: new.body,
            labels: new.labels,
            space: Some(new.space),
        }
    );
    assert_eq!(client.policies().await.unwrap(), std::slice::from_ref(&made));

    let change = NewPolicy {
        body: "package spacelift\n".to_owned(),
        ..new_policy()
    };
    let changed = client.update_policy(&made.id, &change).await.unwrap();
    assert_eq!(
        (&changed.id, changed.body.as_str()),
        (&made.id, "package spacelift\n")
    );
    assert_eq!(client.policies().await.unwrap(), [changed]);
    assert!(client.delete_policy(&made.id).await.unwrap());
    assert_eq!(client.policies().await.unwrap(), []);
}

#[tokio::test]
async fn policies_are_attached_to_stacks() {
    let (mock, _server, client) = account().await;
    mock.add_stack(NewStack::named("db").label("cloud:aws"));
    mock.add_stack(NewStack::named("web"));
    let body = "package spacelift\ntrigger[\"web\"] { true }\n";
    let policy = |name: &str| mock_spacelift::NewPolicy::trigger(name, body);
    for policy in [
        policy("by-hand"),
        policy("nobody"),
        policy("by-label").label("autoattach:cloud:aws"),
    ] {
        mock.create_policy(policy).unwrap();
    }
    mock.attach_policy("by-hand", "db");
    mock.attach_policy("by-hand", "web");
    let attached = client.policy_attachments().await.unwrap();
    let attached: Vec<String> = attached
        .iter()
        .map(|(policy, stacks)| {
            let stacks: Vec<&str> = stacks.iter().map(AsRef::as_ref).collect();
            format!("{policy}: {}", stacks.join(" "))
        })
        .collect();
    assert_eq!(attached, ["by-hand: db web", "by-label: db"]);
}

#[test]
fn a_webhooks_secret_is_not_in_the_debug_text() {
    let text = format!("{:?}", new_webhook());
    assert!(
        text.contains("hooks.example") && !text.contains("hunter2"),
        "{text}"
    );
}
