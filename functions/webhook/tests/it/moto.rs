//! moto's Secrets Manager behind a proxy that counts, and that can be told to fail.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it. It fails where they are missing: a proof
//! that is skipped in silence is none.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/moto-requirements.txt");
/// moto looks at the scope alone, to know which service is meant.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=test/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0";

/// Made once for all tests of this process.
static ENVIRONMENT: LazyLock<PathBuf> = LazyLock::new(environment);

/// A Secrets Manager of a test's own. The server ends with it.
pub(crate) struct Moto {
    server: Child,
    target: String,
    proxy: String,
    state: Arc<Proxied>,
}

#[derive(Default)]
struct Proxied {
    reads: AtomicUsize,
    is_away: AtomicBool,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Moto {
    pub(crate) async fn start() -> Self {
        let python = tokio::task::spawn_blocking(|| ENVIRONMENT.join("bin/moto_server"))
            .await
            .unwrap();
        // Asked for and given back at once: moto does not say which port it would choose.
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new(python)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let target = format!("http://127.0.0.1:{port}");
        let state = Arc::new(Proxied::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback({
            let (state, target) = (Arc::clone(&state), target.clone());
            move |headers, body| forward(Arc::clone(&state), target.clone(), headers, body)
        });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let moto = Self {
            server,
            target,
            proxy,
            state,
        };
        let ready = tokio::time::timeout(Duration::from_secs(60), async {
            while http().get(&moto.target).send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        ready.await.expect("moto answers");
        moto
    }

    /// Where the SDK finds it.
    pub(crate) fn endpoint(&self) -> &str {
        &self.proxy
    }

    pub(crate) fn aws(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .endpoint_url(&self.proxy)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .build()
    }

    pub(crate) async fn create(&self, name: &str, value: &str) {
        self.call("CreateSecret", json!({"Name": name, "SecretString": value}))
            .await;
    }

    /// What was current becomes the previous one.
    pub(crate) async fn rotate(&self, name: &str, value: &str) {
        self.call("PutSecretValue", json!({"SecretId": name, "SecretString": value}))
            .await;
    }

    /// How many times the webhook has read the current version.
    pub(crate) fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn go_away(&self, is_away: bool) {
        self.state.is_away.store(is_away, Ordering::SeqCst);
    }

    /// A call of the test itself, which is not counted.
    async fn call(&self, operation: &str, input: Value) {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-amz-target",
            format!("secretsmanager.{operation}").parse().unwrap(),
        );
        headers.insert("content-type", "application/x-amz-json-1.1".parse().unwrap());
        headers.insert("authorization", AUTHORIZATION.parse().unwrap());
        let answer = http()
            .post(&self.target)
            .headers(headers)
            .body(input.to_string())
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{operation}: {}",
            answer.text().await.unwrap()
        );
    }
}

async fn forward(
    state: Arc<Proxied>,
    target: String,
    mut headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    if String::from_utf8_lossy(&body).contains("AWSCURRENT") {
        state.reads.fetch_add(1, Ordering::SeqCst);
    }
    if state.is_away.load(Ordering::SeqCst) {
        // Not an error that the SDK repeats, so that one read is one request.
        return (
            StatusCode::FORBIDDEN,
            json!({"__type": "AccessDeniedException"}).to_string(),
        );
    }
    headers.remove("host");
    let answer = http()
        .post(target)
        .headers(headers)
        .body(body)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.text().await.unwrap())
}

fn http() -> reqwest::Client {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A virtual environment with the pinned packages, made once for each set of requirements.
fn environment() -> PathBuf {
    let wanted = std::fs::read_to_string(REQUIREMENTS).unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto");
    let stamp = directory.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return directory;
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&directory));
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        REQUIREMENTS,
    ];
    run(Command::new(directory.join("bin/python")).args(install));
    std::fs::write(&stamp, wanted).unwrap();
    directory
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("moto needs {command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "moto needs {command:?}: {}\n{printed}",
        output.status
    );
}
