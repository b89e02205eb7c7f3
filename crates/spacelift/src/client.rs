//! The client: sends a GraphQL document and returns typed data, or one error.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use graphql_client::{GraphQLQuery, QueryBody};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::document::operation_document;
use crate::error::{Error, ErrorKind};
use crate::operations::session::log_in;
use crate::settings::{ConfigError, Limits, Settings, check_key, endpoint};
use crate::transport::{Effect, Http, Login, Request, Token, Tokens, Unusable, bearer_header, unusable};

/// A client of one Spacelift account, with an API key. Clones share the login, the connections and the request budget.
#[derive(Clone)]
pub struct Spacelift {
    shared: Arc<Shared>,
}

/// One request that can be sent at once. Reserve it before a check that has to come right before the request.
#[derive(Debug)]
pub struct Reservation {
    token: Token,
}

struct Shared {
    http: Http,
    tokens: Tokens,
    key_id: String,
    key_secret: SecretString,
    web_url: String,
}

/// The JSON body of a GraphQL request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<V> {
    variables: V,
    query: String,
    operation_name: &'static str,
}

impl fmt::Debug for Spacelift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spacelift")
            .field("key_id", &self.shared.key_id)
            .finish_non_exhaustive()
    }
}

impl Spacelift {
    /// A client with the default limits. Nothing is sent before the first request.
    pub fn new(base_url: &str, key_id: &str, key_secret: SecretString) -> Result<Self, ConfigError> {
        let (base_url, key_id) = (base_url.to_owned(), key_id.to_owned());
        Self::with_settings(Settings {
            base_url,
            key_id,
            key_secret,
            limits: Limits::default(),
        })
    }

    pub fn with_settings(settings: Settings) -> Result<Self, ConfigError> {
        let Settings {
            base_url,
            key_id,
            key_secret,
            limits,
        } = settings;
        check_key(&key_id, &key_secret)?;
        let endpoint = endpoint(&base_url)?;
        let web_url = endpoint.origin().ascii_serialization();
        let http = Http::new(endpoint, &limits)?;
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                tokens: Tokens::default(),
                key_id,
                key_secret,
                web_url,
            }),
        })
    }

    /// A client from variables: see [`Settings::from_lookup`] for their names.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::with_settings(Settings::from_lookup(lookup)?)
    }

    /// The id of the API key. Runs that it triggered have it in their `triggered_by`.
    pub fn key_id(&self) -> &str {
        &self.shared.key_id
    }

    /// The address of the account's web pages, such as `https://acme.app.spacelift.io`.
    pub fn web_url(&self) -> &str {
        &self.shared.web_url
    }

    pub(crate) async fn query<Q: GraphQLQuery, T>(
        &self,
        variables: Q::Variables,
        convert: impl Fn(Q::ResponseData) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        self.perform::<Q, T>(Effect::Read, None, variables, convert).await
    }

    pub(crate) async fn mutate<Q: GraphQLQuery, T>(
        &self,
        variables: Q::Variables,
        convert: impl Fn(Q::ResponseData) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        self.perform::<Q, T>(Effect::Write, None, variables, convert)
            .await
    }

    pub(crate) async fn perform<Q: GraphQLQuery, T>(
        &self,
        effect: Effect,
        run_metadata: Option<HeaderValue>,
        variables: Q::Variables,
        convert: impl Fn(Q::ResponseData) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        let request = request_of::<Q>(effect, run_metadata, variables)?;
        self.send(&request, |data| convert(typed::<Q>(data)?)).await
    }

    /// Logs in if necessary, and waits until the budget allows a request.
    pub async fn reserve(&self) -> Result<Reservation, Error> {
        let token = self.shared.tokens.current(|| self.log_in()).await?;
        self.shared.http.reserve().await;
        Ok(Reservation { token })
    }

    /// Sends a request at once, and only once. If its token is refused, the next request has another.
    pub(crate) async fn perform_reserved<Q: GraphQLQuery, T>(
        &self,
        reservation: Reservation,
        run_metadata: Option<HeaderValue>,
        variables: Q::Variables,
        convert: impl Fn(Q::ResponseData) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        let request = request_of::<Q>(Effect::Write, run_metadata, variables)?;
        let Shared { http, tokens, .. } = &*self.shared;
        let posted = http.post_reserved(&request, Some(&reservation.token.jwt)).await;
        let result = posted.and_then(|answer| {
            typed::<Q>(answer.data)
                .and_then(convert)
                .map_err(|why| unusable(why, request.effect))
        });
        if let Err(ErrorKind::Unauthorized) = result {
            // For the next request. The error of this login would come again there.
            let _ = tokens.other_than(&reservation.token, || self.log_in()).await;
        }
        result.map_err(|kind| Error {
            operation: request.operation,
            kind,
        })
    }

    /// Sends a request with a token. If it is refused as `unauthorized`, which means that nothing happened, sends it
    /// once more with a new token.
    pub(crate) async fn send<T>(
        &self,
        request: &Request,
        read: impl Fn(Value) -> Result<T, Unusable>,
    ) -> Result<T, Error> {
        let Shared { http, tokens, .. } = &*self.shared;
        let attempt = async |jwt: &SecretString| {
            let answer = http.post(request, Some(jwt)).await?;
            read(answer.data).map_err(|why| unusable(why, request.effect))
        };
        let token = tokens.current(|| self.log_in()).await?;
        let mut result = attempt(&token.jwt).await;
        if let Err(ErrorKind::Unauthorized) = result {
            let token = tokens.other_than(&token, || self.log_in()).await?;
            result = attempt(&token.jwt).await;
        }
        result.map_err(|kind| Error {
            operation: request.operation.clone(),
            kind,
        })
    }

    async fn log_in(&self) -> Result<Login, Error> {
        let Shared {
            http,
            key_id,
            key_secret,
            ..
        } = &*self.shared;
        let body = log_in::document(key_id, key_secret);
        let request = request(body.operation_name, Effect::Read, None, &body)?;
        let result = http.post(&request, None).await.and_then(|answer| {
            let (jwt, valid_until) = typed::<log_in::ApiKeyUser>(answer.data)
                .and_then(log_in::convert)
                .map_err(|why| unusable(why, Effect::Read))?;
            // A token that no header can carry is not kept.
            bearer_header(&jwt)?;
            let valid_until = SystemTime::UNIX_EPOCH + Duration::from_secs(valid_until);
            Ok(Login {
                jwt,
                valid_until,
                server_time: answer.server_time,
            })
        });
        result.map_err(|kind| Error {
            operation: request.operation,
            kind: without_secret(kind, key_secret),
        })
    }
}

