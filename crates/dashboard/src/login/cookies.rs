//! The two cookies. `__Host-` makes a browser refuse them unless they come by TLS, for this host alone and all its paths.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

pub(super) const SESSION: &str = "__Host-spillway-session";
pub(super) const ATTEMPT: &str = "__Host-spillway-sign-in";

/// What the browser sends under a name. API Gateway may split the cookies over several headers.
pub(super) fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter();
    texts
        .filter_map(|text| text.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

pub(super) fn kept(name: &'static str, value: String, lifetime_s: u64) -> Cookie<'static> {
    // `Lax`, since the person comes from a link of the identity provider.
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(i64::try_from(lifetime_s).unwrap_or(i64::MAX)))
        .build()
}

pub(super) fn removed(name: &'static str) -> Cookie<'static> {
    kept(name, String::new(), 0)
}

pub(super) fn set(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
