//! The login with an API key. It changes nothing, although it is a GraphQL mutation.

use graphql_client::{GraphQLQuery, QueryBody};
use secrecy::{ExposeSecret, SecretString};

use crate::transport::Unusable;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/session/log_in.graphql"
)]
pub(crate) struct ApiKeyUser;

pub(crate) fn document(key_id: &str, key_secret: &SecretString) -> QueryBody<api_key_user::Variables> {
    let (id, secret) = (key_id.to_owned(), key_secret.expose_secret().to_owned());
    ApiKeyUser::build_query(api_key_user::Variables { id, secret })
}

/// The token and its expiry in seconds since 1970. Spacelift answers `null` to a wrong key.
pub(crate) fn convert(data: api_key_user::ResponseData) -> Result<(SecretString, u64), Unusable> {
    let user = data.api_key_user.ok_or(Unusable::Anonymous)?;
    let jwt = user
        .jwt
        .filter(|jwt| !jwt.is_empty())
        .ok_or(Unusable::Anonymous)?;
    let valid_until = user.valid_until.unwrap_or_default();
    Ok((
        SecretString::from(jwt),
        u64::try_from(valid_until).unwrap_or_default(),
    ))
}
