//! Spaces, with the mock account.

use serde_json::json;
use spacelift::{ErrorKind, NewSpace, Space};

use crate::server::account;

fn new_space(name: &str, parent: &str) -> NewSpace {
    NewSpace {
        name: name.to_owned(),
        parent: parent.parse().unwrap(),
        description: "what runs".to_owned(),
        inherit_entities: true,
        labels: vec!["prod".to_owned()],
    }
}

#[tokio::test]
async fn a_space_is_created_found_and_deleted() {
    let (_mock, _server, client) = account().await;
    let made = client
        .create_space(&new_space("production", "root"))
        .await
        .unwrap();
    assert_eq!(
        made,
        Space {
            id: made.id.clone(),
            name: "production".to_owned(),
            description: "what runs".to_owned(),
            parent: Some("root".parse().unwrap()),
            inherit_entities: true,
            labels: vec!["prod".to_owned()],
        }
    );
    assert_eq!(client.space(&made.id).await.unwrap(), Some(made.clone()));
    let all = client.spaces().await.unwrap();
    assert_eq!(
        all.iter().filter(|space| space.parent.is_none()).count(),
        1,
        "{all:?}"
    );
    assert!(all.contains(&made), "{all:?}");

    assert!(client.delete_space(&made.id).await.unwrap());
    assert_eq!(client.space(&made.id).await.unwrap(), None);
    assert!(!client.delete_space(&made.id).await.unwrap());
}

#[tokio::test]
async fn a_space_needs_a_parent_that_exists() {
    let (_mock, _server, client) = account().await;
    let error = client
        .create_space(&new_space("production", "nowhere"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound { .. }), "{error}");
    assert_eq!(error.operation, "SpaceCreate");
}

#[tokio::test]
async fn chosen_fields_of_spaces() {
    let (_mock, _server, client) = account().await;
    let fields = "key: id name".parse().unwrap();
    let root = json!({"key": "root", "name": "root"});
    assert_eq!(
        client
            .space_with(&"root".parse().unwrap(), &fields)
            .await
            .unwrap(),
        Some(root.clone())
    );
    assert!(client.spaces_with(&fields).await.unwrap().contains(&root));
    assert_eq!(
        client
            .space_with(&"nowhere".parse().unwrap(), &fields)
            .await
            .unwrap(),
        None
    );
}
