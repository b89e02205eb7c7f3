//! Sign-in by OpenID Connect, for a dashboard that others than its owner can open.
//!
//! The authorization code flow with PKCE. Nothing is kept on the server: what a sign-in needs until the person comes
//! back, and the session after that, are in encrypted cookies.

mod config;
mod cookies;
mod error;
mod http;
mod provider;
mod role;
mod seal;
mod secrets;
mod session;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, Query, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::{info, warn};

pub use config::{ConfigError, Settings};
pub use secrets::SecretSource;

use crate::access;
use crate::filters;
use crate::page::PageError;
use crate::sources::now_ms;
use cookies::{ATTEMPT, SESSION};
use error::SignInError;
use provider::Provider;
use secrets::Secrets;
use session::{Attempt, Session};

/// A browser that has seen this address once uses TLS for it from then on.
const TLS_ONLY: (HeaderName, &str) = (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");

/// A browser keeps no cookie of more than four kilobytes.
const BACK_BYTES_MAX: usize = 1_000;

/// How people sign in, and who has.
pub struct Login {
    settings: Settings,
    provider: Provider,
    secrets: Secrets,
    /// What a session is sealed for. A session of other settings is none: they may give the person another role.
    session_purpose: String,
}

impl Login {
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        Ok(Self {
            provider: Provider::new(&settings)?,
            secrets: Secrets::new(settings.secrets.clone()),
            session_purpose: format!("{SESSION} {}", settings.fingerprint()),
            settings,
        })
    }

    /// Reads the secret and the provider's description, so that the first person need not wait for them. Failures are
    /// logged, and tried again by the first sign-in.
    pub async fn warm_up(&self) {
        let (_, found) = tokio::join!(self.secrets.current(), self.provider.warm_up());
        if let Err(error) = found {
            warn!("{error}: {:#}", causes(&error));
        }
    }

    /// The session of a request, if it has a valid one.
    async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, SignInError> {
        let Some(text) = cookies::find(headers, SESSION) else {
            return Ok(None);
        };
        let session: Option<Session> = self.secrets.open(&self.session_purpose, &text).await?;
        Ok(session.filter(|session| session.until_ms > now_ms()))
    }

    /// Whether a form was sent by a page of this dashboard.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
        origin == Some(self.settings.url.origin().ascii_serialization().as_bytes())
    }

    fn refuse_other_page(&self) -> Response {
        PageError::FromElsewhere(self.settings.url.origin().ascii_serialization()).into_response()
    }
}

fn causes(error: &SignInError) -> String {
    match error {
        SignInError::Invalid(cause) | SignInError::NoProvider(cause) => format!("{cause:#}"),
        _ => String::new(),
    }
}

/// Lets through who has signed in, and says who it is. An action has to come from a page of this dashboard.
pub(crate) async fn guard(State(login): State<Arc<Login>>, mut request: Request, next: Next) -> Response {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_reading && !login.is_own_page(request.headers()) {
        return login.refuse_other_page();
    }
    match login.session(request.headers()).await {
        Ok(Some(session)) => {
            request.extensions_mut().insert(session.visitor());
            next.run(request).await
        }
        Ok(None) => sign_in_page(request.uri()),
        Err(error) => error.into_response(),
    }
}

/// The headers of every answer.
pub(crate) async fn with_headers(response: Response) -> Response {
    let mut response = access::with_headers(response);
    let (name, value) = TLS_ONLY;
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    title: &'static str,
    message: String,
    path: String,
}

fn shown(status: StatusCode, page: &SignInPage) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => PageError::Template(error).into_response(),
    }
}

/// A link instead of a redirect: several tabs that are restored at once do not disturb each other, and who has just
/// signed out stays so.
fn sign_in_page(address: &Uri) -> Response {
    let back = address.path_and_query().map_or("/", PathAndQuery::as_str);
    let page = SignInPage {
        title: "Sign in",
        message: "You are not signed in, or your session has ended.".to_owned(),
        path: begin_path(back),
    };
    shown(StatusCode::UNAUTHORIZED, &page)
}

fn begin_path(back: &str) -> String {
    format!("/login?back={}", crate::words::segment(back))
}

