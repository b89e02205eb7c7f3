//! `spillway query`.

use serde_json::json;

use crate::world::World;

const DOCUMENT: &str = "query ($id: ID!) { stack(id: $id) { name autodeploy } }";

#[tokio::test]
async fn a_document_comes_inline_from_a_file_or_from_stdin() {
    let world = World::acme().await;
    world.file("stack.graphql", DOCUMENT);
    let expected = json!({"stack": {"name": "backoffice", "autodeploy": false}});
    for (argument, stdin) in [(DOCUMENT, ""), ("stack.graphql", ""), ("-", DOCUMENT)] {
        let ran = world
            .run_with_stdin(&["query", argument, "--variable", "id=backoffice"], stdin)
            .await;
        assert_eq!(ran.json(), expected, "{argument}");
    }
}

#[tokio::test]
async fn a_variable_is_json_where_it_can_be() {
    let world = World::acme().await;
    let document = "query ($input: SearchInput!) { searchStacks(input: $input) { edges { node { id } } } }";
    let found = world
        .run(&["query", document, "--variable", r#"input={"first": 2}"#])
        .await
        .json();
    assert_eq!(found["searchStacks"]["edges"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_spacelift_refuses_is_said_in_its_words() {
    let world = World::acme().await;
    let said = world.run(&["query", "{ nonsense }"]).await.failed(4);
    assert!(said.contains("Unknown field \"nonsense\""), "{said}");
    let said = world.run(&["query", "missing.graphql"]).await.failed(2);
    assert!(
        said.starts_with("error: the file `missing.graphql` could not be read"),
        "{said}"
    );
}
