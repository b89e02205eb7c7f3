//! What an HTTP API of API Gateway does in front of a function: each request becomes an event, cookies apart.

use std::sync::{Arc, OnceLock};

use aws_stand_ins::lambda::Function;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::world::any_port;

pub(crate) struct Gateway {
    pub(crate) url: String,
    function: Arc<OnceLock<Function>>,
}

impl Gateway {
    /// Listens before there is a function, which has to know the address.
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let function = Arc::new(OnceLock::new());
        let router = Router::new().fallback(forward).with_state(Arc::clone(&function));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, function }
    }

    /// The same with TLS, as a browser wants it for its cookies.
    pub(crate) async fn listen_with_tls() -> Self {
        let plain = Self::listen().await;
        let behind = plain.url.trim_start_matches("http://").to_owned();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    if let Ok(mut secure) = acceptor.accept(stream).await {
                        let mut plain = TcpStream::connect(behind).await.unwrap();
                        // An error says that the browser has left.
                        let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
                    }
                });
            }
        });
        Self { url, ..plain }
    }

    pub(crate) fn lead_to(&self, function: Function) {
        assert!(self.function.set(function).is_ok(), "it leads to one function");
    }
}

async fn forward(State(function): State<Arc<OnceLock<Function>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path();
    let event = json!({
        "version": "2.0", "routeKey": format!("ANY {path}"), "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "cookies": cookies(&parts.headers), "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2c3", "domainName": "a1b2c3.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": parts.method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "test"},
            "requestId": "id", "routeKey": format!("ANY {path}"), "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_i64,
        },
        "body": STANDARD.encode(&body), "isBase64Encoded": true,
    });
    let function = function.get().expect("a function behind the gateway");
    answer(&function.invoke(event).await.unwrap())
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let texts = headers.get_all(header::COOKIE).iter();
    texts
        .flat_map(|text| text.to_str().unwrap().split("; "))
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect()
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let without_cookies = headers.keys().filter(|name| **name != header::COOKIE);
    without_cookies
        .map(|name| {
            let values: Vec<&str> = headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            (name.to_string(), json!(values.join(",")))
        })
        .collect()
}

fn answer(said: &Value) -> Response {
    let body = said["body"].as_str().unwrap_or_default();
    let body = match said["isBase64Encoded"].as_bool() {
        Some(true) => Bytes::from(STANDARD.decode(body).unwrap()),
        _ => Bytes::from(body.to_owned()),
    };
    let status = u16::try_from(said["statusCode"].as_u64().unwrap()).unwrap();
    let mut response = Response::builder().status(status).body(Body::from(body)).unwrap();
    let headers = response.headers_mut();
    for (name, value) in said["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().unwrap();
        assert_ne!(
            name,
            header::SET_COOKIE,
            "API Gateway wants cookies apart: {said}"
        );
        headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    for cookie in said["cookies"].as_array().into_iter().flatten() {
        headers.append(
            header::SET_COOKIE,
            HeaderValue::from_str(cookie.as_str().unwrap()).unwrap(),
        );
    }
    response
}
