//! The account's HTTP server: `POST /graphql`, with the requested faults, and `/control`, without faults.
//!
//! | answer | when |
//! |---|---|
//! | 200 | every valid GraphQL request, also refused ones |
//! | 400 | the body is not JSON, or not a GraphQL request |
//! | 404, 405 | another path or method |

use std::io;
use std::net::SocketAddr;

use async_graphql::parser::types::{OperationDefinition, OperationType, Selection};
use async_graphql::{Name, Request};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::faults::request::FaultEffect;
use crate::graphql::caller::Caller;
use crate::graphql::schema::{self, Schema};
use crate::http::connection::{Connection, Resettable};
use crate::http::document::without_empty_arguments;
use crate::http::{control_server, pages};
use crate::mock::MockSpacelift;
use crate::model::clock::Timestamp;
use crate::model::record::RequestRecord;
use crate::webhooks::audit_trail;

/// The header with which callers of `runTrigger`, `runConfirm` and `taskCreate` identify themselves.
const RUN_METADATA: &str = "spacelift-user-provided-run-metadata";

/// A running server. Dropping it stops it; the account stays.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account's base URL, without `/graphql`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening, and waits until the open requests are answered.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        // The task ends by itself; a panic in it was already reported.
        let _ = (&mut self.task).await;
    }
}

#[derive(Clone)]
struct Serving {
    mock: MockSpacelift,
    schema: Schema,
    address: SocketAddr,
}

impl MockSpacelift {
    /// Serves the account on an address; port 0 chooses a free one.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<Server> {
        self.wake();
        // Sends what happened before there was a runtime.
        self.write(|_| ());
        serve(self.clone(), address).await
    }
}

async fn serve(mock: MockSpacelift, address: SocketAddr) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = Serving {
        schema: schema::build(mock.clone()),
        mock,
        address,
    };
    let control = control_server::router(serving.mock.clone());
    let pages = pages::router(serving.mock.clone());
    let router = Router::new()
        .route("/graphql", post(answer))
        .with_state(serving)
        .merge(control)
        .merge(pages);
    let service = router.into_make_service_with_connect_info::<Connection>();
    let task = tokio::spawn(async move {
        let stop = async {
            // An error means that the sender is gone, which is the signal.
            let _ = stopped.await;
        };
        let _ = axum::serve(Resettable(listener), service)
            .with_graceful_shutdown(stop)
            .await;
    });
    Ok(Server {
        address,
        stop: Some(stop),
        task,
    })
}

async fn answer(
    State(serving): State<Serving>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (operation, request) = match read(&body) {
        Ok(read) => read,
        Err(reason) => return (StatusCode::BAD_REQUEST, reason).into_response(),
    };
    let mut record = RequestRecord {
        operation: operation.name.clone(),
        fields: operation.fields.clone(),
        at: Timestamp::now(),
        status: Some(StatusCode::OK.as_u16()),
        error: None,
    };
    let fault = serving
        .mock
        .write(|account| account.fault_for_request(operation.name.as_deref(), &operation.fields));
    // The caller is determined after the fault, which may have ended the session.
    let call = Call {
        operation,
        request,
        caller: caller(&serving, &headers),
    };
    let response = match fault {
        Some(effect) => answer_with_fault(&serving, effect, &connection, call, &mut record).await,
        None => axum::Json(call.execute(&serving, &mut record).await).into_response(),
    };
    serving.mock.write(|account| account.requests.push(record));
    response
}

/// A request that is ready to be executed.
struct Call {
    operation: Operation,
    request: Request,
    caller: Caller,
}

impl Call {
    /// Executes the request. A successful change is added to the audit trail.
    async fn execute(self, serving: &Serving, record: &mut RequestRecord) -> async_graphql::Response {
        let login = self.caller.session.as_ref().map(|session| session.login.clone());
        let response = serving.schema.execute(self.request.data(self.caller)).await;
        record.error = response.errors.first().map(|error| error.message.clone());
        if let (Some(login), true, true) = (login, self.operation.mutation, response.is_ok()) {
            serving.mock.write(|account| {
                for field in &self.operation.fields {
                    audit_trail::report(account, field, &login);
                }
            });
        }
        response
    }
}

