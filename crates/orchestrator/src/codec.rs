//! Encryption of what Temporal keeps: inputs, outputs, signals and memos are AES-256-GCM before they leave the process.
//!
//! What is there in plain is read as it is, so that encryption can be switched on while workflows run. The ids of
//! workflows, their summaries and the messages of failures stay readable: Temporal shows them to people.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use futures::{FutureExt, future};
use prost::Message;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use temporalio_common::data_converters::{PayloadCodec, PayloadConversionError, SerializationContextData};
use temporalio_common::protos::temporal::api::common::v1::Payload;

/// The key with which new payloads are encrypted.
const CURRENT: &str = "SPILLWAY_PAYLOAD_KEY";
/// The one before it, with which old ones can still be read.
const PREVIOUS: &str = "SPILLWAY_PAYLOAD_KEY_PREVIOUS";

const ENCODING: &str = "encoding";
const ENCRYPTED: &[u8] = b"binary/encrypted";
/// Which key it is: the beginning of its hash.
const KEY_ID: &str = "encryption-key-id";
const KEY_ID_BYTES: usize = 8;

/// Why payloads cannot be encrypted. The key is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadKeyError {
    #[error("`{0}` is not 32 bytes in Base64, such as `openssl rand -base64 32` prints")]
    Key(&'static str),
    #[error("`{PREVIOUS}` is set without `{CURRENT}`")]
    NoCurrent,
}

#[derive(Debug, thiserror::Error)]
enum CodecError {
    #[error("it is encrypted, and `{CURRENT}` is not the key of it")]
    UnknownKey,
    #[error("it is encrypted, and was changed since")]
    Changed,
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Encrypts with the current key, and decrypts with either.
#[derive(Clone)]
pub(crate) struct Encryption {
    current: Arc<Key>,
    previous: Option<Arc<Key>>,
}

struct Key {
    id: String,
    key: LessSafeKey,
}

impl Encryption {
    /// `None` where no key is set.
    pub(crate) fn from_variables(
        variables: &HashMap<String, String>,
    ) -> Result<Option<Self>, PayloadKeyError> {
        let key = |name: &'static str| {
            let text = variables.get(name).map(|text| text.trim());
            text.filter(|text| !text.is_empty())
                .map(|text| Key::parse(text).ok_or(PayloadKeyError::Key(name)).map(Arc::new))
                .transpose()
        };
        match (key(CURRENT)?, key(PREVIOUS)?) {
            (Some(current), previous) => Ok(Some(Self { current, previous })),
            (None, Some(_)) => Err(PayloadKeyError::NoCurrent),
            (None, None) => Ok(None),
        }
    }

    fn key(&self, id: &[u8]) -> Option<&Key> {
        let keys = std::iter::once(&self.current).chain(&self.previous);
        keys.map(Arc::as_ref).find(|key| key.id.as_bytes() == id)
    }

    fn encrypt(&self, payload: &Payload) -> Result<Payload, CodecError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| CodecError::NoRandomness)?;
        let mut sealed = payload.encode_to_vec();
        self.current
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.current.id.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| CodecError::NoRandomness)?;
        let metadata = [
            (ENCODING.to_owned(), ENCRYPTED.to_vec()),
            (KEY_ID.to_owned(), self.current.id.clone().into_bytes()),
        ];
        Ok(Payload {
            metadata: metadata.into(),
            data: [&nonce[..], &sealed].concat(),
            ..Payload::default()
        })
    }

    fn decrypt(&self, payload: Payload) -> Result<Payload, CodecError> {
        if payload
            .metadata
            .get(ENCODING)
            .is_none_or(|encoding| encoding != ENCRYPTED)
        {
            return Ok(payload);
        }
        let id = payload
            .metadata
            .get(KEY_ID)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let key = self.key(id).ok_or(CodecError::UnknownKey)?;
        let (nonce, sealed) = payload
            .data
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(CodecError::Changed)?;
        let mut opened = sealed.to_vec();
        let opened = key
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(key.id.as_bytes()),
                &mut opened,
            )
            .map_err(|_| CodecError::Changed)?;
        Payload::decode(&*opened).map_err(|_| CodecError::Changed)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
        let id = hex::encode(&digest(&SHA256, &bytes).as_ref()[..KEY_ID_BYTES]);
        Some(Self { id, key })
    }
}

