//! API Gateway events get the same answers as the same requests over HTTP.

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chain::signature::sign;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Service};
use serde_json::{Value, json};
use webhook::lambda_service;

use crate::{OTHER_SECRET, SECRET, answer, proposed_run, request_of_now, router_here, secret};

/// One request, which can be made into each kind of event.
pub(crate) struct Sent {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

pub(crate) fn signed(body: &str, text: &str) -> Sent {
    let signature = sign(body.as_bytes(), &secret(text));
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-signature-256", signature),
    ];
    Sent {
        method: "POST",
        path: "/webhook",
        headers,
        body: body.to_owned(),
    }
}

fn plain(method: &'static str, path: &'static str) -> Sent {
    Sent {
        method,
        path,
        headers: Vec::new(),
        body: String::new(),
    }
}

impl Sent {
    fn headers(&self) -> Value {
        self.headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn encoded(&self, base64: bool) -> String {
        if base64 {
            STANDARD.encode(&self.body)
        } else {
            self.body.clone()
        }
    }

    /// An HTTP API event. If the stage has a name, it is in the path.
    pub(crate) fn v2(&self, stage: &str, base64: bool) -> Value {
        let path = if stage == "$default" {
            self.path.to_owned()
        } else {
            format!("/{stage}{}", self.path)
        };
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": self.headers(),
            "requestContext": {
                "accountId": "123456789012", "apiId": "api-id", "domainName": "api-id.execute-api.eu-west-1.amazonaws.com",
                "http": {"method": self.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "test"},
                "requestId": "id", "routeKey": "$default", "stage": stage, "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_000_i64,
            },
            "body": self.encoded(base64), "isBase64Encoded": base64,
        })
    }

    /// A REST API event. The stage is not in the path.
    fn v1(&self, stage: &str, base64: bool) -> Value {
        let many: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!([value])))
            .collect();
        json!({
            "resource": "/{proxy+}", "path": self.path, "httpMethod": self.method, "headers": self.headers(),
            "multiValueHeaders": many, "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": null, "stageVariables": null,
            "requestContext": {
                "accountId": "123456789012", "resourceId": "abc", "stage": stage, "requestId": "id", "apiId": "api-id",
                "identity": {"sourceIp": "192.0.2.1"}, "resourcePath": "/{proxy+}", "httpMethod": self.method,
                "path": format!("/{stage}{}", self.path), "protocol": "HTTP/1.1",
            },
            "body": self.encoded(base64), "isBase64Encoded": base64,
        })
    }

    fn http(&self) -> axum::http::Request<axum::body::Body> {
        let mut request = axum::http::Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone().into()).unwrap()
    }
}

/// The status and the body of the answer to an invocation.
pub(crate) async fn invoke(router: &Router, event: Value) -> (u64, Value) {
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut function = Adapter::from(lambda_service(router.clone()));
    let response = function
        .call(LambdaEvent::new(request, Context::default()))
        .await
        .unwrap();
    read(&serde_json::to_value(response).unwrap())
}

/// The status and the body of a response for API Gateway.
pub(crate) fn read(response: &Value) -> (u64, Value) {
    let body = response["body"].as_str().unwrap_or_default();
    let body = match response["isBase64Encoded"].as_bool() {
        Some(true) => String::from_utf8(STANDARD.decode(body).unwrap()).unwrap(),
        _ => body.to_owned(),
    };
    (
        response["statusCode"].as_u64().unwrap(),
        serde_json::from_str(&body).unwrap_or(Value::Null),
    )
}

#[tokio::test]
async fn every_kind_of_event_is_answered_as_by_http() {
    let ignored = proposed_run();
    let request = request_of_now();
    let mut not_json = signed(&ignored, SECRET);
    not_json.headers[0].1 = "text/plain".to_owned();
    let mut forged = signed(&ignored, SECRET);
    forged.body.push(' ');
    for (sent, status) in [
        (signed(&ignored, SECRET), 200),
        (signed(&request, SECRET), 503),
        (signed("{}x", SECRET), 422),
        (signed(&ignored, OTHER_SECRET), 401),
        (forged, 401),
        (not_json, 415),
        (signed(&" ".repeat(1024 * 1024 + 1), SECRET), 413),
        (plain("GET", "/health"), 200),
        (plain("GET", "/openapi.json"), 404),
        (plain("GET", "/webhook"), 405),
        (plain("POST", "/elsewhere"), 404),
        (plain("POST", "/prod"), 404),
    ] {
        let what = format!("{} {}", sent.method, sent.path);
        let (http_status, http_body) = answer(&router_here(), sent.http()).await;
        assert_eq!(u64::from(http_status.as_u16()), status, "{what}");
        let expected = (status, http_body);
        for base64 in [false, true] {
            assert_eq!(
                invoke(&router_here(), sent.v2("$default", base64)).await,
                expected,
                "v2, {what}, base64: {base64}"
            );
            assert_eq!(
                invoke(&router_here(), sent.v2("prod", base64)).await,
                expected,
                "v2 with a stage, {what}, base64: {base64}"
            );
            assert_eq!(
                invoke(&router_here(), sent.v1("prod", base64)).await,
                expected,
                "v1, {what}, base64: {base64}"
            );
        }
    }
}
