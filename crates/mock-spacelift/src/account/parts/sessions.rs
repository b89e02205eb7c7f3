//! API keys, and the sessions that they opened.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::api_key::{ApiKey, Session};
use crate::model::clock::Timestamp;
use crate::model::jwt;

/// The default lifetime of a token. Spacelift's documentation says one hour in one place and ten in another; the
/// shorter one is harder on clients.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct Sessions {
    pub api_keys: Vec<ApiKey>,
    pub token_lifetime: Duration,
    /// By the `jti` of their tokens.
    open: BTreeMap<String, Session>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            api_keys: vec![ApiKey::default()],
            token_lifetime: TOKEN_LIFETIME,
            open: BTreeMap::new(),
        }
    }
}

impl Sessions {
    /// Opens a session for a key. `None` if the key does not exist or the secret is wrong.
    pub(crate) fn log_in(
        &mut self,
        id: String,
        key_id: &str,
        secret: &str,
        base_url: &str,
    ) -> Option<Session> {
        let key = self
            .api_keys
            .iter()
            .find(|key| key.id == key_id && key.secret == secret)?
            .clone();
        let issued_at = Timestamp::now().seconds();
        let valid_until = issued_at + i64::try_from(self.token_lifetime.as_secs()).unwrap_or(i64::MAX / 2);
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
        self.open.insert(id, session.clone());
        Some(session)
    }

    /// The session of a token that this account issued and that is still valid.
    pub(crate) fn of_token(&self, token: &str) -> Option<&Session> {
        let session = self.open.get(&jwt::id(token)?)?;
        (session.token == token && session.valid_until > Timestamp::now().seconds()).then_some(session)
    }

    /// A session of a login, valid or not.
    pub(crate) fn of_login(&self, login: &str) -> Option<&Session> {
        self.open.values().find(|session| session.login == login)
    }

    pub(crate) fn log_out(&mut self, token: &str) {
        self.open.retain(|_, open| open.token != token);
    }

    /// Expires all tokens issued so far.
    pub(crate) fn expire_all(&mut self) {
        self.open.clear();
    }
}
