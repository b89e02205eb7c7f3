//! API keys and their sessions.

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::jwt;

/// The id of the key that every account has.
pub const KEY_ID: &str = "01JSMHTFM9TXWW1XK4AZN1SA8K";
/// Its secret.
pub const KEY_SECRET: &str = "mock-secret";

#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    pub id: String,
    pub secret: String,
    pub name: String,
    pub admin: bool,
}

impl Default for ApiKey {
    fn default() -> Self {
        Self {
            id: KEY_ID.to_owned(),
            secret: KEY_SECRET.to_owned(),
            name: "mock".to_owned(),
            admin: true,
        }
    }
}

/// A session: its login, token and expiry.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The value of `triggeredBy` and of audit entries: `api::<key id>`.
    pub login: String,
    pub name: String,
    pub admin: bool,
    pub token: String,
    pub valid_until: i64,
}

impl Account {
    /// Opens a session for a key. `None` if the key does not exist or the secret is wrong.
    pub(crate) fn log_in(&mut self, key_id: &str, secret: &str, base_url: &str) -> Option<Session> {
        let key = self
            .api_keys
            .iter()
            .find(|key| key.id == key_id && key.secret == secret)?
            .clone();
        let issued_at = Timestamp::now().seconds();
        let valid_until = issued_at + i64::try_from(self.token_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
        let id = self.ulid();
        let login = format!("api::{}", key.id);
        let claims = jwt::Claims {
            aud: vec![base_url.to_owned()],
            exp: valid_until,
            iat: issued_at,
            iss: base_url.to_owned(),
            jti: id.clone(),
            nbf: issued_at,
            sub: login.clone(),
        };
        let session = Session {
            login,
            name: key.name,
            admin: key.admin,
            token: jwt::sign(&claims),
            valid_until,
        };
        self.sessions.insert(id, session.clone());
        Some(session)
    }

    /// The session of a token that this account issued and that is still valid.
    pub(crate) fn session(&self, token: &str) -> Option<&Session> {
        let session = self.sessions.get(&jwt::id(token)?)?;
        (session.token == token && session.valid_until > Timestamp::now().seconds()).then_some(session)
    }
}
