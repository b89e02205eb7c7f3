//! Verifies that the sender of a body knows the webhook's secret.
//!
//! **Invariant:** the signature is verified over the bytes as they arrived, before anything parses them, and is
//! compared in constant time. `X-Signature` (SHA-1) is never enough.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header with the signature, in lower case as in HTTP/2 and API Gateway.
pub const HEADER: &str = "x-signature-256";

/// The shortest secret that can be configured. Anyone who saw a body and its signature can try secrets offline; 16
/// random bytes cannot be guessed, but a word or an empty text can.
pub const MIN_SECRET_BYTES: usize = 16;

const PREFIX: &[u8] = b"sha256=";
const MAC_BYTES: usize = 32;

type HmacSha256 = Hmac<Sha256>;

/// The signing secret of a webhook. Its `Debug` does not show it.
#[derive(Clone)]
pub struct WebhookSecret {
    text: SecretString,
    keyed: HmacSha256,
}

/// Why a secret is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the webhook secret is empty: anyone could sign")]
    Empty,
    #[error("the webhook secret is {bytes} bytes long, shorter than {MIN_SECRET_BYTES}")]
    Short { bytes: usize },
    #[error("the webhook secret begins or ends with white space, which is most often a copying mistake")]
    Padded,
    #[error("the webhook secret cannot be a key")]
    Key,
}

impl WebhookSecret {
    /// Refuses a secret that is empty, shorter than [`MIN_SECRET_BYTES`], or padded with white space.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if text.trim() != text {
            return Err(SecretError::Padded);
        }
        if text.len() < MIN_SECRET_BYTES {
            return Err(SecretError::Short { bytes: text.len() });
        }
        Self::of_any_length(text)
    }

    fn of_any_length(text: &str) -> Result<Self, SecretError> {
        let keyed = HmacSha256::new_from_slice(text.as_bytes()).map_err(|_| SecretError::Key)?;
        Ok(Self {
            text: SecretString::from(text),
            keyed,
        })
    }

    /// The secret itself, for passing it to Spacelift.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    fn mac(&self, body: &[u8]) -> HmacSha256 {
        let mut mac = self.keyed.clone();
        mac.update(body);
        mac
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(\"***\")")
    }
}

/// The valid secrets. During a rotation both are valid, so that no delivery is lost.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    pub current: WebhookSecret,
    pub previous: Option<WebhookSecret>,
}

impl From<WebhookSecret> for WebhookSecrets {
    fn from(current: WebhookSecret) -> Self {
        Self {
            current,
            previous: None,
        }
    }
}

/// Why a delivery is not authentic. Only the log shows it; the answer to the sender is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SignatureError {
    #[error("there is no `X-Signature-256` header")]
    Missing,
    #[error("there is more than one `X-Signature-256` header")]
    Doubled,
    #[error("the signature does not begin with `sha256=`")]
    Prefix,
    #[error("the signature is not 64 lowercase hexadecimal digits")]
    Hex,
    #[error("the signature does not belong to this body and secret")]
    Mismatch,
}

