//! Operations on the account as a whole, arbitrary documents, and that all operations can be spawned.

use secrecy::SecretString;
use serde_json::json;
use spacelift::{ErrorKind, Fields, Spacelift, TriggerRun};

use crate::server::account;

#[tokio::test]
async fn the_user_and_the_account() {
    let (_mock, _server, client) = account().await;
    assert!(!client.viewer().await.unwrap().id.is_empty());
    assert_eq!(client.account_name().await.unwrap().as_str(), "acme");
    assert!(!client.outgoing_addresses().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let (_mock, server, _) = account().await;
    let wrong = SecretString::from("wrong");
    let client = Spacelift::new(&server.url(), mock_spacelift::KEY_ID, wrong).unwrap();
    let error = client.stacks().await.unwrap_err();
    assert_eq!(
        (error.operation.as_str(), error.kind),
        ("ApiKeyUser", ErrorKind::Unauthorized)
    );
}

#[tokio::test]
async fn any_document_is_executed() {
    let (_mock, _server, client) = account().await;
    let document = "query Mine($id: ID!) { one: space(id: $id) { ...S } } fragment S on Space { id }";
    let data = client.execute(document, &json!({"id": "root"})).await.unwrap();
    assert_eq!(data, json!({"one": {"id": "root"}}));
    let error = client
        .execute("query Mine { nothing }", &json!({}))
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
    assert_eq!(error.operation, "Mine");
}

/// Only has to compile: a caller may spawn each of these futures.
#[test]
fn every_future_is_send() {
    fn spawnable<T: Send>(_: T) {}
    let client = Spacelift::new("http://127.0.0.1:1", "key", SecretString::from("secret")).unwrap();
    let (stack, run): (chain::StackId, chain::RunId) = ("a".parse().unwrap(), "b".parse().unwrap());
    let fields: Fields = "id".parse().unwrap();
    spawnable(client.stacks());
    spawnable(client.stacks_with(&fields));
    spawnable(client.stack_with_runs(&stack));
    spawnable(client.runs(&stack, 1, None));
    spawnable(client.runs_with(&stack, 1, &fields));
    spawnable(client.search_runs(&[], 1));
    spawnable(client.open_runs(1));
    spawnable(client.runs_since(0));
    spawnable(client.trigger_run(&stack, &TriggerRun::default()));
    spawnable(client.confirm_run(&stack, &run, None));
    spawnable(client.relabel_stack(&stack, |labels| labels));
    spawnable(client.blueprints());
    spawnable(client.named_webhooks());
    spawnable(client.execute("{ name }", &json!({})));
}
