//! The settings of the client: the account's address, the API key, and the limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// The names of each setting: ours first, then those of Spacelift's own tools.
const BASE_URL: [&str; 2] = ["SPACELIFT_BASE_URL", "SPACELIFT_API_KEY_ENDPOINT"];
const KEY_ID: [&str; 2] = ["SPACELIFT_KEY_ID", "SPACELIFT_API_KEY_ID"];
const KEY_SECRET: [&str; 2] = ["SPACELIFT_KEY_SECRET", "SPACELIFT_API_KEY_SECRET"];
const REQUESTS_PER_MINUTE: &str = "SPACELIFT_REQUESTS_PER_MINUTE";

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account's API, with or without `/graphql`.
    pub base_url: String,
    pub key_id: String,
    pub key_secret: SecretString,
    pub limits: Limits,
}

/// Limits of one client: time, memory, requests.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Name resolution, TCP and TLS together. A request that fails here was never sent.
    pub connect_timeout: Duration,
    /// One whole request, connection included. If it is longer than the timeout of the activity that makes the request,
    /// the activity's timeout ends the request first, without knowing what became of it.
    pub request_timeout: Duration,
    /// All clones of a client together, logins included. Requests beyond it wait. Spacelift publishes no limit.
    pub requests_per_minute: NonZeroU32,
    /// The longest answer that is read. A page of 50 stacks with all their configuration is much smaller.
    pub response_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            requests_per_minute: const { NonZeroU32::new(600).unwrap() },
            response_bytes_max: 16 * 1024 * 1024,
        }
    }
}

