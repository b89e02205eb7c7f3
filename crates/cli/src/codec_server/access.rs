//! Who may send requests, by the rules in Temporal's documentation of codec servers: in a browser only Temporal's UI may
//! read the answers, and clients on other machines have to log in.
//!
//! Without a login the server answers only as this machine, so that no page can point a name of its own at it.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reqwest::Url;

use super::Server;
use super::token::{Keys, Rules};

/// The headers that the UI sends.
const REQUEST_HEADERS: &str = "authorization, content-type, x-namespace";
/// How long a browser remembers what it may send, in seconds.
const PREFLIGHT_S: &str = "600";

/// Where a page comes from: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin(Url);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Self(url)),
            _ => Err("it is no URL such as http://127.0.0.1:8088".to_owned()),
        }
    }
}

impl Origin {
    /// Whether the header `Origin` names it. A browser calls this machine by either of its names.
    fn is(&self, header: &HeaderValue) -> bool {
        let Some(url) = header.to_str().ok().and_then(|text| Url::parse(text).ok()) else {
            return false;
        };
        let same_host = url.host_str() == self.0.host_str()
            || (is_loopback(url.host_str()) && is_loopback(self.0.host_str()));
        url.scheme() == self.0.scheme()
            && same_host
            && url.port_or_known_default() == self.0.port_or_known_default()
    }
}

fn is_loopback(host: Option<&str>) -> bool {
    matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Who may ask, and from which page.
pub(super) struct Access {
    ui: Origin,
    login: Login,
}

enum Login {
    /// None: only programs and browsers of this machine.
    Machine,
    /// A reverse proxy lets people in. It is reached under this name.
    Proxy(String),
    Token(Box<Keys>, Rules),
}

impl Access {
    pub(super) fn on_this_machine(ui: Origin) -> Self {
        Self {
            ui,
            login: Login::Machine,
        }
    }

    pub(super) fn by_proxy(ui: Origin, host: String) -> Self {
        Self {
            ui,
            login: Login::Proxy(host),
        }
    }

    pub(super) fn by_token(ui: Origin, keys: Keys, rules: Rules) -> Self {
        Self {
            ui,
            login: Login::Token(Box::new(keys), rules),
        }
    }

    /// Whether only this machine may reach the server.
    pub(super) fn needs_loopback(&self) -> bool {
        matches!(self.login, Login::Machine | Login::Proxy(_))
    }

    /// Why a request is refused, regardless of its sender.
    fn refusal(&self, headers: &HeaderMap) -> Option<&'static str> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or_default();
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host, |(name, _)| name);
        let is_ours = match &self.login {
            Login::Machine => is_loopback(Some(name)),
            Login::Proxy(proxy) => name.eq_ignore_ascii_case(proxy),
            Login::Token(..) => true,
        };
        if !is_ours {
            return Some("This server is not meant to be reached under that name.");
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if !self.ui.is(origin) => {
                Some("Only the page of Temporal's UI may ask, the one that --temporal-ui names.")
            }
            _ => None,
        }
    }

    /// Why the sender is not let in.
    async fn lacks_login(&self, headers: &HeaderMap) -> Option<String> {
        let Login::Token(keys, rules) = &self.login else {
            return None;
        };
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else {
            return Some(
                "There is no access token. Enable \"Pass access token\" in Temporal's UI.".to_owned(),
            );
        };
        match keys.claims(token).await {
            Ok(claims) => rules.why_refused(&claims, jiff::Timestamp::now().as_second()),
            Err(error) => Some(error.to_string()),
        }
    }

    fn allow(&self, origin: HeaderValue, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        let fixed = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_S),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if matches!(self.login, Login::Proxy(_)) {
            let with_cookies = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, with_cookies);
        }
    }
}

/// Refuses what must not be answered, and tells a browser which page may read the answer.
pub(super) async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let access = &server.access;
    if let Some(why) = access.refusal(request.headers()) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else if let Some(why) = access.lacks_login(request.headers()).await {
        (StatusCode::UNAUTHORIZED, why).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(origin) = origin {
        access.allow(origin, headers);
    }
    response
}
