//! `spillway codec-server`: who is answered. The whole-system tests cover what it decrypts.

use axum::Json;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Client, Method, Response, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::world::World;

const UI: &str = "http://127.0.0.1:8088";

struct Running {
    url: String,
    client: Client,
    _child: Child,
}

async fn start(world: &World, arguments: &[&str]) -> Running {
    let all = [&["codec-server", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut child = world.command(&all).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .next_line()
        .await
        .unwrap()
        .expect("it says where it listens");
    let url = said.split_whitespace().find(|word| word.starts_with("http://"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    Running {
        url: url.unwrap().trim_end_matches('.').to_owned(),
        client: Client::builder().no_proxy().build().unwrap(),
        _child: child,
    }
}

fn body() -> Value {
    json!({"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "NDI="}]})
}

impl Running {
    async fn ask(&self, method: Method, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method, format!("{}/decode", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.json(&body()).send().await.unwrap()
    }

    async fn status(&self, headers: &[(&str, &str)]) -> u16 {
        let all = [&[("x-namespace", "default")], headers].concat();
        self.ask(Method::POST, &all).await.status().as_u16()
    }
}

#[tokio::test]
async fn only_this_machine_and_the_page_of_temporals_ui_are_answered() {
    let server = start(&World::acme().await, &[]).await;
    let answer = server
        .ask(Method::POST, &[("x-namespace", "default"), ("origin", UI)])
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["access-control-allow-origin"], UI);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        body(),
        "a plain payload stays"
    );

    let preflight = server.ask(Method::OPTIONS, &[("origin", UI)]).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let allowed = &preflight.headers()["access-control-allow-headers"];
    assert_eq!(allowed, "authorization, content-type, x-namespace");
    assert!(
        !preflight
            .headers()
            .contains_key("access-control-allow-credentials")
    );

    for (headers, status) in [
        (&[][..], 200),
        (&[("origin", "http://localhost:8088")], 200),
        (&[("origin", "https://127.0.0.1:8088")], 403),
        (&[("origin", "http://127.0.0.1:8089")], 403),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("host", "evil.example")], 403),
        (&[("host", "127.0.0.1.evil.example:8081")], 403),
    ] {
        assert_eq!(server.status(headers).await, status, "{headers:?}");
    }
    let other = server.ask(Method::POST, &[("x-namespace", "other")]).await;
    assert_eq!(other.status(), StatusCode::FORBIDDEN);
    let preflight = server
        .ask(Method::OPTIONS, &[("origin", "http://evil.example")])
        .await;
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn behind_a_login_proxy_only_its_name_is_answered_and_cookies_may_be_sent() {
    let world = World::acme().await;
    let server = start(
        &world,
        &[
            "--login-proxy",
            "codec.acme.example",
            "--temporal-ui",
            "https://cloud.temporal.io",
        ],
    )
    .await;
    let ui = ("origin", "https://cloud.temporal.io");
    let named = server
        .ask(
            Method::POST,
            &[("x-namespace", "default"), ("host", "codec.acme.example"), ui],
        )
        .await;
    assert_eq!(named.status(), StatusCode::OK);
    assert_eq!(named.headers()["access-control-allow-credentials"], "true");
    assert_eq!(server.status(&[]).await, 403, "past the proxy");
}

/// A login with a key of its own.
struct Provider {
    key: EcdsaKeyPair,
    url: String,
}

impl Provider {
    async fn start() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let encode = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "one", "x": encode(x), "y": encode(y)},
        ]});
        let router = axum::Router::new().route("/jwks.json", get(async move || Json(keys)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { key, url }
    }

    fn token(&self, claims: &Value) -> String {
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "kid": "one"});
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!(
            "Bearer {signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref())
        )
    }
}

#[tokio::test]
async fn a_person_whom_the_provider_names_is_answered_from_anywhere() {
    let world = World::acme().await;
    let (provider, stranger) = (Provider::start().await, Provider::start().await);
    let server = start(
        &world,
        &["--jwks", &provider.url, "--audience", "codec", "--user", "alice"],
    )
    .await;
    let claims = |user: &str| json!({"exp": 4_000_000_000_i64, "aud": "codec", "email": user});
    for (token, status) in [
        (provider.token(&claims("alice")), 200),
        (provider.token(&claims("mallory")), 401),
        (stranger.token(&claims("alice")), 401),
        ("Bearer no.token.here".to_owned(), 401),
        (String::new(), 401),
    ] {
        let headers = [("authorization", token.as_str()), ("host", "codec.acme.example")];
        assert_eq!(server.status(&headers).await, status, "{token}");
    }
    assert_eq!(server.status(&[]).await, 401);
}

#[tokio::test]
async fn without_a_login_it_listens_only_on_this_machine() {
    let world = World::acme().await;
    let said = world
        .run(&["codec-server", "--listen", "0.0.0.0:0"])
        .await
        .failed(2);
    insta::assert_snapshot!(said, @r"
    error: --listen 0.0.0.0:0 can be reached from other machines, and there is no login
    Everyone who can reach it could decrypt what Temporal stores.
    hint: Listen on 127.0.0.1, or set --jwks with --audience and --user.
    ");
    let said = world
        .run(&[
            "codec-server",
            "--jwks",
            "http://login.example/keys",
            "--audience",
            "a",
            "--user",
            "b",
        ])
        .await
        .failed(2);
    insta::assert_snapshot!(said, @r"
    error: --jwks http://login.example/keys is not an https URL
    Whoever can change the answer could log in as anybody.
    ");
}
