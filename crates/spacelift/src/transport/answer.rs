//! What an HTTP answer means. Pure functions of status, headers and body.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

use super::effect::Effect;
use super::graphql_error::{GraphQlError, error_kind, messages};
use crate::error::ErrorKind;

/// The longest `Retry-After` that is obeyed: a longer one is a mistake and would block the caller.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Why an operation cannot use the data of a successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// `null` where Spacelift returns `null` only to callers that are not logged in.
    Anonymous,
    /// `null` instead of the object of a mutation.
    Missing,
    /// Does not match the schema.
    Mismatch(String),
    /// Matches the schema, but this version must not act on it.
    Beyond(String),
}

#[derive(Deserialize)]
struct GraphQlAnswer {
    data: Option<Value>,
    errors: Option<Vec<GraphQlError>>,
}

/// The `data` of a GraphQL answer, or what went wrong.
pub(crate) fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    effect: Effect,
) -> Result<Value, ErrorKind> {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(ErrorKind::RateLimited {
            retry_after: retry_after(headers),
        });
    }
    if status.is_server_error() {
        let said = graphql(body)
            .and_then(|answer| answer.errors)
            .map(|errors| format!(": {}", messages(&errors)));
        return Err(effect.lost(format!("HTTP {status}{}", said.unwrap_or_default())));
    }
    if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        return Err(ErrorKind::Unauthorized);
    }
    match graphql(body) {
        Some(GraphQlAnswer {
            errors: Some(errors),
            data,
        }) if !errors.is_empty() => match effect {
            Effect::Write if holds_something(data.as_ref()) => Err(ErrorKind::Ambiguous {
                detail: format!("part of it happened: {}", messages(&errors)),
            }),
            _ => Err(error_kind(&errors, effect)),
        },
        Some(GraphQlAnswer { data: Some(data), .. }) if status.is_success() => Ok(data),
        _ => Err(unreadable(status, headers, body, effect)),
    }
}

/// The error of an operation that cannot use its data.
pub(crate) fn unusable(why: Unusable, effect: Effect) -> ErrorKind {
    match why {
        Unusable::Anonymous => ErrorKind::Unauthorized,
        Unusable::Missing => ErrorKind::NotFound {
            message: "not found".to_owned(),
        },
        Unusable::Beyond(message) => ErrorKind::Refused { message },
        Unusable::Mismatch(detail) => effect.unexpected(detail),
    }
}

fn graphql(body: &[u8]) -> Option<GraphQlAnswer> {
    serde_json::from_slice(body).ok()
}

/// Whether any root field has a value. Then one mutation happened, even if another one failed.
fn holds_something(data: Option<&Value>) -> bool {
    data.and_then(Value::as_object)
        .is_some_and(|roots| roots.values().any(|value| !value.is_null()))
}

fn unreadable(status: StatusCode, headers: &HeaderMap, body: &[u8], effect: Effect) -> ErrorKind {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let detail = if status.is_redirection() {
        format!("a redirect to `{}`", text(LOCATION).unwrap_or_default())
    } else {
        // The body is not repeated: a proxy in front of Spacelift may echo the request.
        format!(
            "{} bytes of `{}`",
            body.len(),
            text(CONTENT_TYPE).unwrap_or("no content type")
        )
    };
    if status.is_success() {
        effect.not_graphql(status.as_u16(), detail)
    } else {
        // A redirect or a 4xx comes from before the GraphQL engine: no mutation happened.
        ErrorKind::NotGraphQl {
            status: status.as_u16(),
            detail,
        }
    }
}

/// `Retry-After` in either of its two forms.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(server_time(headers))
            .unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// The server's own clock, so that a wrong clock on this machine does not matter.