/// Why no client can be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("not set: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// The URL itself is left out: someone may have written a password into it.
    #[error("the base URL {0}")]
    BaseUrl(&'static str),
    #[error("the key id {0}")]
    KeyId(&'static str),
    #[error("{REQUESTS_PER_MINUTE} is `{0}`, not a positive whole number")]
    RequestsPerMinute(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Settings {
    /// Reads the settings by name, and reports all missing ones at once. An empty value counts as missing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let value = |name: &str| {
            lookup(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let mut missing = Vec::new();
        let mut required = |names: [&str; 2]| {
            names.into_iter().find_map(value).unwrap_or_else(|| {
                missing.push(format!("{} (or {})", names[0], names[1]));
                String::new()
            })
        };
        let base_url = required(BASE_URL);
        let key_id = required(KEY_ID);
        let key_secret = SecretString::from(required(KEY_SECRET));
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        let mut limits = Limits::default();
        if let Some(text) = value(REQUESTS_PER_MINUTE) {
            limits.requests_per_minute = text.parse().map_err(|_| ConfigError::RequestsPerMinute(text))?;
        }
        Ok(Self {
            base_url,
            key_id,
            key_secret,
            limits,
        })
    }
}

/// Whether the host of a URL is an address of this machine or of a private network; `None` if it is a name.
pub fn is_private_address(host: &str) -> Option<bool> {
    Some(match host.trim_matches(['[', ']']).parse().ok()? {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    })
}

/// Whether a host is this machine or in a private network. A name without a dot is one of such a network.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    is_private_address(host).unwrap_or(!host.contains('.'))
}

/// The address that documents are posted to.
pub(crate) fn endpoint(base_url: &str) -> Result<Url, ConfigError> {
    let mut url = Url::parse(base_url.trim()).map_err(|_| ConfigError::BaseUrl("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConfigError::BaseUrl("starts with neither https:// nor http://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(ConfigError::BaseUrl("names no host"));
    }
    if url.scheme() == "http" && !is_local(&url) {
        return Err(ConfigError::BaseUrl(
            "starts with http://, which would send the API key unencrypted: use https://",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::BaseUrl("holds a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::BaseUrl("holds a query or a fragment"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path
        .strip_suffix("/graphql")
        .unwrap_or(path)
        .trim_end_matches('/');
    let path = format!("{path}/graphql");
    url.set_path(&path);
    Ok(url)
}

pub(crate) fn check_key(key_id: &str, key_secret: &SecretString) -> Result<(), ConfigError> {
    if key_id.is_empty() || key_id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(ConfigError::KeyId("is empty or holds white space"));
    }
    if key_secret.expose_secret().is_empty() {
        return Err(ConfigError::Missing(vec![format!(
            "{} (or {})",
            KEY_SECRET[0], KEY_SECRET[1]
        )]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn lookup(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let map: BTreeMap<_, _> = pairs.iter().copied().collect();
        Settings::from_lookup(|name| map.get(name).map(ToString::to_string))
    }

    #[test]
    fn both_sets_of_variable_names_work_and_ours_win() {
        let theirs = [
            ("SPACELIFT_API_KEY_ENDPOINT", "https://a.app.spacelift.io"),
            ("SPACELIFT_API_KEY_ID", "theirs"),
            ("SPACELIFT_API_KEY_SECRET", "s"),
        ];
        assert_eq!(lookup(&theirs).unwrap().key_id, "theirs");
        let mut both = theirs.to_vec();
        both.push(("SPACELIFT_KEY_ID", "ours"));
        assert_eq!(lookup(&both).unwrap().key_id, "ours");
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let error = lookup(&[("SPACELIFT_KEY_ID", " ")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "not set: SPACELIFT_BASE_URL (or SPACELIFT_API_KEY_ENDPOINT), \
             SPACELIFT_KEY_ID (or SPACELIFT_API_KEY_ID), SPACELIFT_KEY_SECRET (or SPACELIFT_API_KEY_SECRET)"
        );
    }

    #[test]
    fn a_budget_that_is_not_a_positive_number_is_refused() {
        let with_budget = |budget| {
            lookup(&[
                ("SPACELIFT_BASE_URL", "https://a.b"),
                ("SPACELIFT_KEY_ID", "k"),
                ("SPACELIFT_KEY_SECRET", "s"),
                ("SPACELIFT_REQUESTS_PER_MINUTE", budget),
            ])
        };
        assert_eq!(with_budget("90").unwrap().limits.requests_per_minute.get(), 90);
        assert_eq!(
            with_budget("0").unwrap_err(),
            ConfigError::RequestsPerMinute("0".to_owned())
        );
    }

    #[test]
    fn the_endpoint_is_the_base_url_and_graphql_once() {
        for (base, expected) in [
            (
                "https://acme.app.spacelift.io",
                "https://acme.app.spacelift.io/graphql",
            ),
            (
                "https://acme.app.spacelift.io/",
                "https://acme.app.spacelift.io/graphql",
            ),
            (
                " https://acme.app.spacelift.io/graphql/ ",
                "https://acme.app.spacelift.io/graphql",
            ),
            ("http://127.0.0.1:8080/graphql", "http://127.0.0.1:8080/graphql"),
            ("https://in.house/spacelift", "https://in.house/spacelift/graphql"),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), expected, "{base}");
        }
    }

    #[test]
    fn an_invalid_base_url_is_refused_without_being_repeated() {
        for base in [
            "",
            "acme",
            "ftp://a.b",
            "https://user:hunter2@a.b",
            "https://a.b?token=hunter2",
            "https://",
        ] {
            let error = endpoint(base).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_key_is_sent_without_encryption_only_to_this_machine_and_private_networks() {
        for (base, is_accepted) in [
            ("https://acme.app.spacelift.io", true),
            ("http://acme.app.spacelift.io", false),
            ("http://localhost:8010", true),
            ("http://spacelift:8010", true),
            ("http://127.0.0.1:8010", true),
            ("http://10.0.0.7", true),
            ("http://203.0.113.7", false),
            ("http://[::1]:8010", true),
            ("http://[2001:db8::1]", false),
        ] {
            assert_eq!(endpoint(base).is_ok(), is_accepted, "{base}");
        }
    }
}
