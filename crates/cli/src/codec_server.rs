//! `spillway codec-server`: decrypts what Temporal keeps, for people who look at it in Temporal's UI or command.
//!
//! It only decrypts. Whoever may ask it can read everything in the namespace, so the rules of [`access`] decide who may.

mod access;
mod token;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};
use temporal_client::TemporalSettings;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use tokio::net::TcpListener;

use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::{Failure, reason};
use crate::output;
use crate::variables::variables;
use access::{Access, Origin};
use token::{Keys, Rules};

/// A request of Temporal's UI has the payloads of one page of a history, each of at most 2 MB.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

const EXAMPLES: &str = "Examples:
  spillway codec-server
  temporal workflow show -w <id> --codec-endpoint http://127.0.0.1:8081
  spillway codec-server --listen 0.0.0.0:8081 --temporal-ui https://cloud.temporal.io \\
    --jwks https://login.tmprl.cloud/.well-known/jwks.json --audience https://saas-api.tmprl.cloud \\
    --user-claim https://saas-api.tmprl.cloud/user/email --user alice@acme.example

In the Temporal UI, set this address as the codec server. Without a login it answers only on this machine. \
docs/security.md describes the logins.";

/// Decrypt payloads for the Temporal UI and the `temporal` command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CodecServerArguments {
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The URL of the Temporal UI. No other page may read the answers.
    #[arg(
        long,
        env = "TEMPORAL_UI_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8088"
    )]
    temporal_ui: Origin,
    /// Log in by the access token of the UI ("Pass access token"): the URL of the public keys of its provider.
    #[arg(long, value_name = "URL", requires_all = ["audience", "user"])]
    jwks: Option<reqwest::Url>,
    /// The audience that an access token must have.
    #[arg(long, value_name = "TEXT", requires = "jwks")]
    audience: Option<String>,
    /// A person who may decrypt, as the access token names them. Can be repeated.
    #[arg(long, value_name = "NAME", requires = "jwks")]
    user: Vec<String>,
    /// The claim of the access token that names the person.
    #[arg(long, value_name = "CLAIM", default_value = "email", requires = "jwks")]
    user_claim: String,
    /// Log in by a reverse proxy on this machine ("Include cross-origin credentials"): the host name of the proxy.
    #[arg(long, value_name = "HOST", conflicts_with = "jwks")]
    login_proxy: Option<String>,
}

/// What the handlers share.
struct Server {
    temporal: TemporalSettings,
    access: Access,
}

/// The body of a request and of its answer, as Temporal's codec servers have it.
#[derive(Serialize, Deserialize)]
struct Payloads {
    #[serde(default)]
    payloads: Vec<EncodedPayload>,
}

/// A payload in the JSON of protobuf, which has bytes as Base64.
#[derive(Serialize, Deserialize)]
struct EncodedPayload {
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    data: String,
}

pub(crate) fn codec_server(arguments: CodecServerArguments) -> Done {
    block_on(async {
        let listen = arguments.listen;
        let access = arguments.access()?;
        let temporal = TemporalSettings::from_variables(&variables().await?)?;
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            Failure::setting(format!(
                "the codec server could not listen on {listen}: {}",
                reason(&error)
            ))
            .hint("Choose another address with --listen.")
        })?;
        let stop = environment::stop_signal()?;
        output::line(&format!(
            "The Temporal UI and the `temporal` command can decrypt the namespace `{}` at http://{}. Press Ctrl-C to stop.",
            temporal.namespace(),
            listener.local_addr()?
        ))?;
        let server = Arc::new(Server { temporal, access });
        http_server::serve(listener, router(server), http_server::Limits::default(), stop).await;
        Ok(Exit::Success)
    })
}

impl CodecServerArguments {
    fn access(self) -> anyhow::Result<Access> {
        let access = match (self.jwks, self.login_proxy) {
            (Some(jwks), _) => Access::by_token(
                self.temporal_ui,
                Keys::at(jwks)?,
                Rules {
                    audience: self.audience.unwrap_or_default(),
                    user_claim: self.user_claim,
                    users: self.user,
                },
            ),
            (None, Some(host)) => Access::by_proxy(self.temporal_ui, host),
            (None, None) => Access::on_this_machine(self.temporal_ui),
        };
        if access.needs_loopback() && !self.listen.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "--listen {} can be reached from other machines, and there is no login",
                self.listen
            ))
            .meaning("Everyone who can reach it could decrypt what Temporal stores.")
            .hint("Listen on 127.0.0.1, or set --jwks with --audience and --user.")
            .into());
        }
        Ok(access)
    }
}

fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/decode", post(decode))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&server), access::guard))
        .with_state(server)
}

async fn decode(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Json(mut body): Json<Payloads>,
) -> Response {
    let namespace = server.temporal.namespace();
    if headers.get("x-namespace").map(HeaderValue::as_bytes) != Some(namespace.as_bytes()) {
        let why = format!("This server decrypts only the namespace `{namespace}`.");
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    for encoded in &mut body.payloads {
        let Some(payload) = encoded.payload() else {
            return (StatusCode::BAD_REQUEST, "A payload is not Base64.").into_response();
        };
        // One that cannot be decrypted is shown as it is. The others of the page can still be read.
        match server.temporal.decoded(payload).await {
            Ok(payload) => *encoded = EncodedPayload::of(&payload),
            Err(error) => output::warning(&format!(
                "a payload could not be decrypted: {:#}",
                anyhow::Error::new(error)
            )),
        }
    }
    Json(body).into_response()
}

impl EncodedPayload {
    fn payload(&self) -> Option<Payload> {
        let mut payload = Payload {
            data: STANDARD.decode(&self.data).ok()?,
            ..Payload::default()
        };
        for (name, value) in &self.metadata {
            payload
                .metadata
                .insert(name.clone(), STANDARD.decode(value).ok()?);
        }
        Some(payload)
    }

    fn of(payload: &Payload) -> Self {
        let metadata = payload.metadata.iter();
        Self {
            metadata: metadata
                .map(|(name, value)| (name.clone(), STANDARD.encode(value)))
                .collect(),
            data: STANDARD.encode(&payload.data),
        }
    }
}