impl IntoResponse for SignInError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoAttempt
            | Self::OtherAttempt
            | Self::Refused(_)
            | Self::OtherProvider
            | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NoRole { .. } => StatusCode::FORBIDDEN,
            Self::NoProvider(_) | Self::NoSecret => StatusCode::BAD_GATEWAY,
        };
        warn!("A sign-in failed: {self} {}", causes(&self));
        let page = SignInPage {
            title: "You are not signed in",
            message: self.to_string(),
            path: begin_path("/"),
        };
        let response = shown(status, &page);
        match self {
            // The attempt that the browser has may still succeed.
            Self::OtherAttempt | Self::NoSecret => response,
            _ => cookies::set(response, &cookies::removed(ATTEMPT)),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Begin {
    #[serde(default)]
    back: String,
}

/// `GET /login`: sends the person to the identity provider.
pub(crate) async fn begin(
    State(login): State<Arc<Login>>,
    Query(Begin { back }): Query<Begin>,
) -> Result<Response, SignInError> {
    let back = if is_own_path(&back) { back } else { "/".to_owned() };
    let (address, attempt) = login.provider.begin(back).await?;
    let sealed = login.secrets.seal(ATTEMPT, &attempt).await?;
    let cookie = cookies::kept(ATTEMPT, sealed, session::ATTEMPT_S);
    Ok(cookies::set(
        Redirect::to(address.as_str()).into_response(),
        &cookie,
    ))
}

/// Only a page of this dashboard: a browser reads `//host` and `/\host` as another one.
fn is_own_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_short = path.len() <= BACK_BYTES_MAX;
    is_short && path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
}

/// What the identity provider sends a person back with.
#[derive(Debug, Deserialize)]
pub(crate) struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /login/callback`: the person comes back from the identity provider.
pub(crate) async fn end(
    State(login): State<Arc<Login>>,
    Query(returned): Query<Returned>,
    headers: HeaderMap,
) -> Result<Response, SignInError> {
    let sealed = cookies::find(&headers, ATTEMPT).ok_or(SignInError::NoAttempt)?;
    let attempt: Option<Attempt> = login.secrets.open(ATTEMPT, &sealed).await?;
    let attempt = attempt
        .filter(|attempt| attempt.until_ms > now_ms())
        .ok_or(SignInError::NoAttempt)?;
    if !returned
        .state
        .as_deref()
        .is_some_and(|state| attempt.is_of(state))
    {
        return Err(SignInError::OtherAttempt);
    }
    if returned
        .iss
        .is_some_and(|issuer| issuer != *login.settings.issuer)
    {
        return Err(SignInError::OtherProvider);
    }
    let code = match (returned.code, returned.error) {
        (Some(code), None) => code,
        (_, error) => return Err(SignInError::Refused(error_code(error.as_deref()))),
    };
    let client_secret = login.secrets.client_secret().await?;
    let claims = login.provider.claims(code, &attempt, client_secret).await?;
    let name = role::name(&claims);
    let Some(role) = login.settings.roles.role(&claims) else {
        return Err(SignInError::NoRole { name });
    };
    let session = Session::begin(name, role, login.settings.session)?;
    info!(person = session.name, "{} signed in as {role:?}", session.name);
    let sealed = login.secrets.seal(&login.session_purpose, &session).await?;
    let cookie = cookies::kept(SESSION, sealed, login.settings.session.as_secs());
    let response = cookies::set(Redirect::to(&attempt.back).into_response(), &cookie);
    Ok(cookies::set(response, &cookies::removed(ATTEMPT)))
}

/// A code of the standard, such as `access_denied`. The rest of what is in the address may come from anybody.
fn error_code(error: Option<&str>) -> String {
    let is_code = |code: &&str| {
        (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    error.filter(is_code).unwrap_or("it sent no code").to_owned()
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignOut {
    token: String,
}

/// `POST /logout`. The session at the identity provider goes on.
pub(crate) async fn sign_out(
    State(login): State<Arc<Login>>,
    headers: HeaderMap,
    Form(form): Form<SignOut>,
) -> Response {
    let is_theirs = match login.session(&headers).await {
        Ok(session) => session.is_none_or(|session| session.token.is(&form.token)),
        Err(error) => return error.into_response(),
    };
    if !login.is_own_page(&headers) || !is_theirs {
        return login.refuse_other_page();
    }
    cookies::set(Redirect::to("/").into_response(), &cookies::removed(SESSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_comes_back_to_a_page_of_this_dashboard_only() {
        let long = format!("/{}", "a".repeat(BACK_BYTES_MAX));
        for (path, is_own) in [
            ("/", true),
            ("/chains/chain:acme:01J?stack=a", true),
            ("", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example/", false),
            ("/\tevil", false),
            ("/\u{e4}", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_own_path(path), is_own, "{path:?}");
        }
    }

    #[test]
    fn only_a_code_of_the_standard_is_shown() {
        assert_eq!(error_code(Some("access_denied")), "access_denied");
        for other in [None, Some(""), Some("Call +1 555"), Some("<b>")] {
            assert_eq!(error_code(other), "it sent no code");
        }
    }
}
