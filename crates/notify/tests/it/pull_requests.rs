//! One comment on each pull request, beside a GitHub that keeps comments as the real one does.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Json, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, patch, post};
use chain::RunState;
use chain::binding::Target;
use chain::notice::RunMessage;
use serde_json::{Value, json};

use crate::runs::message;
use crate::{START_MS, notifier};

/// The user of the token, and the author of the pull request.
const OURS: u64 = 41;
const AUTHOR: u64 = 7;

/// Comments of pull request 7, the oldest first, and what is done by somebody else right after the next change.
#[derive(Default)]
struct Kept {
    comments: Vec<Value>,
    next_id: u64,
    interference: Option<fn(&mut Vec<Value>)>,
}

#[derive(Clone, Default)]
struct GitHub(Arc<Mutex<Kept>>);

impl GitHub {
    async fn start() -> (Self, String) {
        let github = Self::default();
        let router = Router::new()
            .route("/graphql", post(viewer))
            .route("/repos/acme/apps/commits/{sha}/pulls", get(pulls))
            .route("/repos/acme/apps/issues/7/comments", get(list).post(create))
            .route(
                "/repos/acme/apps/issues/comments/{id}",
                patch(update).delete(delete),
            )
            .with_state(github.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (github, url)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bodies(&self) -> Vec<String> {
        let kept = self.kept();
        let bodies = kept
            .comments
            .iter()
            .map(|comment| comment["body"].as_str().unwrap().to_owned());
        bodies.collect()
    }
}

impl Kept {
    fn interfere(&mut self) {
        if let Some(act) = self.interference.take() {
            act(&mut self.comments);
        }
    }
}

async fn viewer(Json(asked): Json<Value>) -> Json<Value> {
    assert_eq!(asked["query"], "query { viewer { databaseId } }");
    Json(json!({ "data": { "viewer": { "databaseId": OURS } } }))
}

/// One is open, one is closed.
async fn pulls(Path(sha): Path<String>) -> Json<Value> {
    assert_eq!(sha, "abcdef1234567890abcdef1234567890abcdef12");
    Json(json!([{ "number": 3, "state": "closed" }, { "number": 7, "state": "open" }]))
}

#[derive(serde::Deserialize)]
struct Page {
    per_page: usize,
    page: usize,
}

async fn list(State(github): State<GitHub>, Query(page): Query<Page>) -> Json<Value> {
    let kept = github.kept();
    let comments = kept.comments.iter().skip((page.page - 1) * page.per_page);
    Json(comments.take(page.per_page).cloned().collect())
}

async fn create(State(github): State<GitHub>, Json(mut comment): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut kept = github.kept();
    kept.next_id += 1;
    comment["id"] = json!(1_000 + kept.next_id);
    comment["user"] = json!({ "id": OURS });
    kept.comments.push(comment.clone());
    kept.interfere();
    (StatusCode::CREATED, Json(comment))
}

async fn update(
    State(github): State<GitHub>,
    Path(id): Path<u64>,
    Json(change): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut kept = github.kept();
    let Some(comment) = kept.comments.iter_mut().find(|comment| comment["id"] == id) else {
        return (StatusCode::NOT_FOUND, Json(json!({})));
    };
    comment["body"] = change["body"].clone();
    let answer = comment.clone();
    kept.interfere();
    (StatusCode::OK, Json(answer))
}

async fn delete(State(github): State<GitHub>, Path(id): Path<u64>) -> StatusCode {
    github.kept().comments.retain(|comment| comment["id"] != id);
    StatusCode::NO_CONTENT
}

fn impact(stack: &str, run: &str, text: &str) -> RunMessage {
    let target = Target::PullRequest {
        sink: "code".to_owned(),
    };
    let mut message = message(RunState::Finished, target);
    message.notice.stack = stack.parse().unwrap();
    message.notice.run = run.parse().unwrap();
    message.notice.impact = Some(text.to_owned());
    message
}

async fn of(url: &str) -> notify::Notifier {
    notifier(&format!(
        "[code]\nkind = 'github'\ntoken = '$TOKEN'\npull_requests = true\napi = '{url}'"
    ))
    .await
}

#[tokio::test]
async fn a_pull_request_has_one_comment_with_a_section_for_each_stack() {
    let (github, url) = GitHub::start().await;
    // A page of comments has many kilobytes.
    let words = "somebody's own ".repeat(400);
    let others = (0..100).map(|id| json!({ "id": id, "body": words }));
    github.kept().comments = others.collect();
    let notifier = of(&url).await;
    assert_eq!(notifier.pull_request_sinks().collect::<Vec<_>>(), ["code"]);
    for message in [
        impact("network", "01A", "**2 stacks run**"),
        impact("apps", "01B", "**Nothing else runs** <!-- spillway:end -->"),
        impact("network", "01C", "**3 stacks run**"),
        // It ended late, and something newer is known.
        impact("network", "01A", "**2 stacks run**"),
    ] {
        let sent = notifier.deliver_runs(vec![message], START_MS).await;
        assert!(sent.left.is_empty(), "{:?}", sent.round.attempts);
    }
    let bodies = github.bodies();
    assert_eq!(bodies.len(), 101);
    insta::assert_snapshot!(bodies[100], @r"
    <!-- spillway:impact -->
    ### Spillway: what runs after the merge

    <!-- spillway:stack apps 01B -->
    **Nothing else runs** &lt;!-- spillway:end -->
    <!-- spillway:end -->

    <!-- spillway:stack network 01C -->
    **3 stacks run**
    <!-- spillway:end -->
    ");
}

#[tokio::test]
async fn a_change_that_somebody_overwrote_is_made_again() {
    let (github, url) = GitHub::start().await;
    let notifier = of(&url).await;
    let first = notifier
        .deliver_runs(vec![impact("network", "01A", "one")], START_MS)
        .await;
    assert!(first.left.is_empty());
    // Another run read the comment before our change, and wrote it after.
    github.kept().interference = Some(|comments| {
        let body = comments[0]["body"].as_str().unwrap();
        let (head, rest) = body.split_once("\n<!-- spillway:stack apps").unwrap();
        let network = rest.find("\n<!-- spillway:stack network").unwrap();
        comments[0]["body"] = json!(format!("{head}{}", &rest[network..]));
    });
    let sent = notifier
        .deliver_runs(vec![impact("apps", "01B", "two")], START_MS)
        .await;
    let at_ms = sent.round.next_at_ms.unwrap();
    assert_eq!((sent.left.len(), at_ms), (1, START_MS + 5_000));
    let sent = notifier.deliver_runs(sent.left, at_ms).await;
    assert!(sent.left.is_empty(), "{:?}", sent.round.attempts);
    let bodies = github.bodies();
    assert!(
        bodies.len() == 1 && bodies[0].contains("stack apps 01B") && bodies[0].contains("stack network 01A")
    );
}

#[tokio::test]
async fn of_two_comments_that_were_made_at_once_the_first_stays() {
    let (github, url) = GitHub::start().await;
    let notifier = of(&url).await;
    github.kept().interference = Some(|comments| {
        let other = json!({ "id": 1, "user": { "id": OURS }, "body": "<!-- spillway:impact -->\n\n<!-- spillway:stack network 01A -->\none\n<!-- spillway:end -->\n" });
        comments.insert(0, other);
    });
    let sent = notifier
        .deliver_runs(vec![impact("apps", "01B", "two")], START_MS)
        .await;
    assert_eq!(sent.left.len(), 1);
    assert_eq!(github.bodies().len(), 1, "ours is taken away");
    let sent = notifier.deliver_runs(sent.left, START_MS + 5_000).await;
    assert!(sent.left.is_empty());
    let bodies = github.bodies();
    assert!(
        bodies.len() == 1 && bodies[0].contains("stack apps 01B") && bodies[0].contains("stack network 01A")
    );
}

#[tokio::test]
async fn a_comment_of_somebody_else_is_never_taken_for_ours() {
    let (github, url) = GitHub::start().await;
    let theirs = "<!-- spillway:impact -->\n\n<!-- spillway:stack network 99Z -->\nnothing runs\n<!-- spillway:end -->\n";
    github.kept().comments = vec![
        json!({ "id": 1, "user": { "id": AUTHOR }, "body": theirs }),
        json!({ "id": 2, "user": null, "body": theirs }),
    ];
    let notifier = of(&url).await;
    for run in ["01A", "01B"] {
        let message = impact("network", run, "**2 stacks run**");
        let sent = notifier.deliver_runs(vec![message], START_MS).await;
        assert!(sent.left.is_empty(), "{:?}", sent.round.attempts);
    }
    let bodies = github.bodies();
    assert_eq!(bodies[..2], [theirs, theirs]);
    assert_eq!(bodies.len(), 3);
    assert!(bodies[2].contains("network 01B -->\n**2 stacks run**"));
}
