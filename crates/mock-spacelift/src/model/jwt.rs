//! The format of Spacelift's tokens. Clients read `aud` and `exp` from them without a verification. The account
//! compares the whole token with the one that it issued.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The key that signs the tokens. It protects nothing, so it need not be secret.
const SIGNING_KEY: &[u8] = b"an account in memory";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// One entry, the base URL without `/graphql`: the Terraform provider sends its further requests there.
    pub aud: Vec<String>,
    pub exp: i64,
    pub iat: i64,
    pub iss: String,
    pub jti: String,
    pub nbf: i64,
    pub sub: String,
}

pub(crate) fn sign(claims: &Claims) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let payload = serde_json::to_vec(claims).expect("texts and numbers are JSON");
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_KEY).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The `jti` of a token. It does not show whether the token is genuine.
pub(crate) fn id(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims.jti)
}
