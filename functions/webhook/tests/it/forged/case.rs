//! One malformed or forged request, and its answer.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chain::signature::sign;
use serde_json::{Value, json};

use crate::{SECRET, secret};

pub(crate) const SIGNATURE: &str = "x-signature-256";
const CONTENT_TYPE: &str = "content-type";

pub(crate) struct Case {
    pub(crate) name: &'static str,
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) said: Value,
}

/// A correct delivery, which a test then makes wrong.
pub(crate) fn delivery(name: &'static str, body: impl Into<Vec<u8>>) -> Case {
    let body = body.into();
    let signature = sign(&body, &secret(SECRET));
    Case {
        name,
        method: "POST",
        target: "/webhook",
        headers: vec![
            (CONTENT_TYPE, b"application/json".to_vec()),
            (SIGNATURE, signature.into_bytes()),
        ],
        body,
        status: 0,
        said: Value::Null,
    }
}

/// A current event that would start a workflow if it were signed and complete.
pub(crate) fn event() -> String {
    event_at(now_s())
}

/// [`event`] with another time.
pub(crate) fn event_at(time_s: i64) -> String {
    format!(
        r#"{{"account":"acme","state":"FINISHED","stateVersion":4,"timestamp":{time_s},"run":{{"id":"01J","branch":"main","type":"TRACKED"}},"stack":{{"id":"network","name":"Network"}}}}"#
    )
}

/// [`event`] with `from` replaced by `to`.
#[track_caller]
pub(crate) fn event_with(from: &str, to: &str) -> String {
    let (event, changed) = (event(), event().replacen(from, to, 1));
    assert_ne!(event, changed, "`{from}` is not in the event");
    changed
}

/// The same for a run that starts no chain, for deliveries that are verified and parsed.
pub(crate) fn proposed() -> String {
    event_with("TRACKED", "PROPOSED")
}

#[track_caller]
pub(crate) fn proposed_with(from: &str, to: &str) -> String {
    let changed = proposed().replacen(from, to, 1);
    assert_ne!(proposed(), changed, "`{from}` is not in the event");
    changed
}

/// One time for a whole table, so that the same event has the same bytes.
pub(crate) fn now_s() -> i64 {
    thread_local! {
        static NOW_S: i64 = {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            i64::try_from(since_1970.as_secs()).unwrap()
        };
    }
    NOW_S.with(|now_s| *now_s)
}

impl Case {
    pub(crate) fn at(self, method: &'static str, target: &'static str) -> Self {
        Self {
            method,
            target,
            ..self
        }
    }

    /// Adds a header.
    pub(crate) fn and(mut self, header: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    pub(crate) fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self
    }

    pub(crate) fn signature(self, value: impl Into<Vec<u8>>) -> Self {
        self.without(SIGNATURE).and(SIGNATURE, value)
    }

    /// Changes the correct signature.
    pub(crate) fn signature_as(self, change: impl FnOnce(&str) -> String) -> Self {
        let signature = sign(&self.body, &secret(SECRET));
        self.signature(change(&signature))
    }

    /// Signs other bytes than those that are sent.
    pub(crate) fn signed_over(self, other: impl AsRef<[u8]>) -> Self {
        self.signature(sign(other.as_ref(), &secret(SECRET)))
    }

    pub(crate) fn content_type(self, value: &str) -> Self {
        self.without(CONTENT_TYPE).and(CONTENT_TYPE, value)
    }

    pub(crate) fn says(self, status: u16, said: Value) -> Self {
        Self { status, said, ..self }
    }

    fn answered(self, status: u16, error: &str) -> Self {
        self.says(status, json!({ "error": error }))
    }

    pub(crate) fn refused(self) -> Self {
        self.answered(401, "the signature is missing or wrong")
    }

    pub(crate) fn not_json(self) -> Self {
        self.answered(415, "the content type must be application/json")
    }

    pub(crate) fn too_large(self) -> Self {
        self.answered(413, "the body is larger than 1048576 bytes")
    }

    pub(crate) fn not_found(self) -> Self {
        self.answered(404, "not found: deliveries go to /webhook")
    }

    pub(crate) fn other_method(self) -> Self {
        self.answered(405, "method not allowed")
    }

    /// Authentic, and unreadable as a whole.
    pub(crate) fn unreadable(self, error: &str) -> Self {
        self.answered(422, error)
    }

    /// Authentic, with one wrong field.
    pub(crate) fn wrong_in(self, field: &str, error: &str) -> Self {
        self.says(422, json!({ "error": error, "field": field }))
    }

    /// The answer if the unreadable body is kept, which is no error.
    pub(crate) fn answer_where_it_is_kept(&self) -> (u16, Value) {
        let mut said = self.said.clone();
        if self.status != 422 {
            return (self.status, said);
        }
        said["result"] = json!("kept");
        (202, said)
    }

    pub(crate) fn ignored(self, reason: &str, detail: &str) -> Self {
        self.says(
            200,
            json!({"result": "ignored", "reason": reason, "detail": detail}),
        )
    }

    /// Authentic and parsed: only its type prevents it from starting anything.
    pub(crate) fn read(self) -> Self {
        self.ignored("run_type", "a PROPOSED run starts no chain")
    }

    pub(crate) fn http(&self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.target);
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_slice());
        }
        request.body(self.body.clone().into()).unwrap()
    }

    /// The same request as an API Gateway event; `None` if a header is not text. Repeated headers are joined with a
    /// comma.
    pub(crate) fn v2(&self) -> Option<Value> {
        let mut headers = serde_json::Map::new();
        for (name, value) in &self.headers {
            let value = str::from_utf8(value).ok()?;
            let joined = match headers.get(*name).and_then(Value::as_str) {
                Some(before) => format!("{before},{value}"),
                None => value.to_owned(),
            };
            headers.insert((*name).to_owned(), json!(joined));
        }
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        Some(json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api-id",
                "http": {"method": self.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "test"},
                "requestId": "id", "routeKey": "$default", "stage": "$default", "timeEpoch": 1_773_342_238_000_i64,
            },
            "body": STANDARD.encode(&self.body), "isBase64Encoded": true,
        }))
    }
}
