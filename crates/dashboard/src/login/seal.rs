//! Encrypts what a cookie holds: AES-256-GCM, with a key that can be replaced while sessions go on.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// The first byte of a cookie. It defines the format of the rest.
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;

/// Why nothing can be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub(super) struct NoRandomness;

/// The current key, and those before it that can still decrypt.
pub(super) struct Keys(Vec<Key>);

struct Key {
    /// The beginning of its hash.
    id: [u8; KEY_ID_BYTES],
    key: LessSafeKey,
}

impl Keys {
    /// Reads 32 bytes in Base64 each, the current key first; `None` if one of them is something else.
    pub(super) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let keys: Option<Vec<Key>> = texts.into_iter().map(Key::parse).collect();
        keys.filter(|keys| !keys.is_empty()).map(Self)
    }

    /// `purpose` is authenticated too, so that one cookie cannot be used for another.
    pub(super) fn seal(&self, purpose: &str, value: &impl Serialize) -> Result<String, NoRandomness> {
        let key = &self.0[0];
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| NoRandomness)?;
        let mut text = serde_json::to_vec(value).map_err(|_| NoRandomness)?;
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                key.authenticated(purpose),
                &mut text,
            )
            .map_err(|_| NoRandomness)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode([&[VERSION][..], &key.id, &nonce, &text].concat()))
    }

    /// `None` if it was not sealed for this purpose with one of these keys, or was changed since.
    pub(super) fn open<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let key = self.0.iter().find(|key| key.id == *id)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = key
            .key
            .open_in_place(nonce, key.authenticated(purpose), &mut text);
        serde_json::from_slice(text.ok()?).ok()
    }

    /// Whether a cookie names a key that is none of these: it may be from after a rotation.
    pub(super) fn knows_key_of(&self, sealed: &str) -> bool {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap_or_default();
        let id = bytes.get(1..=KEY_ID_BYTES);
        self.0.iter().any(|key| id == Some(&key.id[..]))
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
        let id = *Sha256::digest(&bytes)[..].first_chunk::<KEY_ID_BYTES>()?;
        Some(Self { id, key })
    }

    fn authenticated(&self, purpose: &str) -> Aad<Vec<u8>> {
        Aad::from([&[VERSION][..], &self.id, purpose.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        BASE64_STANDARD.encode([byte; 32])
    }

    fn keys(bytes: &[u8]) -> Keys {
        let texts: Vec<String> = bytes.iter().map(|byte| key(*byte)).collect();
        Keys::parse(texts.iter().map(String::as_str)).unwrap()
    }

    #[test]
    fn what_was_sealed_is_opened_also_by_the_key_before() {
        let sealed = keys(&[1]).seal("session", &"bob").unwrap();
        assert_eq!(keys(&[1]).open::<String>("session", &sealed).unwrap(), "bob");
        assert_eq!(keys(&[2, 1]).open::<String>("session", &sealed).unwrap(), "bob");
        assert!(keys(&[2]).open::<String>("session", &sealed).is_none());
        assert!(keys(&[1]).open::<String>("sign-in", &sealed).is_none());
        assert!(keys(&[2, 1]).knows_key_of(&sealed) && !keys(&[2]).knows_key_of(&sealed));
        assert_ne!(sealed, keys(&[1]).seal("session", &"bob").unwrap());
    }

    #[test]
    fn nothing_that_was_changed_is_opened() {
        let keys = keys(&[1]);
        let sealed = keys.seal("session", &"bob").unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
            assert!(keys.open::<String>("session", &changed).is_none(), "byte {at}");
        }
        for text in ["", "bob", "AQ", &sealed[..20]] {
            assert!(keys.open::<String>("session", text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_32_bytes() {
        for text in ["", "short", "AAAA", &BASE64_STANDARD.encode([1; 31])] {
            assert!(Keys::parse([text]).is_none(), "{text}");
        }
        assert!(Keys::parse([]).is_none());
    }
}
