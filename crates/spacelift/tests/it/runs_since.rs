//! The runs of all stacks since a time.

use mock_spacelift::{MockSpacelift, NewStack, Pace, Server};
use serde_json::{Value, json};
use spacelift::{ErrorKind, FoundRun, RUNS_SINCE_MAX, Spacelift};
use wiremock::{Request, Respond, ResponseTemplate};

use crate::server::{account, client, data, operation, run, start};

/// Two stacks with 60 runs each, created alternately.
async fn two_stacks() -> (MockSpacelift, Server, Spacelift, Vec<chain::RunId>) {
    let (mock, server, client) = account().await;
    mock.pace(Pace::Manual);
    mock.add_stack(NewStack::named("vpc"));
    mock.add_stack(NewStack::named("db"));
    let mut made: Vec<_> = (0..60)
        .flat_map(|_| [mock.push("vpc"), mock.push("db")])
        .collect();
    made.reverse();
    (mock, server, client, made)
}

fn ids(runs: &[FoundRun]) -> Vec<chain::RunId> {
    runs.iter().map(|found| found.run.id.clone()).collect()
}

#[tokio::test]
async fn runs_of_all_stacks_come_newest_first() {
    let (_mock, _server, client, made) = two_stacks().await;
    let found = client.runs_since(0).await.unwrap();
    assert_eq!((ids(&found.runs), found.complete), (made, true));
    assert_eq!(
        (found.runs[0].stack.as_str(), found.runs[1].stack.as_str()),
        ("db", "vpc")
    );
}

#[tokio::test]
async fn the_mock_account_orders_runs_as_requested() {
    let (_mock, _server, client, made) = two_stacks().await;
    let document =
        "query Q($input: SearchInput!) { searchRuns(input: $input) { edges { node { run { id } } } } }";
    for (direction, expected) in [("DESC", [&made[0], &made[1]]), ("ASC", [&made[119], &made[118]])] {
        let order = json!({"field": "createdAt", "direction": direction});
        let variables = json!({"input": {"first": 2, "orderBy": order}});
        let found = client.execute(document, &variables).await.unwrap();
        let edges = expected.map(|id| json!({"node": {"run": {"id": id}}}));
        assert_eq!(found, json!({"searchRuns": {"edges": edges}}), "{direction}");
    }
}

#[tokio::test]
async fn one_page_is_read_when_nothing_is_new() {
    let (mock, _server, client, _) = two_stacks().await;
    let later = client.runs_since(0).await.unwrap().runs[0].run.created_at + 1;
    let before = mock.requests().len();
    let found = client.runs_since(later).await.unwrap();
    assert_eq!((found.runs, found.complete), (Vec::new(), true));
    assert_eq!(mock.requests().len() - before, 1);
}

#[tokio::test]
async fn a_search_is_not_limited_to_a_page() {
    let (mock, _server, client, made) = two_stacks().await;
    let before = mock.requests().len();
    assert_eq!(ids(&client.search_runs(&[], usize::MAX).await.unwrap()), made);
    let search = client.search_runs(&[], 60).await.unwrap();
    assert_eq!(ids(&search), made[..60]);
    // The login, three pages, two pages.
    assert_eq!(mock.requests().len() - before, 1 + 3 + 2);
}

/// Runs that were created one per second, the newest at second `newest`, in pages of 50.
struct OneEachSecond {
    newest: usize,
}

impl Respond for OneEachSecond {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let input = &body["variables"]["input"];
        assert_eq!(
            input["orderBy"],
            json!({"field": "createdAt", "direction": "DESC"})
        );
        let start: usize = input["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let ages: Vec<usize> = (start..start + 50).collect();
        page(
            &ages.iter().map(|age| self.newest - age).collect::<Vec<_>>(),
            start + 50,
        )
    }
}

fn page(seconds: &[usize], next: usize) -> ResponseTemplate {
    let edges: Vec<_> = seconds
        .iter()
        .map(|second| {
            let mut run = run(&format!("01R{second}"));
            run["createdAt"] = json!(second);
            json!({"node": {"run": run, "stack": {"id": "vpc"}}})
        })
        .collect();
    let info = json!({"endCursor": next.to_string(), "hasNextPage": true});
    data(&json!({"searchRuns": {"edges": edges, "pageInfo": info}}))
}

#[tokio::test]
async fn pages_are_read_up_to_the_first_older_run() {
    for (since, runs, pages) in [
        (1_000_000, 1, 1),
        (999_952, 49, 1),
        (999_951, 50, 2),
        (999_950, 51, 2),
    ] {
        let (server, _) = start().await;
        operation("SearchRuns")
            .respond_with(OneEachSecond { newest: 1_000_000 })
            .expect(pages)
            .mount(&server)
            .await;
        let found = client(&server.uri()).runs_since(since).await.unwrap();
        assert_eq!((found.runs.len(), found.complete), (runs, true), "{since}");
        assert_eq!(found.runs.last().unwrap().run.created_at, since);
    }
}

#[tokio::test]
async fn a_search_that_goes_too_far_back_is_incomplete() {
    let (server, _) = start().await;
    operation("SearchRuns")
        .respond_with(OneEachSecond { newest: 1_000_000 })
        .mount(&server)
        .await;
    let found = client(&server.uri()).runs_since(1).await.unwrap();
    assert_eq!((found.runs.len(), found.complete), (RUNS_SINCE_MAX, false));
}

#[tokio::test]
async fn another_order_is_an_error_since_runs_could_be_missed() {
    let (server, _) = start().await;
    operation("SearchRuns")
        .respond_with(page(&[5, 9, 3], 3))
        .mount(&server)
        .await;
    let error = client(&server.uri()).runs_since(4).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::UnexpectedData { .. }), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_run_that_two_pages_show_is_found_once() {
    let (server, _) = start().await;
    let asks_after = |after: Value| {
        move |request: &Request| request.body_json::<Value>().unwrap()["variables"]["input"]["after"] == after
    };
    for (after, answer) in [(json!(null), page(&[9, 8], 1)), (json!("1"), page(&[8, 7, 1], 2))] {
        operation("SearchRuns")
            .and(asks_after(after))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let found = client(&server.uri()).runs_since(5).await.unwrap();
    let seconds: Vec<_> = found.runs.iter().map(|found| found.run.created_at).collect();
    assert_eq!(seconds, [9, 8, 7]);
}
