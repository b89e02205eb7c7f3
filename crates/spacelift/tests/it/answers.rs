//! How answers are classified.

use std::time::Duration;

use serde_json::json;
use spacelift::{Error, ErrorClass, ErrorKind, TriggerRun};
use wiremock::ResponseTemplate;
use wiremock::matchers::{body_partial_json, header};

use crate::server::{client, client_within, data, operation, refusal, run, stack, start};

/// The errors of a query and of a mutation that get this answer.
async fn check(answer: ResponseTemplate) -> (Error, Error) {
    let (server, _) = start().await;
    // Exactly one of each: nothing is retried.
    operation("Stack")
        .respond_with(answer.clone())
        .expect(1)
        .mount(&server)
        .await;
    operation("RunTrigger")
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let client = client_within(&server.uri(), |limits| {
        limits.request_timeout = Duration::from_millis(400);
        limits.response_bytes_max = 10_000;
    });
    let id = "vpc".parse().unwrap();
    (
        client.stack(&id).await.unwrap_err(),
        client.trigger_run(&id, &TriggerRun::default()).await.unwrap_err(),
    )
}

#[tokio::test]
async fn too_many_requests() {
    let (query, mutation) = check(ResponseTemplate::new(429).insert_header("retry-after", "7")).await;
    for error in [query, mutation] {
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_server_error_is_ambiguous_for_a_mutation() {
    let (query, mutation) = check(ResponseTemplate::new(500)).await;
    assert!(matches!(query.kind, ErrorKind::Unreachable { .. }), "{query}");
    assert!(query.is_retryable());
    assert!(matches!(mutation.kind, ErrorKind::Ambiguous { .. }), "{mutation}");
    assert!(!mutation.is_retryable());
}

#[tokio::test]
async fn a_slow_answer_is_ambiguous_for_a_mutation() {
    let (query, mutation) = check(ResponseTemplate::new(200).set_delay(Duration::from_mins(1))).await;
    assert!(matches!(query.kind, ErrorKind::Unreachable { .. }), "{query}");
    assert!(matches!(mutation.kind, ErrorKind::Ambiguous { .. }), "{mutation}");
}

#[tokio::test]
async fn html_is_not_graphql() {
    let (query, mutation) = check(ResponseTemplate::new(200).set_body_raw("<html>", "text/html")).await;
    let detail = "6 bytes of `text/html`".to_owned();
    assert_eq!(
        query.kind,
        ErrorKind::NotGraphQl {
            status: 200,
            detail: detail.clone()
        }
    );
    assert!(query.is_retryable());
    assert_eq!(mutation.kind, ErrorKind::Ambiguous { detail });
}

#[tokio::test]
async fn a_truncated_answer_is_not_graphql() {
    let (query, mutation) =
        check(ResponseTemplate::new(200).set_body_raw(r#"{"data":{"st"#, "application/json")).await;
    assert!(
        matches!(query.kind, ErrorKind::NotGraphQl { status: 200, .. }),
        "{query}"
    );
    assert!(matches!(mutation.kind, ErrorKind::Ambiguous { .. }), "{mutation}");
}

#[tokio::test]
async fn data_of_another_shape_violate_the_schema() {
    let (query, mutation) = check(data(&json!({"stack": 1, "runTrigger": 1}))).await;
    assert!(matches!(query.kind, ErrorKind::UnexpectedData { .. }), "{query}");
    assert!(matches!(mutation.kind, ErrorKind::Ambiguous { .. }), "{mutation}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (query, mutation) = check(ResponseTemplate::new(200).set_body_string(" ".repeat(10_001))).await;
    assert!(query.to_string().contains("longer than 10000 bytes"), "{query}");
    assert!(
        mutation.to_string().contains("longer than 10000 bytes"),
        "{mutation}"
    );
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let (query, mutation) = check(ResponseTemplate::new(307).insert_header("location", "/elsewhere")).await;
    for error in [query, mutation] {
        let detail = "a redirect to `/elsewhere`".to_owned();
        assert_eq!(error.kind, ErrorKind::NotGraphQl { status: 307, detail });
        // A maintenance page may be a redirect.
        assert_eq!(error.class(), ErrorClass::Transient);
    }
}

#[tokio::test]
async fn a_refusal_keeps_spacelifts_message() {
    let (query, mutation) = check(refusal("stack is locked by someone")).await;
    for error in [query, mutation] {
        assert_eq!(
            error.kind,
            ErrorKind::Refused {
                message: "stack is locked by someone".to_owned()
            }
        );
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn not_found_is_a_kind_of_its_own() {
    let (query, mutation) = check(refusal("not found")).await;
    assert!(matches!(query.kind, ErrorKind::NotFound { .. }), "{query}");
    assert!(matches!(mutation.kind, ErrorKind::NotFound { .. }), "{mutation}");
}

#[tokio::test]
async fn a_trigger_is_refused_unauthorized_transient_or_ambiguous() {
    let html = |status| ResponseTemplate::new(status).set_body_raw("<html>", "text/html");
    for (answer, query, mutation) in [
        (
            refusal("stack is disabled"),
            ErrorClass::Refused,
            ErrorClass::Refused,
        ),
        (refusal("not found"), ErrorClass::Refused, ErrorClass::Refused),
        (
            ResponseTemplate::new(429),
            ErrorClass::Transient,
            ErrorClass::Transient,
        ),
        (html(404), ErrorClass::Transient, ErrorClass::Transient),
        (html(200), ErrorClass::Transient, ErrorClass::Ambiguous),
        (html(503), ErrorClass::Transient, ErrorClass::Ambiguous),
        (
            refusal("internal error"),
            ErrorClass::Transient,
            ErrorClass::Ambiguous,
        ),
    ] {
        let (query_error, mutation_error) = check(answer).await;
        assert_eq!(
            (query_error.class(), mutation_error.class()),
            (query, mutation),
            "{query_error}; {mutation_error}"
        );
    }
}

#[tokio::test]
async fn all_pages_are_read_and_moved_entries_are_not_repeated() {
    let (server, _) = start().await;
    let page = |ids: &[&str], next: Option<&str>| {
        let edges: Vec<_> = ids.iter().map(|id| json!({"node": stack(id)})).collect();
        let info = json!({"endCursor": next.unwrap_or_default(), "hasNextPage": next.is_some()});
        data(&json!({"searchStacks": {"edges": edges, "pageInfo": info}}))
    };
    for (input, answer) in [
        (json!({"first": 50}), page(&["a", "b"], Some("2"))),
        (json!({"first": 50, "after": "2"}), page(&["b", "c"], Some("4"))),
        (json!({"first": 50, "after": "4"}), page(&["d"], None)),
    ] {
        let asks_for = move |request: &wiremock::Request| {
            request.body_json::<serde_json::Value>().unwrap()["variables"]["input"] == input
        };
        operation("SearchStacks")
            .and(asks_for)
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    let stacks = client(&server.uri()).stacks().await.unwrap();
    assert_eq!(
        stacks.iter().map(|stack| stack.id.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c", "d"]
    );
}

#[tokio::test]
async fn a_search_whose_cursor_does_not_move_is_an_error() {
    let (server, _) = start().await;
    let found = json!({"edges": [], "pageInfo": {"endCursor": "same", "hasNextPage": true}});
    operation("SearchStacks")
        .respond_with(data(&json!({"searchStacks": found})))
        .expect(2)
        .mount(&server)
        .await;
    let error = client(&server.uri()).stacks().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::EndlessPages);
}

#[tokio::test]
async fn an_unreadable_stack_does_not_hide_the_others() {
    let (server, _) = start().await;
    let edges = json!([{"node": stack("a b")}, {"node": stack("c")}]);
    let found = json!({"edges": edges, "pageInfo": {"endCursor": "", "hasNextPage": false}});
    operation("SearchStacks")
        .respond_with(data(&json!({"searchStacks": found})))
        .mount(&server)
        .await;
    let stacks = client(&server.uri()).stacks().await.unwrap();
    assert_eq!(
        stacks.iter().map(|stack| stack.id.as_str()).collect::<Vec<_>>(),
        ["c"]
    );
}

#[tokio::test]
async fn a_trigger_sends_all_its_settings() {
    let (server, _) = start().await;
    let variables = json!({
        "stack": "vpc", "commitSha": "abc", "runType": "PROPOSED",
        "runtimeConfig": {"environment": [{"key": "A", "value": "1"}]}
    });
    operation("RunTrigger")
        .and(body_partial_json(json!({"variables": variables})))
        .and(header("spacelift-user-provided-run-metadata", "spillway:x"))
        .respond_with(data(&json!({"runTrigger": run("01R")})))
        .expect(1)
        .mount(&server)
        .await;
    let trigger = TriggerRun {
        run_type: chain::RunType::Proposed,
        commit: chain::CommitSha::new("abc"),
        environment: vec![("A".to_owned(), "1".to_owned())],
        metadata: Some("spillway:x".to_owned()),
    };
    client(&server.uri())
        .trigger_run(&"vpc".parse().unwrap(), &trigger)
        .await
        .unwrap();
}

#[tokio::test]
async fn only_the_operation_and_its_fragments_are_sent() {
    let (server, _) = start().await;
    operation("Stack")
        .respond_with(data(&json!({"stack": null})))
        .mount(&server)
        .await;
    client(&server.uri())
        .stack(&"vpc".parse().unwrap())
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent: serde_json::Value = requests.last().unwrap().body_json().unwrap();
    let document = sent["query"].as_str().unwrap();
    let definitions: Vec<_> = document
        .lines()
        .filter(|line| !line.starts_with([' ', '}']) && !line.is_empty())
        .collect();
    assert_eq!(
        definitions,
        ["query Stack($id: ID!) {", "fragment StackFields on Stack {"]
    );
}

#[tokio::test]
async fn metadata_that_no_header_can_carry_is_refused_before_anything_is_sent() {
    let (server, _) = start().await;
    let trigger = TriggerRun {
        metadata: Some("a\nb".to_owned()),
        ..TriggerRun::default()
    };
    let error = client(&server.uri())
        .trigger_run(&"vpc".parse().unwrap(), &trigger)
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
    assert!(server.received_requests().await.unwrap().is_empty());
}
