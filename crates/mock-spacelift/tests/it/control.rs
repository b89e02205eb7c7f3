//! The control endpoint: gives programs on the same machine the controls of tests, over HTTP.

use mock_spacelift::{MockSpacelift, NewSpace, NewStack, NewWebhook, Server};
use reqwest::Client;
use serde_json::{Value, json};

use crate::client::Api;
use crate::{serve, still_account};

struct Control {
    mock: MockSpacelift,
    server: Server,
    http: Client,
}

impl Control {
    /// `network` and `database` track one repository, `backoffice` tracks another and waits for confirmations.
    async fn of_a_company() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mock = still_account();
        mock.create_space_with_id("prod", NewSpace::named("prod"))
            .unwrap();
        mock.add_stack(NewStack::named("network").project_root("network"));
        mock.add_stack(NewStack::named("database").project_root("database"));
        let backoffice = NewStack::named("backoffice")
            .repository("acme/apps")
            .space("prod");
        mock.add_stack(backoffice.autodeploy(false));
        Self {
            server: serve(&mock).await,
            mock,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Status and body of an answer.
    async fn answer(&self, verb: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/control/{verb}", self.server.url());
        let response = self.http.post(url).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The text of an answer of 200.
    async fn done(&self, verb: &str, body: Value) -> String {
        let (status, answer) = self.answer(verb, &body).await;
        assert_eq!(status, 200, "{verb} {body}: {answer}");
        answer["text"].as_str().unwrap().to_owned()
    }

    /// The states of a stack's runs, in order of creation.
    fn states(&self, stack: &str) -> String {
        let runs = self.mock.runs_of(stack);
        runs.iter()
            .map(|run| run.state.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[tokio::test]
async fn a_push_answers_with_its_commit_and_its_runs() {
    let control = Control::of_a_company().await;
    let body = json!({ "repository": "acme/infra", "commit": "abc123", "message": "Wider", "author": "Bob", "at": 5 });
    let (status, answer) = control.answer("push", &body).await;
    assert_eq!(status, 200);
    let runs = control.mock.runs();
    let expected = json!({
        "text": "Pushed abc123 to acme/infra@main: it started the runs of 2 stacks: database, network.",
        "runs": [{ "stack": "database", "run": runs[0].run, "state": "QUEUED" },
            { "stack": "network", "run": runs[1].run, "state": "QUEUED" }],
        "commit": "abc123",
    });
    assert_eq!(answer, expected);
    assert_eq!(runs[0].commit_timestamp, 5);
    let table = [
        (
            json!({ "repository": "acme/infra", "paths": ["network/a.tf"] }),
            "it started the run of network.",
        ),
        (json!({ "stack": "database" }), "it started the run of database."),
        (
            json!({ "repository": "acme/infra", "branch": "feature" }),
            "so nothing runs.",
        ),
    ];
    for (body, end) in table {
        let text = control.done("push", body).await;
        assert!(text.ends_with(end), "{text}");
    }
}

#[tokio::test]
async fn people_lock_fail_retry_confirm_and_discard() {
    let control = Control::of_a_company().await;
    let stack = json!({ "stack": "backoffice" });
    control.done("fail", stack.clone()).await;
    control.done("push", stack.clone()).await;
    control.mock.settle();
    control.done("retry", stack.clone()).await;
    control.mock.settle();
    assert_eq!(control.states("backoffice"), "FAILED UNCONFIRMED");
    control.done("confirm", stack.clone()).await;
    control.mock.settle();
    control.done("skip", stack.clone()).await;
    control
        .done(
            "trigger",
            json!({ "stack": "backoffice", "by": "bob", "commit": "01d0c0de" }),
        )
        .await;
    control.done("trigger", stack.clone()).await;
    control.mock.settle();
    control
        .done("discard", json!({ "stack": "backoffice", "by": "bob" }))
        .await;
    assert_eq!(control.states("backoffice"), "FAILED FINISHED SKIPPED DISCARDED");
    let rollback = &control.mock.runs_of("backoffice")[2];
    assert_eq!(
        (
            rollback.triggered_by.as_deref(),
            rollback.commit.as_ref().unwrap().as_str()
        ),
        (Some("bob"), "01d0c0de")
    );

    control
        .done("lock", json!({ "stack": "backoffice", "by": "carol" }))
        .await;
    let (status, refused) = control.answer("trigger", &stack).await;
    assert_eq!(
        (status, refused["error"].as_str().unwrap()),
        (
            409,
            "stack `backoffice` is locked by carol, and nobody else can trigger runs"
        )
    );
    let (status, _) = control
        .answer("unlock", &json!({ "stack": "backoffice", "by": "bob" }))
        .await;
    assert_eq!(status, 409);
    control.done("unlock", stack.clone()).await;
    assert_eq!(control.mock.stack("backoffice").unwrap().locked_by, None);
    control.done("disable", stack.clone()).await;
    assert!(control.mock.stack("backoffice").unwrap().disabled);
    control.done("enable", stack).await;
    assert!(!control.mock.stack("backoffice").unwrap().disabled);
}

#[tokio::test]
async fn workers_outputs_and_spaces_can_be_changed() {
    let control = Control::of_a_company().await;
    control.done("workers", json!({ "present": false })).await;
    control.mock.push("network");
    control.mock.settle();
    assert_eq!(control.states("network"), "READY");
    control.done("workers", json!({ "present": true })).await;
    control.mock.refer_to_output("database", "network", false);
    control
        .done("outputs", json!({ "stack": "network", "change": false }))
        .await;
    control.mock.push("network");
    control.mock.settle();
    assert_eq!(control.states("database"), "SKIPPED");
    let api = Api::logged_in(&control.server).await;
    let read = "{ stack(id: \"backoffice\") { id } }";
    control.done("revoke-space", json!({ "space": "prod" })).await;
    assert_eq!(api.data(read, json!({})).await["stack"], Value::Null);
    control.done("grant-space", json!({ "space": "prod" })).await;
    assert_eq!(api.data(read, json!({})).await["stack"]["id"], "backoffice");
}

#[tokio::test]
async fn faults_occur_as_often_as_requested_until_they_are_cleared() {
    let control = Control::of_a_company().await;
    let api = Api::logged_in(&control.server).await;
    let read = "query R { stacks { id } }";
    let status = async || {
        api.request(read, &json!({}))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let table = [
        (
            json!({ "kind": "forbidden" }),
            [403, 200, 200],
            "The next request gets `forbidden`.",
        ),
        (
            json!({ "kind": "unavailable", "operation": "stacks", "times": 2 }),
            [503, 503, 200],
            "The next 2 times, a `stacks` gets `unavailable`.",
        ),
        (
            json!({ "kind": "unauthorized", "operation": "R", "always": true }),
            [401, 401, 401],
            "Each `R` gets `unauthorized`, until the faults are cleared.",
        ),
        (
            json!({ "kind": "internal-error", "every": 2 }),
            [200, 500, 200],
            "Each request number 2 gets `internal-error`, until the faults are cleared.",
        ),
        (
            json!({ "kind": "html", "one_in": 1, "seed": 7 }),
            [200, 200, 200],
            "One request in 1 gets `html` at random (seed 7), until the faults are cleared.",
        ),
    ];
    for (body, expected, text) in table {
        assert_eq!(control.done("fault", body.clone()).await, text);
        assert_eq!(
            [status().await, status().await, status().await],
            expected,
            "{body}"
        );
        control.done("clear-faults", json!({})).await;
        assert_eq!(status().await, 200);
    }
    control
        .done(
            "fault",
            json!({ "kind": "graphql-error", "message": "no such luck" }),
        )
        .await;
    assert_eq!(api.error(read, json!({})).await, "no such luck");

    // Nothing listens there; a delivery that is lost is not even tried.
    control
        .mock
        .webhook(&NewWebhook::on_every_stack("http://127.0.0.1:1/", "s"));
    control
        .done("fault", json!({ "kind": "webhook-lost", "always": true }))
        .await;
    control.mock.push("network");
    let deliveries = control.mock.deliveries();
    assert_eq!(deliveries[0].outcome, mock_spacelift::DeliveryOutcome::Lost);
}

#[tokio::test]
async fn a_refused_request_has_a_reason() {
    let control = Control::of_a_company().await;
    let table = [
        (
            "push",
            json!({ "repository": "acme/none" }),
            404,
            "stacks follow: acme/apps, acme/infra",
        ),
        ("push", json!({}), 400, "either to a `repository`"),
        (
            "push",
            json!({ "stack": "network", "branch": "b" }),
            400,
            "no `branch`",
        ),
        (
            "push",
            json!({ "repo": "acme/infra" }),
            400,
            "unknown field `repo`",
        ),
        (
            "confirm",
            json!({ "stack": "backoffice" }),
            409,
            "no run of stack `backoffice` waits for a confirmation",
        ),
        (
            "retry",
            json!({ "stack": "network" }),
            409,
            "no run of stack `network` has failed",
        ),
        (
            "discard",
            json!({ "stack": "network" }),
            409,
            "no run is blocking stack `network`",
        ),
        (
            "confirm",
            json!({ "stack": "none" }),
            404,
            "stack `none` not found",
        ),
        (
            "discard",
            json!({ "stack": "none" }),
            404,
            "stack `none` not found",
        ),
        ("unlock", json!({ "stack": "network" }), 409, "is not locked"),
        (
            "fail",
            json!({ "stack": "network", "state": "QUEUED" }),
            400,
            "fails in PREPARING",
        ),
        (
            "fault",
            json!({ "kind": "fire" }),
            400,
            "there is no fault `fire`; there are: any, too-many-requests",
        ),
        (
            "fault",
            json!({ "kind": "html", "times": 2, "always": true }),
            400,
            "say one of them",
        ),
        ("fault", json!({ "kind": "any" }), 400, "`one_in` or `every`"),
        ("fault", json!({ "kind": "webhook-any" }), 400, "needs `one_in`"),
        (
            "fault",
            json!({ "kind": "webhook-lost", "operation": "R" }),
            400,
            "no `operation`",
        ),
        ("dance", json!({}), 400, "unknown variant `dance`"),
        ("lock", json!([]), 400, ""),
    ];
    for (verb, body, expected, reason) in table {
        let (status, answer) = control.answer(verb, &body).await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(status, expected, "{verb} {body}: {error}");
        assert!(error.contains(reason), "{verb} {body}: {error}");
    }
    assert!(control.mock.log().is_empty() && control.mock.runs().is_empty());
    // A page in a browser can send a form to another origin, but no JSON.
    let url = format!("{}/control/lock", control.server.url());
    let form = control
        .http
        .post(url)
        .body("{\"stack\":\"network\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 415);
    assert_eq!(control.mock.stack("network").unwrap().locked_by, None);
}

#[tokio::test]
async fn the_log_is_read_over_http() {
    let control = Control::of_a_company().await;
    control
        .done("push", json!({ "stack": "network", "commit": "abc123", "at": 5 }))
        .await;
    control
        .done("lock", json!({ "stack": "network", "by": "carol" }))
        .await;
    let url = format!("{}/control/log", control.server.url());
    let answer: Value = control.http.get(url).send().await.unwrap().json().await.unwrap();
    let log = answer["log"].as_array().unwrap();
    assert_eq!(
        log[0]["action"],
        json!({ "push": { "repository": "acme/infra", "branch": "main", "commit": "abc123", "timestamp": 5 } })
    );
    assert_eq!(log[1]["action"]["trigger"]["stack"], "network");
    assert_eq!(
        (&log[2]["by"], &log[2]["action"]),
        (&json!("carol"), &json!({ "lock": { "stack": "network" } }))
    );
    let entries: Vec<mock_spacelift::LogEntry> = serde_json::from_value(answer["log"].clone()).unwrap();
    assert_eq!(entries, control.mock.log());
}

#[tokio::test]
async fn links_to_stacks_and_runs_lead_to_pages() {
    let control = Control::of_a_company().await;
    control.done("trigger", json!({ "stack": "network" })).await;
    let run = control.mock.runs_of("network").remove(0).run;
    let get = async |path: String| {
        let url = format!("{}{path}", control.server.url());
        let response = control.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, page) = get("/stack/network".to_owned()).await;
    assert_eq!(status, 200);
    assert!(page.contains(run.as_str()), "{page}");
    let (status, page) = get(format!("/stack/network/run/{run}")).await;
    assert_eq!(status, 200);
    assert!(page.contains("triggered by  alice"), "{page}");
    for missing in ["/stack/frob".to_owned(), format!("/stack/database/run/{run}")] {
        assert_eq!(get(missing).await.0, 404);
    }
}