/// Answers according to the fault.
async fn answer_with_fault(
    serving: &Serving,
    effect: FaultEffect,
    connection: &Connection,
    call: Call,
    record: &mut RequestRecord,
) -> Response {
    match effect {
        FaultEffect::Status {
            status,
            retry_after_s,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            record.status = Some(status.as_u16());
            let mut response = (status, format!("{status}\n")).into_response();
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            response
        }
        FaultEffect::Html => Html("<!doctype html>\n<title>Maintenance</title>\n").into_response(),
        FaultEffect::Truncated => {
            let whole = call.execute(serving, record).await;
            let body = serde_json::to_string(&whole).unwrap_or_default();
            let half: String = body.chars().take(body.chars().count() / 2).collect();
            ([(header::CONTENT_TYPE, "application/json")], half).into_response()
        }
        FaultEffect::Slow(by) => {
            tokio::time::sleep(by).await;
            axum::Json(call.execute(serving, record).await).into_response()
        }
        FaultEffect::SlowAfter(by) => {
            let answer = call.execute(serving, record).await;
            tokio::time::sleep(by).await;
            axum::Json(answer).into_response()
        }
        FaultEffect::ResetBefore => cut(connection, record),
        FaultEffect::ResetAfter => {
            call.execute(serving, record).await;
            cut(connection, record)
        }
        FaultEffect::ErrorAfter => {
            call.execute(serving, record).await;
            record.status = Some(StatusCode::INTERNAL_SERVER_ERROR.as_u16());
            (StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error\n").into_response()
        }
        FaultEffect::GraphQlError { message, is_done } => {
            let path: Vec<String> = call.operation.fields.iter().take(1).cloned().collect();
            if is_done {
                call.execute(serving, record).await;
            }
            let body = json!({ "data": null, "errors": [{ "message": message, "path": path }] });
            record.error = Some(message);
            axum::Json(body).into_response()
        }
        // The sessions are gone: the request is refused like any other without a login.
        FaultEffect::ExpiredTokens => axum::Json(call.execute(serving, record).await).into_response(),
    }
}

/// The answer is never written: the attempt resets the connection.
fn cut(connection: &Connection, record: &mut RequestRecord) -> Response {
    connection.cut();
    record.status = None;
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The names in a request.
#[derive(Default)]
struct Operation {
    name: Option<String>,
    fields: Vec<String>,
    mutation: bool,
}

fn read(body: &[u8]) -> Result<(Operation, Request), String> {
    let mut request: Request = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    request.query = without_empty_arguments(&request.query);
    let name = request.operation_name.clone();
    // A document that cannot be parsed has no names; executing it reports the error.
    let Ok(document) = request.parsed_query() else {
        return Ok((
            Operation {
                name,
                ..Operation::default()
            },
            request,
        ));
    };
    let mut operations = document.operations.iter();
    let wanted = |found: Option<&Name>| name.is_none() || found.map(Name::as_str) == name.as_deref();
    let operation = match operations.find(|(found, _)| wanted(*found)) {
        Some((found, operation)) => Operation {
            name: found.map(ToString::to_string),
            fields: root_fields(&operation.node),
            mutation: operation.node.ty == OperationType::Mutation,
        },
        None => Operation {
            name,
            ..Operation::default()
        },
    };
    Ok((operation, request))
}

fn root_fields(operation: &OperationDefinition) -> Vec<String> {
    let items = &operation.selection_set.node.items;
    items
        .iter()
        .filter_map(|item| match &item.node {
            Selection::Field(field) => Some(field.node.name.node.to_string()),
            _ => None,
        })
        .collect()
}

fn caller(serving: &Serving, headers: &HeaderMap) -> Caller {
    let token = text(headers, header::AUTHORIZATION.as_str());
    let token = token.as_deref().and_then(|value| value.strip_prefix("Bearer "));
    let session = token.and_then(|token| {
        serving
            .mock
            .read(|account| account.sessions.of_token(token).cloned())
    });
    let base_url = text(headers, header::HOST.as_str()).map_or_else(
        || format!("http://{}", serving.address),
        |host| format!("http://{host}"),
    );
    Caller {
        session,
        metadata: text(headers, RUN_METADATA),
        base_url,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