pub(crate) fn request(
    operation: &str,
    effect: Effect,
    run_metadata: Option<HeaderValue>,
    body: &impl Serialize,
) -> Result<Request, Error> {
    let operation = operation.to_owned();
    match serde_json::to_vec(body) {
        Ok(body) => Ok(Request {
            operation,
            body,
            effect,
            run_metadata,
        }),
        Err(error) => Err(Error {
            operation,
            kind: ErrorKind::Refused {
                message: error.to_string(),
            },
        }),
    }
}

fn request_of<Q: GraphQLQuery>(
    effect: Effect,
    run_metadata: Option<HeaderValue>,
    variables: Q::Variables,
) -> Result<Request, Error> {
    let QueryBody {
        variables,
        query,
        operation_name,
    } = Q::build_query(variables);
    let query = operation_document(query, operation_name);
    let body = Body {
        variables,
        query,
        operation_name,
    };
    request(operation_name, effect, run_metadata, &body)
}

fn typed<Q: GraphQLQuery>(data: Value) -> Result<Q::ResponseData, Unusable> {
    serde_json::from_value(data).map_err(|error| Unusable::Mismatch(error.to_string()))
}

/// A server that explains what is wrong with the login's variables may repeat the secret.
fn without_secret(kind: ErrorKind, secret: &SecretString) -> ErrorKind {
    let clean = |text: String| text.replace(secret.expose_secret(), "***");
    match kind {
        ErrorKind::NotFound { message } => ErrorKind::NotFound {
            message: clean(message),
        },
        ErrorKind::Refused { message } => ErrorKind::Refused {
            message: clean(message),
        },
        ErrorKind::Unreachable { detail } => ErrorKind::Unreachable {
            detail: clean(detail),
        },
        ErrorKind::NotGraphQl { status, detail } => ErrorKind::NotGraphQl {
            status,
            detail: clean(detail),
        },
        ErrorKind::UnexpectedData { detail } => ErrorKind::UnexpectedData {
            detail: clean(detail),
        },
        other => other,
    }
}
