//! Contexts, with the mock account.

use serde_json::json;
use spacelift::{ConfigKind, ErrorKind, NewConfig, NewContext};

use crate::server::account;

fn new_context() -> NewContext {
    NewContext {
        name: "Shared settings".to_owned(),
        space: "root".parse().unwrap(),
        description: Some("for all".to_owned()),
        labels: vec!["autoattach:*".to_owned()],
        config: vec![
            NewConfig::variable("REGION", "eu-west-1").described("where"),
            NewConfig::variable("TOKEN", "hunter2").write_only(),
            NewConfig::file("etc/app.json", b"{}"),
            NewConfig::file("etc/key.pem", b"hunter2").write_only(),
        ],
    }
}

#[tokio::test]
async fn a_context_is_created_found_and_deleted() {
    let (_mock, _server, client) = account().await;
    let made = client.create_context(&new_context()).await.unwrap();
    let found = client.context(&made.id).await.unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(
        (found.name.as_str(), found.description.as_deref()),
        ("Shared settings", Some("for all"))
    );
    assert_eq!(found.labels, ["autoattach:*"]);
    let mut config: Vec<_> = found
        .config
        .iter()
        .map(|c| (c.id.as_str(), c.kind, c.value.as_deref()))
        .collect();
    config.sort_by_key(|(id, ..)| *id);
    assert_eq!(
        config,
        [
            ("REGION", ConfigKind::EnvironmentVariable, Some("eu-west-1")),
            ("TOKEN", ConfigKind::EnvironmentVariable, None),
            ("etc/app.json", ConfigKind::MountedFile, Some("e30=")),
            ("etc/key.pem", ConfigKind::MountedFile, None),
        ]
    );
    assert!(client.contexts().await.unwrap().contains(&found));

    assert!(client.delete_context(&made.id).await.unwrap());
    assert_eq!(client.context(&made.id).await.unwrap(), None);
    assert!(!client.delete_context(&made.id).await.unwrap());
}

#[tokio::test]
async fn a_second_context_of_the_same_name_is_refused() {
    let (_mock, _server, client) = account().await;
    client.create_context(&new_context()).await.unwrap();
    let error = client.create_context(&new_context()).await.unwrap_err();
    assert!(
        matches!(&error.kind, ErrorKind::Refused { message } if message.contains("already exists")),
        "{error}"
    );
}

#[tokio::test]
async fn chosen_fields_of_contexts() {
    let (_mock, _server, client) = account().await;
    let id = client.create_context(&new_context()).await.unwrap().id;
    let context = client
        .context_with(&id, &"id config { id writeOnly }".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(context["id"], json!(id));
    assert!(
        context["config"]
            .as_array()
            .unwrap()
            .contains(&json!({"id": "TOKEN", "writeOnly": true})),
        "{context}"
    );
    assert_eq!(
        client.contexts_with(&"id".parse().unwrap()).await.unwrap(),
        [json!({"id": id})]
    );
}
