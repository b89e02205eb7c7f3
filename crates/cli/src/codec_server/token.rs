//! Access tokens: JSON Web Tokens that the login of Temporal's UI has signed.
//!
//! RS256 and ES256, the algorithms that most logins use, and no others: the token does not choose how it is checked.

use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Client, Url};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::failure::Failure;

/// How long the provider may take to answer.
const KEYS_TIME_MAX: Duration = Duration::from_secs(5);
/// How often the provider is asked for its keys at most: anybody can send a token with an unknown one.
const KEYS_EVERY: Duration = Duration::from_secs(60);
/// How far two clocks may be apart.
const CLOCKS_APART_S: i64 = 60;
/// The first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 4;

pub(super) type Claims = Map<String, Value>;

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the access token is no JSON Web Token")]
    Malformed,
    #[error("the access token is not signed with a key of the provider")]
    Signature,
    #[error("the keys of the provider could not be read")]
    Keys(#[source] reqwest::Error),
}

/// The keys of the provider, read when they are needed.
pub(super) struct Keys {
    url: Url,
    client: Client,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    at: Option<Instant>,
    keys: KeySet,
}

/// A JSON Web Key Set.
#[derive(Debug, Default, Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

/// The parts of a token.
struct Token<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl Keys {
    pub(super) fn at(url: Url) -> anyhow::Result<Self> {
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !is_loopback {
            return Err(Failure::usage(format!("--jwks {url} is not an https URL"))
                .meaning("Whoever can change the answer could log in as anybody.")
                .into());
        }
        // An error means that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            url,
            client: Client::builder()
                .timeout(KEYS_TIME_MAX)
                .build()
                .context("the HTTP client could not be made")?,
            read: Mutex::default(),
        })
    }

    /// The claims of a token, if the provider signed it. Whether they are enough is for [`Rules`] to say.
    pub(super) async fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let token = Token::parse(token).ok_or(TokenError::Malformed)?;
        let mut read = self.read.lock().await;
        let is_new = |at: Instant| at.elapsed() < KEYS_EVERY;
        if !read.keys.know(&token) && !read.at.is_some_and(is_new) {
            read.at = Some(Instant::now());
            let answer = self.client.get(self.url.clone()).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status);
            read.keys = match answer {
                Ok(answer) => answer.json().await.map_err(TokenError::Keys)?,
                Err(error) => return Err(TokenError::Keys(error)),
            };
        }
        if read.keys.signed(&token) {
            Ok(token.claims)
        } else {
            Err(TokenError::Signature)
        }
    }
}

impl KeySet {
    fn know(&self, token: &Token<'_>) -> bool {
        self.keys.iter().any(|key| key.is_named(token))
    }

    fn signed(&self, token: &Token<'_>) -> bool {
        let mut named = self.keys.iter().filter(|key| key.is_named(token));
        named.any(|key| key.verifies(token).unwrap_or(false))
    }
}

impl Key {
    fn is_named(&self, token: &Token<'_>) -> bool {
        token.header.kid.is_none() || token.header.kid == self.kid
    }

    /// `None` if the key has no such algorithm.
    fn verifies(&self, token: &Token<'_>) -> Option<bool> {
        let signed = token.signed.as_bytes();
        let verified = match (token.header.alg.as_str(), self.kty.as_str()) {
            ("RS256", "RSA") => RsaPublicKeyComponents {
                n: bytes(self.n.as_deref()?)?,
                e: bytes(self.e.as_deref()?)?,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed, &token.signature),
            ("ES256", "EC") if self.crv.as_deref() == Some("P-256") => {
                let (x, y) = (bytes(self.x.as_deref()?)?, bytes(self.y.as_deref()?)?);
                let point = [&[UNCOMPRESSED][..], &x, &y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &token.signature)
            }
            _ => return None,
        };
        Some(verified.is_ok())
    }
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&bytes(header)?).ok()?,
            claims: serde_json::from_slice(&bytes(claims)?).ok()?,
            signed,
            signature: bytes(signature)?,
        })
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// What a token has to say.
pub(super) struct Rules {
    pub(super) audience: String,
    pub(super) user_claim: String,
    /// At least one: a provider may sign tokens for people of other companies too.
    pub(super) users: Vec<String>,
}