impl SignatureError {
    /// One word for logs and metrics.
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// Accepts `body` if the only value of its signature header was made with one of the secrets.
///
/// `headers` has every value of `X-Signature-256`. Two values are refused even if one is right, since a proxy between
/// the sender and this function might have checked the other.
pub fn verify(headers: &[&[u8]], body: &[u8], secrets: &WebhookSecrets) -> Result<(), SignatureError> {
    let signature = parse(headers)?;
    // Both are always tried, so that the time does not reveal which secret matched.
    let current = secrets.current.mac(body).verify_slice(&signature).is_ok();
    let previous = secrets
        .previous
        .as_ref()
        .is_some_and(|secret| secret.mac(body).verify_slice(&signature).is_ok());
    if current | previous {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The signature that the header contains. Nothing is verified yet.
pub fn parse(headers: &[&[u8]]) -> Result<[u8; MAC_BYTES], SignatureError> {
    let header = match headers {
        [] => return Err(SignatureError::Missing),
        [header] => header,
        _ => return Err(SignatureError::Doubled),
    };
    let digits = header.strip_prefix(PREFIX).ok_or(SignatureError::Prefix)?;
    decode(digits).ok_or(SignatureError::Hex)
}

/// The header value that [`verify`] accepts.
pub fn sign(body: &[u8], secret: &WebhookSecret) -> String {
    format!("sha256={}", hex::encode(secret.mac(body).finalize().into_bytes()))
}

fn decode(digits: &[u8]) -> Option<[u8; MAC_BYTES]> {
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut signature = [0; MAC_BYTES];
    hex::decode_to_slice(digits, &mut signature).ok()?;
    Some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";
    const BODY: &[u8] = b"{\"state\":\"FINISHED\"}\n";

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::of_any_length(text).unwrap()
    }

    fn secrets() -> WebhookSecrets {
        WebhookSecret::parse(SECRET).unwrap().into()
    }

    #[test]
    fn every_test_vector_matches() {
        let vectors: Vec<std::collections::BTreeMap<String, String>> = serde_json::from_str(include_str!(
            "../../../tests/fixtures/payloads/_signature_vectors.json"
        ))
        .unwrap();
        assert_eq!(vectors.len(), 6);
        for vector in &vectors {
            let body = vector["body_utf8"].as_bytes();
            let signature = &vector["X-Signature-256"];
            let secrets = WebhookSecrets::from(secret(&vector["secret"]));
            assert_eq!(sign(body, &secrets.current), *signature);
            assert_eq!(verify(&[signature.as_bytes()], body, &secrets), Ok(()));
            assert_eq!(
                verify(&[vector["X-Signature"].as_bytes()], body, &secrets),
                Err(SignatureError::Prefix),
                "SHA-1 is never enough"
            );
            let others = WebhookSecrets::from(secret("another"));
            assert_eq!(
                verify(&[signature.as_bytes()], body, &others),
                Err(SignatureError::Mismatch)
            );
        }
    }

    #[test]
    fn a_signature_with_any_changed_bit_is_refused() {
        let secrets = secrets();
        let right = sign(BODY, &secrets.current);
        for at in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[at / 8] ^= 1 << (at % 8);
            assert_eq!(
                verify(&[right.as_bytes()], &body, &secrets),
                Err(SignatureError::Mismatch)
            );
        }
        for at in 7..right.len() {
            let mut header = right.clone().into_bytes();
            header[at] = if header[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(verify(&[&header], BODY, &secrets), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn malformed_signatures_are_refused() {
        let secrets = secrets();
        let right = sign(BODY, &secrets.current);
        let digits = &right[7..];
        let check = |header: &str, expected| {
            assert_eq!(
                verify(&[header.as_bytes()], BODY, &secrets),
                expected,
                "{header:?}"
            );
        };
        check(&right, Ok(()));
        for wrong in [
            "",
            digits,
            "sha256",
            "sha1=",
            &format!("SHA256={digits}"),
            &format!(" {right}"),
        ] {
            check(wrong, Err(SignatureError::Prefix));
        }
        for wrong in [
            "sha256=",
            &right[..right.len() - 1],
            &right[..right.len() - 2],
            &format!("{right}0"),
            &format!("{right}00"),
            &format!("{right} "),
            &format!("{right},{right}"),
            &format!("sha256={}", digits.to_uppercase()),
            &format!("sha256=0x{}", &digits[2..]),
            &format!("sha256={}", "é".repeat(32)),
        ] {
            check(wrong, Err(SignatureError::Hex));
        }
        assert_eq!(verify(&[], BODY, &secrets), Err(SignatureError::Missing));
        let two = [right.as_bytes(), right.as_bytes()];
        assert_eq!(verify(&two, BODY, &secrets), Err(SignatureError::Doubled));
    }

    #[test]
    fn both_secrets_are_valid_during_a_rotation() {
        let (old, new) = (secret("the-old-secret-00"), secret("the-new-secret-00"));
        let rotating = WebhookSecrets {
            current: new.clone(),
            previous: Some(old.clone()),
        };
        assert_eq!(verify(&[sign(BODY, &old).as_bytes()], BODY, &rotating), Ok(()));
        assert_eq!(verify(&[sign(BODY, &new).as_bytes()], BODY, &rotating), Ok(()));
        let unchanged = WebhookSecrets {
            current: new.clone(),
            previous: Some(new.clone()),
        };
        assert_eq!(verify(&[sign(BODY, &new).as_bytes()], BODY, &unchanged), Ok(()));
        let rotated = WebhookSecrets::from(new);
        assert_eq!(
            verify(&[sign(BODY, &old).as_bytes()], BODY, &rotated),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn an_error_has_one_word() {
        assert_eq!(SignatureError::Mismatch.code(), "mismatch");
        assert_eq!(SignatureError::Missing.code(), "missing");
    }

    #[test]
    fn a_weak_secret_is_refused() {
        assert_eq!(WebhookSecret::parse("").unwrap_err(), SecretError::Empty);
        assert_eq!(
            WebhookSecret::parse("s3cr3t").unwrap_err(),
            SecretError::Short { bytes: 6 }
        );
        assert_eq!(
            WebhookSecret::parse(&SECRET[..15]).unwrap_err(),
            SecretError::Short { bytes: 15 }
        );
        assert_eq!(
            WebhookSecret::parse(&format!("{SECRET}\n")).unwrap_err(),
            SecretError::Padded
        );
        assert_eq!(WebhookSecret::parse(SECRET).unwrap().expose(), SECRET);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let shown = format!("{:?}", secrets());
        assert!(!shown.contains(SECRET) && !shown.contains("30, 31"), "{shown}");
        assert!(shown.contains("***"));
    }
}
