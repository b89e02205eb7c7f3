//! The settings of the sign-in. All problems are reported at once.

use std::net::IpAddr;
use std::time::Duration;

use environment::Variables;
use openidconnect::IssuerUrl;
use openidconnect::url::Url;
use serde_json::json;
use settings::Problems;
use sha2::{Digest, Sha256};

use super::role::Roles;
use super::secrets::SecretSource;

const URL: &str = "SPILLWAY_DASHBOARD_URL";
const ISSUER: &str = "SPILLWAY_DASHBOARD_ISSUER";
const CLIENT_ID: &str = "SPILLWAY_DASHBOARD_CLIENT_ID";
const SCOPES: &str = "SPILLWAY_DASHBOARD_SCOPES";
const CLAIM: &str = "SPILLWAY_DASHBOARD_CLAIM";
const VIEWERS: &str = "SPILLWAY_DASHBOARD_VIEWERS";
const OPERATORS: &str = "SPILLWAY_DASHBOARD_OPERATORS";
const SESSION_HOURS: &str = "SPILLWAY_DASHBOARD_SESSION_HOURS";

const SCOPES_DEFAULT: &str = "profile email";
const CLAIM_DEFAULT: &str = "groups";
const SESSION_HOURS_DEFAULT: u64 = 8;
/// A role that is taken away at the identity provider ends with the session.
const SESSION_HOURS_MAX: u64 = 24;

/// How people sign in.
pub struct Settings {
    /// The address of the dashboard, as people open it.
    pub(super) url: Url,
    pub(super) issuer: IssuerUrl,
    pub(super) client_id: String,
    /// The scopes that are asked for beside `openid`.
    pub(super) scopes: Vec<String>,
    pub(super) roles: Roles,
    /// How long a session lasts.
    pub session: Duration,
    pub(super) secrets: SecretSource,
}

/// All problems of the settings.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(Problems);

impl Settings {
    /// Identifies who signs people in and who gets which role.
    pub(super) fn fingerprint(&self) -> String {
        let Roles {
            claim,
            viewers,
            operators,
        } = &self.roles;
        let parts = json!([self.issuer.as_str(), self.client_id, claim, viewers, operators]);
        hex::encode(Sha256::digest(parts.to_string()))
    }

    /// Reads variables. Secrets are read later, and refreshed.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let text = |name: &str| {
            let text = variables.get(name).map(|text| text.trim());
            text.filter(|text| !text.is_empty())
        };
        let mut problems = Problems::default();
        let required =
            |name: &str, meaning: &str| text(name).ok_or(format!("`{name}` is not set: {meaning}"));

        let url = required(URL, "the address at which people open the dashboard")
            .and_then(|text| web_address(URL, text))
            .and_then(|url| match url.path() {
                "/" => Ok(url),
                path => Err(format!(
                    "`{URL}` has the path `{path}`; the dashboard has a host of its own"
                )),
            });
        let url = problems.check(url);
        let issuer = required(ISSUER, "the issuer at which people sign in").and_then(|text| {
            web_address(ISSUER, text)?;
            IssuerUrl::new(text.to_owned()).map_err(|error| format!("`{ISSUER}`: {error}"))
        });
        let issuer = problems.check(issuer);
        let client_id = problems.check(required(
            CLIENT_ID,
            "the id of the dashboard at the identity provider",
        ));
        let list = |name: &str| -> Vec<String> {
            let parts = text(name).unwrap_or_default().split(',').map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let roles = Roles {
            claim: text(CLAIM).unwrap_or(CLAIM_DEFAULT).to_owned(),
            viewers: list(VIEWERS),
            operators: list(OPERATORS),
        };
        if roles.viewers.is_empty() && roles.operators.is_empty() {
            problems.add(format!(
                "neither `{VIEWERS}` nor `{OPERATORS}` is set: the values of the claim `{}` that may see, and that may act",
                roles.claim
            ));
        }
        let session = problems.check(session(text(SESSION_HOURS)));
        let secrets = problems.check(SecretSource::from_variables(variables));
        let scopes = text(SCOPES).unwrap_or(SCOPES_DEFAULT).split_whitespace();
        let scopes = scopes.map(str::to_owned).collect();
        match (url, issuer, client_id, session, secrets) {
            (Some(url), Some(issuer), Some(client_id), Some(session), Some(secrets))
                if problems.is_empty() =>
            {
                Ok(Self {
                    url,
                    issuer,
                    client_id: client_id.to_owned(),
                    scopes,
                    roles,
                    session,
                    secrets,
                })
            }
            _ => Err(ConfigError(problems)),
        }
    }
}

fn session(text: Option<&str>) -> Result<Duration, String> {
    let hours = match text {
        None => Some(SESSION_HOURS_DEFAULT),
        Some(text) => text.parse().ok(),
    };
    let hours = hours.filter(|hours| (1..=SESSION_HOURS_MAX).contains(hours));
    hours
        .map(|hours| Duration::from_secs(hours * 3600))
        .ok_or(format!(
            "`{SESSION_HOURS}` is not a number from 1 to {SESSION_HOURS_MAX}"
        ))
}

/// A code that travels in plaintext can be used by whoever sees it.
fn web_address(name: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{name}` is not a URL: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(format!("`{name}` does not begin with https://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        (URL, "https://spillway.acme.example"),
        (ISSUER, "https://id.acme.example/realms/acme"),
        (CLIENT_ID, "spillway"),
        (OPERATORS, "platform, sre"),
        (
            "SPILLWAY_DASHBOARD_KEY",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        ),
    ];

    fn read(changed: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut variables: Variables = GOOD
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        variables.extend(
            changed
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        );
        Settings::from_variables(&variables)
    }

    #[test]
    fn four_values_and_a_key_are_enough() {
        let settings = read(&[]).ok().unwrap();
        assert_eq!(settings.roles.operators, ["platform", "sre"]);
        assert_eq!(settings.roles.claim, "groups");
        assert_eq!(settings.scopes, ["profile", "email"]);
        assert_eq!(settings.session, Duration::from_secs(8 * 3600));
        assert!(read(&[(URL, "http://127.0.0.1:8090/"), (ISSUER, "http://[::1]:9000")]).is_ok());
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (name, value, said) in [
            (URL, "", "is not set"),
            (URL, "spillway", "is not a URL"),
            (URL, "http://spillway.acme.example", "https://"),
            (URL, "https://acme.example/spillway", "`/spillway`"),
            (ISSUER, "", "is not set"),
            (ISSUER, "http://id.acme.example", "https://"),
            (CLIENT_ID, " ", "is not set"),
            (OPERATORS, ",", "`SPILLWAY_DASHBOARD_VIEWERS`"),
            (SESSION_HOURS, "0", "from 1 to 24"),
            (SESSION_HOURS, "25", "from 1 to 24"),
            (SESSION_HOURS, "8h", "from 1 to 24"),
            ("SPILLWAY_DASHBOARD_KEY", "short", "32 bytes"),
            ("SPILLWAY_DASHBOARD_KEY", "", "nor `SPILLWAY_DASHBOARD_SECRET_ID`"),
            ("SPILLWAY_DASHBOARD_KEY_PREVIOUS", "short", "32 bytes"),
        ] {
            let problems = read(&[(name, value)]).err().unwrap().0;
            assert_eq!(problems.iter().count(), 1, "{problems:?}");
            assert!(
                problems.to_string().contains(said),
                "{name}={value}: {problems:?}"
            );
        }
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let problems = Settings::from_variables(&Variables::new()).err().unwrap().0;
        assert_eq!(problems.iter().count(), 5, "{problems:?}");
    }
}