impl Rules {
    pub(super) fn why_refused(&self, claims: &Claims, now_s: i64) -> Option<String> {
        let time = |name| claims.get(name).map(|value: &Value| value.as_i64());
        let Some(Some(expires_s)) = time("exp") else {
            return Some("The access token does not say when it expires.".to_owned());
        };
        if expires_s.saturating_add(CLOCKS_APART_S) <= now_s {
            return Some("The access token has expired. Log in again.".to_owned());
        }
        // A time that is no number is not a time in the past.
        if time("nbf").is_some_and(|from_s| from_s.is_none_or(|from_s| from_s - CLOCKS_APART_S > now_s)) {
            return Some("The access token is not valid yet.".to_owned());
        }
        let is_audience = |value: &Value| value.as_str() == Some(self.audience.as_str());
        let is_for_us = claims.get("aud").is_some_and(|audience| match audience {
            Value::Array(several) => several.iter().any(is_audience),
            one => is_audience(one),
        });
        if !is_for_us {
            return Some(format!(
                "The access token is not for the audience `{}`.",
                self.audience
            ));
        }
        match claims.get(&self.user_claim).and_then(Value::as_str) {
            Some(user) if self.users.iter().any(|allowed| allowed == user) => None,
            Some(user) => Some(format!("`{user}` may not decrypt: --user does not name them.")),
            None => Some(format!("The access token has no claim `{}`.", self.user_claim)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Made with OpenSSL.
    const OTHER_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9.Ap\
        AaUngiF6eObqlkQDLCv41Jlh43MU5ru8w0w75xKwhMPI197YxyPW57tz4pc8tz6sV_nGccpAXy38jkpVdYG8W3sgefTxQPes15PVS-K7GTH5\
        9If8hmcKjVOgGGCLXQHS8qnT9XN5_jR9TT-UUxPcz-OrmJm9evOlt0h4syV5OP8xY5So0YcJU2LmJYXpxdcVm4Q9AHmKJgwkYLHVC20klzdi\
        HxCr9MWqvTfdu3CWhvDohEr0DfkmKhce4CYcUFB4D2JqJAKEmjmxG1ReIytRsgSXUdBkQze4As9K7snOyUthPqngAJ-cZlrWLfKclSAejRth\
        5S2bR3lj6u-Q6yKg";
    const MODULUS: &str = "roZLkKCjh5I_gc4yoAvUg1FERegXsxZnzvxLLmcLU3DcmDSVm4HcJ5Q-hlk5zQslr3QhADvgXzuyicE8\
        ubqnEaog_DSZ0Gdoyyr0Cz3YygZeLTlII80zt8j9flEwi5GIz6qFyDbN3NXWJ7lSLTXuxLoBkmL53RhO5K9HtpYf1JzeE2zWFFfWvbjxkv6t\
        SEmX6CaNw4mPlqFOlSDyDxxSu4YEIcVbyXnvzuCdhM4HSf-FA6h9KmpZ9wuv0VZNLF7GQ9Za5OMRoCeSQPtw7zs9c5LVZlSQnfKgSk-qVzp3\
        lf199P1q_ov-XE_uzdKZ-Ps9WfYoSp6U88go94EWLWFijQ";

    fn keys_of_rsa() -> KeySet {
        serde_json::from_value(json!({"keys": [{"kty": "RSA", "n": MODULUS, "e": "AQAB"}]})).unwrap()
    }

    #[test]
    fn a_signature_of_another_program_is_believed() {
        let token = Token::parse(OTHER_TOKEN).unwrap();
        assert_eq!(token.claims["iss"], "joe");
        assert!(keys_of_rsa().signed(&token));
    }

    #[test]
    fn a_changed_token_or_another_algorithm_is_not_believed() {
        let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let (signed, signature) = OTHER_TOKEN.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let other_claims = encode(json!({"iss": "eve", "exp": 1_300_819_380}));
        for changed in [
            format!("{header}.{other_claims}.{signature}"),
            format!("{}.{claims}.{signature}", encode(json!({"alg": "none"}))),
            format!("{}.{claims}.", encode(json!({"alg": "none"}))),
            format!("{}.{claims}.{signature}", encode(json!({"alg": "HS256"}))),
            format!("{}.{claims}.{signature}", encode(json!({"alg": "ES256"}))),
        ] {
            let token = Token::parse(&changed).unwrap();
            assert!(!keys_of_rsa().signed(&token), "{changed}");
        }
        for malformed in ["", "a.b.c", "a.b", &signed[..20]] {
            assert!(Token::parse(malformed).is_none(), "{malformed}");
        }
    }

    #[test]
    fn a_token_is_valid_now_for_us_and_for_a_person_whom_we_know() {
        const NOW_S: i64 = 1_700_000_000;
        let rules = Rules {
            audience: "codec".to_owned(),
            user_claim: "email".to_owned(),
            users: vec!["alice@acme.example".to_owned()],
        };
        let good =
            json!({"exp": NOW_S + 1, "nbf": NOW_S, "aud": ["other", "codec"], "email": "alice@acme.example"});
        let refused = |claims: &Value| rules.why_refused(claims.as_object().unwrap(), NOW_S);
        assert_eq!(refused(&good), None);
        for (claim, value, why) in [
            ("exp", json!(NOW_S - CLOCKS_APART_S), "expired"),
            ("exp", json!("soon"), "when it expires"),
            ("exp", Value::Null, "when it expires"),
            ("nbf", json!(NOW_S + CLOCKS_APART_S + 1), "not valid yet"),
            ("nbf", json!("later"), "not valid yet"),
            ("aud", json!("other"), "audience"),
            ("aud", Value::Null, "audience"),
            ("email", json!("mallory@acme.example"), "may not decrypt"),
            ("email", Value::Null, "no claim"),
        ] {
            let mut claims = good.clone();
            claims[claim] = value;
            let said = refused(&claims).unwrap_or_default();
            assert!(said.contains(why), "{claim}: {said}");
        }
    }
}
