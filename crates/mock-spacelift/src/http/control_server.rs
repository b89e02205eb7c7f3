//! `/control`: gives people and programs on the same machine the controls of tests, over HTTP.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /control/<verb>` | executes the [`ControlRequest`] of that name; its fields are the body, as JSON |
//! | `GET /control/log` | returns the log of the account, in order |
//!
//! | answer | when |
//! |---|---|
//! | 200 | it was done |
//! | 400 | the verb or the body is invalid or contradicts itself |
//! | 403 | the caller is on another machine |
//! | 404 | a stack, run or space does not exist |
//! | 409 | the account refuses |
//! | 415 | the body is not sent as `application/json`, which a page in a browser cannot send to another origin |

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::controls::request::ControlRequest;
use crate::http::connection::Connection;
use crate::mock::MockSpacelift;
use crate::model::refusal::Refusal;

pub(crate) fn router(mock: MockSpacelift) -> Router {
    Router::new()
        .route("/control/log", get(log))
        .route("/control/{verb}", post(control))
        .with_state(mock)
}

async fn log(
    State(mock): State<MockSpacelift>,
    ConnectInfo(connection): ConnectInfo<Connection>,
) -> Response {
    if !connection.is_local() {
        return not_local();
    }
    Json(json!({ "log": mock.log() })).into_response()
}

async fn control(
    State(mock): State<MockSpacelift>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path(verb): Path<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    if !connection.is_local() {
        return not_local();
    }
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return refused(rejection.status(), &rejection.body_text()),
    };
    // An enum in JSON is an object whose only key is the variant's name.
    let request: ControlRequest = match serde_json::from_value(json!({ verb: body })) {
        Ok(request) => request,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match mock.control(request) {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refused(status(&refusal), &refusal.to_string()),
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Request { .. } | Refusal::FaultKind { .. } => StatusCode::BAD_REQUEST,
        Refusal::Unknown { .. } | Refusal::NotFound | Refusal::NoFollower { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::CONFLICT,
    }
}

fn not_local() -> Response {
    refused(
        StatusCode::FORBIDDEN,
        "only programs on the account's own machine may control it",
    )
}

fn refused(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::Json;
    use axum::extract::{ConnectInfo, Path, State};
    use serde_json::json;

    use super::{control, log};
    use crate::http::connection::Connection;
    use crate::mock::MockSpacelift;
    use crate::model::new_stack::NewStack;

    #[tokio::test]
    async fn only_loopback_peers_are_allowed() {
        let table = [
            ("127.0.0.1", 200),
            ("127.8.8.8", 200),
            ("::1", 200),
            ("::ffff:127.0.0.1", 200),
            ("192.0.2.7", 403),
            ("0.0.0.0", 403),
            ("2001:db8::1", 403),
            ("::ffff:192.0.2.7", 403),
        ];
        for (peer, expected) in table {
            let mock = MockSpacelift::new("acme");
            mock.add_stack(NewStack::named("db"));
            let from = || ConnectInfo(Connection::from(peer.parse::<IpAddr>().unwrap()));
            let body = Json(json!({ "stack": "db" }));
            let lock = control(State(mock.clone()), from(), Path("lock".to_owned()), Ok(body)).await;
            assert_eq!(lock.status(), expected, "{peer}");
            assert_eq!(
                log(State(mock.clone()), from()).await.status(),
                expected,
                "{peer}"
            );
            assert_eq!(mock.log().len(), usize::from(expected == 200), "{peer}");
        }
    }
}
