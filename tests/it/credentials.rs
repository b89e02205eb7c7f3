//! Our credentials for Temporal: a certificate, or an API key.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use environment::Variables;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use settings::Settings;
use temporal_client::contract::{Received, Source};
use temporal_client::{
    ConnectError, Recorded, Recorder, TemporalErrorKind, TemporalSettings, WorkflowClient,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

/// The authority that signs the certificates of both sides.
struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate, key }
    }
}

/// The tests' Temporal behind TLS that requires a certificate of this authority.
async fn temporal_behind_tls(authority: &Authority) -> SocketAddr {
    let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL").unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let identity = authority.certify("localhost");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![identity.certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, temporal) = (acceptor.clone(), temporal.clone());
            tokio::spawn(async move {
                if let Ok(mut secure) = acceptor.accept(stream).await {
                    let mut plain = TcpStream::connect(temporal).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
                }
            });
        }
    });
    address
}

fn variables(variables: &[(&str, &str)]) -> Variables {
    variables
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A request that no worker handles: its task queue is not used by any.
async fn record(temporal: TemporalSettings) -> Result<Recorded, TemporalErrorKind> {
    let id = Uuid::new_v4().to_string();
    let settings = Settings {
        task_queue: id.clone(),
        ..Settings::default()
    };
    let received: Received = serde_json::from_value(json!({
        "kind": "request", "account": "acme", "id": id, "request": {"stack": "network"},
    }))
    .unwrap();
    Recorder::new(temporal, settings)
        .record(&received, Source::Webhook)
        .await
}

#[tokio::test]
async fn a_client_certificate_is_required_and_accepted() {
    let authority = Authority::new();
    let address = format!("localhost:{}", temporal_behind_tls(&authority).await.port());
    let certified = authority.certify("spillway");
    let (root, certificate, key) = (
        authority.0.pem(),
        certified.certificate.pem(),
        certified.key.serialize_pem(),
    );
    let stranger = variables(&[
        ("TEMPORAL_ADDRESS", &address),
        ("TEMPORAL_TLS_SERVER_CA_CERT_DATA", &root),
    ]);
    let mut known = stranger.clone();
    known.extend(variables(&[
        ("TEMPORAL_TLS_CLIENT_CERT_DATA", &certificate),
        ("TEMPORAL_TLS_CLIENT_KEY_DATA", &key),
    ]));
    let known = TemporalSettings::from_variables(&known).unwrap();
    let stranger = TemporalSettings::from_variables(&stranger).unwrap();

    let client = known.connect().await.unwrap();
    WorkflowClient::new(client, Settings::default())
        .chains(1)
        .await
        .unwrap();
    let refused = stranger.connect().await;
    assert!(matches!(refused, Err(ConnectError::Unreachable { .. })));

    let recorded = record(known).await;
    assert!(matches!(recorded, Ok(Recorded::Accepted { .. })), "{recorded:?}");
    assert_eq!(record(stranger).await, Err(TemporalErrorKind::Unreachable));
}

#[tokio::test]
async fn every_call_has_the_api_key_the_namespace_and_the_configured_headers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new().fallback({
        let seen = Arc::clone(&seen);
        async move |request: Request| {
            seen.lock()
                .unwrap()
                .push((request.uri().path().to_owned(), request.headers().clone()));
            // This server implements no method.
            [("content-type", "application/grpc"), ("grpc-status", "12")]
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = TemporalSettings::from_variables(&variables(&[
        ("TEMPORAL_ADDRESS", &address),
        ("TEMPORAL_NAMESPACE", "spillway.a1b2c"),
        ("TEMPORAL_API_KEY", "a key"),
        ("TEMPORAL_GRPC_META_TEAM", "platform"),
        ("TEMPORAL_TLS", "false"),
    ]))
    .unwrap();
    let _ = settings.connect().await;
    assert_eq!(record(settings).await, Err(TemporalErrorKind::Other));

    let seen = seen.lock().unwrap();
    let called: BTreeSet<&str> = seen
        .iter()
        .filter_map(|(path, _)| path.rsplit('/').next())
        .collect();
    assert_eq!(called, ["GetSystemInfo", "StartWorkflowExecution"].into());
    for (path, headers) in seen.iter() {
        assert_eq!(headers["authorization"], "Bearer a key", "{path}");
        assert_eq!(headers["team"], "platform", "{path}");
        if path.ends_with("StartWorkflowExecution") {
            assert_eq!(headers["temporal-namespace"], "spillway.a1b2c");
        }
    }
}

/// Temporal Cloud answers so if a key is wrong, has expired or lacks a right.
#[tokio::test]
async fn a_refused_key_is_not_taken_for_a_server_that_is_away() {
    for (code, expected) in [
        ("16", TemporalErrorKind::Denied),
        ("7", TemporalErrorKind::Denied),
        ("14", TemporalErrorKind::Unreachable),
    ] {
        let answer = async move || [("content-type", "application/grpc"), ("grpc-status", code)];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let settings = TemporalSettings::from_variables(&variables(&[
            ("TEMPORAL_ADDRESS", &address),
            ("TEMPORAL_API_KEY", "a key"),
            ("TEMPORAL_TLS", "false"),
        ]));
        assert_eq!(record(settings.unwrap()).await, Err(expected), "{code}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_an_error() {
    let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL").unwrap();
    let settings = TemporalSettings::from_variables(&variables(&[
        ("TEMPORAL_ADDRESS", &temporal),
        ("TEMPORAL_API_KEY", "two\nlines"),
        ("TEMPORAL_TLS", "false"),
    ]));
    assert!(record(settings.unwrap()).await.is_err());
}
