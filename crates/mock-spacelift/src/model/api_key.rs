//! API keys and their sessions.

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
