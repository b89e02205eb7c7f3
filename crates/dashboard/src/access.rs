//! Who may open a page of a server without a login: a browser on this machine.
//!
//! A page of somebody else must neither read nor act. So the names under which this server answers are fixed, an action
//! has to come from this server's own page, and it has to carry a token that only this page knows.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::action_token::ActionToken;
use crate::visitor::{Role, Visitor};

/// The page loads only what this server sends, is shown in no other page, and posts nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    // A browser asks each time, and is told where nothing has changed.
    (header::CACHE_CONTROL, "private, no-cache"),
];

/// A server without a login.
#[derive(Clone)]
pub(crate) struct Door {
    port: u16,
    /// Whoever can reach a loopback address of this machine is taken for this person.
    owner: Visitor,
}

impl Door {
    pub(crate) fn at(address: SocketAddr, person: String) -> anyhow::Result<Self> {
        let owner = Visitor {
            name: person,
            role: Role::Operator,
            token: ActionToken::new()?,
            has_signed_in: false,
        };
        Ok(Self {
            port: address.port(),
            owner,
        })
    }

    /// Why a request is refused, if it is.
    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| self.is_ours(host)) else {
            return Some(
                "This server answers only as localhost, 127.0.0.1 or [::1], with its port. Another name was asked for.",
            );
        };
        if matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let origin = headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok());
        if origin.and_then(|origin| origin.strip_prefix("http://")) != Some(host) {
            return Some("The action did not come from a page of this server, so nothing was done.");
        }
        None
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else {
            return false;
        };
        port.parse() == Ok(self.port) && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    }
}

/// Refuses what does not come from this machine's own browser, and tells the browser what the page may do.
pub(crate) async fn guard(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let response = if let Some(why) = door.refusal(request.method(), request.headers()) {
        (StatusCode::FORBIDDEN, why).into_response()
    } else {
        request.extensions_mut().insert(door.owner);
        next.run(request).await
    };
    with_headers(response)
}

/// Tells the browser what a page may do.
pub(crate) fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &Method, headers: &[(HeaderName, &'static str)]) -> bool {
        let door = Door::at(([127, 0, 0, 1], 8090).into(), "bob".to_owned()).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        door.refusal(method, &headers).is_some()
    }

    #[test]
    fn only_the_names_of_this_machine_are_answered() {
        for (host, is_refused) in [
            ("127.0.0.1:8090", false),
            ("localhost:8090", false),
            ("[::1]:8090", false),
            ("localhost", true),
            ("localhost:80", true),
            ("evil.example:8090", true),
            ("127.0.0.1.evil.example:8090", true),
        ] {
            assert_eq!(
                refused(&Method::GET, &[(header::HOST, host)]),
                is_refused,
                "{host}"
            );
        }
        assert!(refused(&Method::GET, &[]));
    }

    #[test]
    fn an_action_comes_from_the_same_host() {
        for (origin, is_refused) in [
            ("http://localhost:8090", false),
            ("http://127.0.0.1:8090", true),
            ("https://localhost:8090", true),
            ("http://evil.example", true),
            ("null", true),
        ] {
            let headers = [(header::HOST, "localhost:8090"), (header::ORIGIN, origin)];
            assert_eq!(refused(&Method::POST, &headers), is_refused, "{origin}");
        }
        assert!(refused(&Method::POST, &[(header::HOST, "localhost:8090")]));
    }

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = ActionToken::new().unwrap();
        assert!(token.is(token.as_str()));
        for other in ["", "a", ActionToken::new().unwrap().as_str()] {
            assert!(!token.is(other));
        }
    }
}
