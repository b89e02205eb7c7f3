//! As whom we speak to Temporal: a certificate, or an API key.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use environment::Variables;
use orchestrator::{ConnectError, Orchestrator, Settings, TemporalSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Who signs the certificates of both sides.
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

/// The tests' Temporal behind TLS that wants a certificate of this authority.
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

#[tokio::test]
async fn a_certificate_of_the_right_authority_lets_us_in_and_none_does_not() {
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
    let client = TemporalSettings::from_variables(&known)
        .unwrap()
        .connect()
        .await
        .unwrap();
    Orchestrator::new(client, Settings::default())
        .chains(1)
        .await
        .unwrap();
    let refused = TemporalSettings::from_variables(&stranger)
        .unwrap()
        .connect()
        .await;
    assert!(matches!(refused, Err(ConnectError::Unreachable { .. })));
}

#[tokio::test]
async fn an_api_key_goes_with_every_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new().fallback({
        let seen = Arc::clone(&seen);
        async move |request: Request| {
            let key = request.headers().get("authorization").cloned();
            seen.lock().unwrap().push(key);
            // Whatever was called, this server does not do it.
            [("content-type", "application/grpc"), ("grpc-status", "12")]
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = TemporalSettings::from_variables(&variables(&[
        ("TEMPORAL_ADDRESS", &address),
        ("TEMPORAL_API_KEY", "a key"),
        ("TEMPORAL_TLS", "false"),
    ]));
    let _ = settings.unwrap().connect().await;
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty(), "it was called");
    for key in seen.iter() {
        assert_eq!(key.as_ref().unwrap(), "Bearer a key");
    }
}
