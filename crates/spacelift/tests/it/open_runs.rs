//! The runs that are not over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chain::RunId;
use mock_spacelift::{Fault, MockSpacelift, NewStack, Pace};
use serde_json::{Value, json};
use spacelift::ErrorKind;
use wiremock::{Request, Respond, ResponseTemplate};

use crate::server::{account, client, data, operation, run, start};

const ALL: usize = usize::MAX;

/// Runs of one stack that wait for each other, the oldest first.
fn waiting(mock: &MockSpacelift, count: usize) -> Vec<RunId> {
    mock.pace(Pace::Manual);
    mock.add_stack(NewStack::named("vpc"));
    (0..count).map(|_| mock.push("vpc")).collect()
}

fn searches(mock: &MockSpacelift) -> usize {
    let requests = mock.requests();
    requests.iter().filter(|request| request.is("SearchRuns")).count()
}

#[tokio::test]
async fn a_run_is_found_although_others_end_while_the_pages_are_read() {
    let (mock, _server, client) = account().await;
    let runs = waiting(&mock, 120);
    // The answer with the first page is late.
    mock.fault(Fault::slow_after(Duration::from_secs(1)).on("SearchRuns"));
    let search = tokio::spawn(async move { client.open_runs(ALL).await });
    while searches(&mock) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Whichever page is the first, one of its runs ends.
    let (oldest, newest) = (&runs[1], &runs[119]);
    mock.discard(oldest, "alice");
    mock.discard(newest, "alice");
    let found: Vec<RunId> = search
        .await
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|found| found.run.id)
        .collect();
    let missing: Vec<_> = runs
        .iter()
        .filter(|run| *run != oldest && *run != newest && !found.contains(run))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {runs:?}");
}

#[tokio::test]
async fn one_page_is_read_once_and_several_are_confirmed() {
    for (runs, pages) in [(0, 1), (50, 1), (51, 2 * 2), (120, 3 * 2)] {
        let (mock, _server, client) = account().await;
        let mut made = waiting(&mock, runs);
        made.reverse();
        let found = client.open_runs(ALL).await.unwrap();
        let ids: Vec<RunId> = found.into_iter().map(|found| found.run.id).collect();
        assert_eq!(ids.len(), made.len());
        assert!(made.iter().all(|run| ids.contains(run)));
        assert_eq!(searches(&mock), pages, "{runs}");
    }
}

#[tokio::test]
async fn a_limit_ends_the_search() {
    let (mock, _server, client) = account().await;
    waiting(&mock, 120);
    assert_eq!(client.open_runs(60).await.unwrap().len(), 60);
    assert_eq!(searches(&mock), 2);
}

#[tokio::test]
async fn a_run_that_is_over_is_not_open() {
    let (mock, _server, client) = account().await;
    let runs = waiting(&mock, 2);
    mock.discard(&runs[1], "alice");
    let found = client.open_runs(ALL).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].run.id, runs[0]);
}

/// Runs in pages of two, by their position. The newest ends after each page.
#[derive(Clone)]
struct Ending(Arc<Mutex<Vec<i64>>>);

impl Respond for Ending {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let input = &body["variables"]["input"];
        let start: usize = input["after"].as_str().map_or(0, |after| after.parse().unwrap());
        let mut open = self.0.lock().unwrap();
        let edges: Vec<_> = open
            .iter()
            .skip(start)
            .take(2)
            .map(|second| {
                let mut run = run(&format!("01R{second}"));
                run["createdAt"] = json!(second);
                json!({"node": {"run": run, "stack": {"id": "vpc"}}})
            })
            .collect();
        let info = json!({"endCursor": (start + 2).to_string(), "hasNextPage": start + 2 < open.len()});
        open.remove(0);
        data(&json!({"searchRuns": {"edges": edges, "pageInfo": info}}))
    }
}

#[tokio::test]
async fn a_search_ends_although_runs_end_all_the_time() {
    let (server, _) = start().await;
    let open: Vec<i64> = (1..=100).rev().collect();
    let ending = Ending(Arc::new(Mutex::new(open)));
    operation("SearchRuns")
        .respond_with(ending.clone())
        .mount(&server)
        .await;
    let found = client(&server.uri()).open_runs(ALL).await.unwrap();
    let left = ending.0.lock().unwrap().clone();
    assert!(!left.is_empty());
    for second in left {
        assert!(found.iter().any(|found| found.run.created_at == second));
    }
}

#[tokio::test]
async fn another_order_is_an_error_since_runs_could_be_missed() {
    let (server, _) = start().await;
    let edges = [3, 9].map(|second: i64| {
        let mut run = run(&format!("01R{second}"));
        run["createdAt"] = json!(second);
        json!({"node": {"run": run, "stack": {"id": "vpc"}}})
    });
    let info = json!({"endCursor": null, "hasNextPage": false});
    operation("SearchRuns")
        .respond_with(data(&json!({"searchRuns": {"edges": edges, "pageInfo": info}})))
        .mount(&server)
        .await;
    let error = client(&server.uri()).open_runs(ALL).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::UnexpectedData { .. }), "{error}");
}