pub(crate) fn server_time(headers: &HeaderMap) -> SystemTime {
    headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| httpdate::parse_http_date(text).ok())
        .unwrap_or_else(SystemTime::now)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn check(status: u16, body: &str, effect: Effect) -> Result<Value, ErrorKind> {
        read(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
            effect,
        )
    }

    #[test]
    fn an_answer_with_data_is_a_success() {
        assert_eq!(
            check(200, r#"{"data":{"stack":null}}"#, Effect::Read),
            Ok(json!({"stack": null}))
        );
        assert_eq!(
            check(200, r#"{"data":{"a":1},"errors":[]}"#, Effect::Read),
            Ok(json!({"a": 1}))
        );
    }

    #[test]
    fn data_of_another_shape_are_not_an_http_error() {
        let mismatch = || Unusable::Mismatch("invalid type".to_owned());
        let detail = "invalid type".to_owned();
        assert_eq!(
            unusable(mismatch(), Effect::Read),
            ErrorKind::UnexpectedData {
                detail: detail.clone()
            }
        );
        assert_eq!(
            unusable(mismatch(), Effect::Write),
            ErrorKind::Ambiguous { detail }
        );
    }

    #[test]
    fn data_beside_errors_is_not_used() {
        let body = r#"{"data":{"a":1},"errors":[{"message":"one"},{"message":"two"}]}"#;
        assert_eq!(
            check(200, body, Effect::Read),
            Err(ErrorKind::Refused {
                message: "one; two".to_owned()
            })
        );
    }

    #[test]
    fn a_partial_mutation_is_not_a_refusal() {
        let body = r#"{"data":{"a":{"id":"1"},"b":null},"errors":[{"message":"unauthorized","path":["b"]}]}"#;
        let detail = "part of it happened: unauthorized".to_owned();
        assert_eq!(
            check(200, body, Effect::Write),
            Err(ErrorKind::Ambiguous { detail })
        );
        let body = r#"{"data":{"a":null},"errors":[{"message":"unauthorized","path":["a"]}]}"#;
        assert_eq!(check(200, body, Effect::Write), Err(ErrorKind::Unauthorized));
    }

    #[test]
    fn a_lost_answer_is_ambiguous_only_for_a_mutation() {
        for (status, body) in [
            (500, ""),
            (502, "<html>"),
            (503, r#"{"errors":[{"message":"unauthorized"}]}"#),
        ] {
            assert!(
                matches!(
                    check(status, body, Effect::Read),
                    Err(ErrorKind::Unreachable { .. })
                ),
                "{status}"
            );
            assert!(
                matches!(
                    check(status, body, Effect::Write),
                    Err(ErrorKind::Ambiguous { .. })
                ),
                "{status}"
            );
        }
        for body in ["<html>", r#"{"data":{"a""#, "", "[]", "{}", r#"{"data":null}"#] {
            let read = check(200, body, Effect::Read);
            assert!(
                matches!(read, Err(ErrorKind::NotGraphQl { status: 200, .. })),
                "{body}: {read:?}"
            );
            assert!(
                matches!(check(200, body, Effect::Write), Err(ErrorKind::Ambiguous { .. })),
                "{body}"
            );
        }
    }

    #[test]
    fn a_request_that_did_not_reach_the_engine_did_not_happen() {
        for status in [301, 302, 307, 308, 400, 404, 405, 413] {
            let kind = check(status, "<html>", Effect::Write).unwrap_err();
            assert!(
                matches!(kind, ErrorKind::NotGraphQl { status: s, .. } if s == status),
                "{status}"
            );
        }
        for status in [401, 403] {
            assert_eq!(check(status, "no", Effect::Write), Err(ErrorKind::Unauthorized));
        }
        let invalid = check(400, r#"{"errors":[{"message":"unknown field"}]}"#, Effect::Write);
        assert_eq!(
            invalid,
            Err(ErrorKind::Refused {
                message: "unknown field".to_owned()
            })
        );
    }

    #[test]
    fn a_body_that_is_not_graphql_is_not_repeated() {
        let kind = check(200, "<html>Bearer hunter2</html>", Effect::Read).unwrap_err();
        assert_eq!(
            kind,
            ErrorKind::NotGraphQl {
                status: 200,
                detail: "27 bytes of `no content type`".to_owned()
            }
        );
    }

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        let check = |pairs: &[(_, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name, HeaderValue::from_static(value)));
            let headers: HeaderMap = headers
                .map(|(name, value): (&reqwest::header::HeaderName, _)| (name.clone(), value))
                .collect();
            retry_after(&headers)
        };
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[(RETRY_AFTER, "17")]), seconds(17));
        assert_eq!(
            check(&[(RETRY_AFTER, "18446744073709551615")]),
            Some(RETRY_AFTER_MAX)
        );
        assert_eq!(check(&[(RETRY_AFTER, "soon")]), None);
        assert_eq!(check(&[(RETRY_AFTER, "-1")]), None);
        let now = (DATE, "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(
            check(&[now.clone(), (RETRY_AFTER, "Wed, 21 Oct 2015 07:29:30 GMT")]),
            seconds(90)
        );
        assert_eq!(
            check(&[now, (RETRY_AFTER, "Wed, 21 Oct 2015 07:27:00 GMT")]),
            seconds(0)
        );
    }
}