impl PayloadCodec for Encryption {
    fn encode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let encrypted = payloads.iter().map(|payload| self.encrypt(payload)).collect();
        done(encrypted)
    }

    fn decode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let decrypted = payloads
            .into_iter()
            .map(|payload| self.decrypt(payload))
            .collect();
        done(decrypted)
    }
}

fn done(
    payloads: Result<Vec<Payload>, CodecError>,
) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
    future::ready(payloads.map_err(|error| PayloadConversionError::EncodingError(Box::new(error)))).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

    fn encryption(variables: &[(&str, &str)]) -> Result<Option<Encryption>, PayloadKeyError> {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Encryption::from_variables(&variables)
    }

    fn with(variables: &[(&str, &str)]) -> Encryption {
        encryption(variables).unwrap().unwrap()
    }

    fn payload() -> Payload {
        Payload {
            metadata: HashMap::from([(ENCODING.to_owned(), b"json/plain".to_vec())]),
            data: br#"{"stack":"network"}"#.to_vec(),
            ..Payload::default()
        }
    }

    #[test]
    fn what_is_encrypted_says_nothing_and_comes_back_whole() {
        let codec = with(&[(CURRENT, ONE)]);
        let (once, again) = (
            codec.encrypt(&payload()).unwrap(),
            codec.encrypt(&payload()).unwrap(),
        );
        assert!(!String::from_utf8_lossy(&once.data).contains("network"));
        assert_ne!(once.data, again.data, "a nonce is used once");
        assert_eq!(codec.decrypt(once).unwrap(), payload());
    }

    #[test]
    fn what_is_plain_is_read_as_it_is() {
        assert_eq!(with(&[(CURRENT, ONE)]).decrypt(payload()).unwrap(), payload());
    }

    #[test]
    fn a_key_that_was_replaced_still_opens() {
        let old = with(&[(CURRENT, ONE)]).encrypt(&payload()).unwrap();
        let rotated = with(&[(CURRENT, TWO), (PREVIOUS, ONE)]);
        assert_eq!(rotated.decrypt(old.clone()).unwrap(), payload());
        let forgotten = with(&[(CURRENT, TWO)]);
        assert!(matches!(forgotten.decrypt(old), Err(CodecError::UnknownKey)));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let codec = with(&[(CURRENT, ONE)]);
        let sealed = codec.encrypt(&payload()).unwrap();
        for at in 0..sealed.data.len() {
            let mut changed = sealed.clone();
            changed.data[at] ^= 1;
            assert!(
                matches!(codec.decrypt(changed), Err(CodecError::Changed)),
                "byte {at}"
            );
        }
        let mut short = sealed;
        short.data.truncate(NONCE_LEN - 1);
        assert!(matches!(codec.decrypt(short), Err(CodecError::Changed)));
    }

    #[test]
    fn keys_are_32_bytes_and_have_a_current_one() {
        assert!(encryption(&[]).unwrap().is_none());
        for (variables, problem) in [
            (&[(CURRENT, "short")][..], PayloadKeyError::Key(CURRENT)),
            (&[(CURRENT, "c2hvcnQ=")], PayloadKeyError::Key(CURRENT)),
            (&[(CURRENT, ONE), (PREVIOUS, "x")], PayloadKeyError::Key(PREVIOUS)),
            (&[(PREVIOUS, ONE)], PayloadKeyError::NoCurrent),
        ] {
            assert_eq!(encryption(variables).err(), Some(problem));
        }
    }
}
