//! Encryption of the data in Temporal: inputs, outputs, signals and memos are encrypted with AES-256-GCM before they
//! leave the process.
//!
//! Plain payloads are still read, so that encryption can be enabled while workflows run. Once none of those is left,
//! the strict mode refuses plain payloads: otherwise anyone who can write to Temporal could add one.
//!
//! An encrypted payload belongs to its namespace: it cannot be decrypted in another one. It is not bound to its
//! workflow, since the SDK does not tell a codec whose payload it has. The ids of workflows, the summaries of those that
//! a client starts, and the messages of failures stay readable: Temporal shows them to people.

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

/// The key that encrypts new payloads.
const CURRENT: &str = "SPILLWAY_PAYLOAD_KEY";
/// Earlier keys, separated by commas, that can still decrypt old payloads.
const PREVIOUS: &str = "SPILLWAY_PAYLOAD_KEY_PREVIOUS";
/// `true` refuses payloads that are not encrypted.
const STRICT: &str = "SPILLWAY_PAYLOAD_KEY_STRICT";

/// The first byte of encrypted data. It defines the format that follows, and which data are authenticated with it.
const VERSION: u8 = 1;

const ENCODING: &str = "encoding";
pub(crate) const ENCRYPTED: &[u8] = b"binary/encrypted";
/// Identifies the key: the beginning of its hash.
const KEY_ID: &str = "encryption-key-id";
const KEY_ID_BYTES: usize = 8;

/// Why payloads cannot be encrypted. The key is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadKeyError {
    #[error("`{0}` is not 32 bytes in Base64, such as `openssl rand -base64 32` prints")]
    Key(&'static str),
    #[error("`{0}` is set without `{CURRENT}`")]
    NoCurrent(&'static str),
    #[error("`{STRICT}` is neither `true` nor `false`")]
    Strict,
}

#[derive(Debug, thiserror::Error)]
enum CodecError {
    #[error("it is encrypted, and neither `{CURRENT}` nor `{PREVIOUS}` has the key of it")]
    UnknownKey,
    #[error("it is encrypted, and was changed since, or comes from another namespace")]
    Changed,
    #[error("it is encrypted by a newer version of this program")]
    Newer,
    #[error("it is not encrypted, and `{STRICT}` refuses that")]
    Plain,
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Encrypts with the current key, and decrypts with any of its keys.
#[derive(Clone)]
pub(crate) struct Encryption {
    /// The current one first.
    keys: Arc<[Key]>,
    namespace: String,
    is_strict: bool,
}

struct Key {
    id: String,
    key: LessSafeKey,
}

impl Encryption {
    /// `None` if no key is set.
    pub(crate) fn from_variables(
        variables: &HashMap<String, String>,
        namespace: &str,
    ) -> Result<Option<Self>, PayloadKeyError> {
        let text = |name| {
            let text = variables.get(name).map(|text| text.trim());
            text.filter(|text| !text.is_empty())
        };
        let key = |name, text: &str| Key::parse(text).ok_or(PayloadKeyError::Key(name));
        let is_strict = match text(STRICT) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(PayloadKeyError::Strict),
        };
        let Some(current) = text(CURRENT) else {
            return match (text(PREVIOUS), is_strict) {
                (Some(_), _) => Err(PayloadKeyError::NoCurrent(PREVIOUS)),
                (None, true) => Err(PayloadKeyError::NoCurrent(STRICT)),
                (None, false) => Ok(None),
            };
        };
        let mut keys = vec![key(CURRENT, current)?];
        for previous in text(PREVIOUS).into_iter().flat_map(|keys| keys.split(',')) {
            keys.push(key(PREVIOUS, previous.trim())?);
        }
        Ok(Some(Self {
            keys: keys.into(),
            namespace: namespace.to_owned(),
            is_strict,
        }))
    }

    /// The associated data, which must be equal at decryption: the version, the key and the namespace, each at its
    /// place.
    fn authenticated(&self, key: &Key) -> Vec<u8> {
        [&[VERSION][..], key.id.as_bytes(), self.namespace.as_bytes()].concat()
    }

    fn encrypt(&self, payload: &Payload) -> Result<Payload, CodecError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| CodecError::NoRandomness)?;
        let current = &self.keys[0];
        let mut sealed = payload.encode_to_vec();
        current
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.authenticated(current)),
                &mut sealed,
            )
            .map_err(|_| CodecError::NoRandomness)?;
        let metadata = [
            (ENCODING.to_owned(), ENCRYPTED.to_vec()),
            (KEY_ID.to_owned(), current.id.clone().into_bytes()),
        ];
        Ok(Payload {
            metadata: metadata.into(),
            data: [&[VERSION][..], &nonce, &sealed].concat(),
            ..Payload::default()
        })
    }

    fn decrypt(&self, payload: Payload) -> Result<Payload, CodecError> {
        let metadata = |name| payload.metadata.get(name).map(Vec::as_slice);
        if metadata(ENCODING) != Some(ENCRYPTED) {
            return if self.is_strict {
                Err(CodecError::Plain)
            } else {
                Ok(payload)
            };
        }
        let id = metadata(KEY_ID).unwrap_or_default();
        let key = self.keys.iter().find(|key| key.id.as_bytes() == id);
        let key = key.ok_or(CodecError::UnknownKey)?;
        let (version, data) = payload.data.split_first().ok_or(CodecError::Changed)?;
        if *version != VERSION {
            return Err(CodecError::Newer);
        }
        let (nonce, sealed) = data.split_first_chunk::<NONCE_LEN>().ok_or(CodecError::Changed)?;
        let mut opened = sealed.to_vec();
        let opened = key
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(self.authenticated(key)),
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
    const THREE: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

    fn encryption(variables: &[(&str, &str)]) -> Result<Option<Encryption>, PayloadKeyError> {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Encryption::from_variables(&variables, "acme")
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
    fn encrypted_payloads_are_unreadable_and_can_be_decrypted() {
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
    fn plain_payloads_are_read_unless_the_mode_is_strict() {
        assert_eq!(with(&[(CURRENT, ONE)]).decrypt(payload()).unwrap(), payload());
        let strict = with(&[(CURRENT, ONE), (STRICT, "true")]);
        assert!(matches!(strict.decrypt(payload()), Err(CodecError::Plain)));
        let sealed = strict.encrypt(&payload()).unwrap();
        assert_eq!(strict.decrypt(sealed).unwrap(), payload());
    }

    #[test]
    fn replaced_keys_still_decrypt() {
        let oldest = with(&[(CURRENT, ONE)]).encrypt(&payload()).unwrap();
        let old = with(&[(CURRENT, TWO)]).encrypt(&payload()).unwrap();
        let both = format!("{TWO}, {ONE}");
        let rotated = with(&[(CURRENT, THREE), (PREVIOUS, &both)]);
        for sealed in [&oldest, &old] {
            assert_eq!(rotated.decrypt(sealed.clone()).unwrap(), payload());
        }
        let forgotten = with(&[(CURRENT, THREE), (PREVIOUS, TWO)]);
        assert!(matches!(forgotten.decrypt(oldest), Err(CodecError::UnknownKey)));
    }

    #[test]
    fn a_payload_of_another_namespace_is_not_decrypted() {
        let sealed = with(&[(CURRENT, ONE)]).encrypt(&payload()).unwrap();
        let variables = [(CURRENT.to_owned(), ONE.to_owned())].into();
        let elsewhere = Encryption::from_variables(&variables, "other").unwrap().unwrap();
        assert!(matches!(elsewhere.decrypt(sealed), Err(CodecError::Changed)));
    }

    #[test]
    fn a_changed_byte_is_detected() {
        let codec = with(&[(CURRENT, ONE)]);
        let sealed = codec.encrypt(&payload()).unwrap();
        for at in 0..sealed.data.len() {
            let mut changed = sealed.clone();
            changed.data[at] ^= 1;
            let said = codec.decrypt(changed);
            let is_noticed = match at {
                0 => matches!(said, Err(CodecError::Newer)),
                _ => matches!(said, Err(CodecError::Changed)),
            };
            assert!(is_noticed, "byte {at}");
        }
        for bytes in [0, 1, NONCE_LEN] {
            let mut short = sealed.clone();
            short.data.truncate(bytes);
            assert!(
                matches!(codec.decrypt(short), Err(CodecError::Changed)),
                "{bytes}"
            );
        }
    }

    #[test]
    fn keys_are_32_bytes_and_have_a_current_one() {
        assert!(encryption(&[]).unwrap().is_none());
        for (variables, problem) in [
            (&[(CURRENT, "short")][..], PayloadKeyError::Key(CURRENT)),
            (&[(CURRENT, "c2hvcnQ=")], PayloadKeyError::Key(CURRENT)),
            (&[(CURRENT, ONE), (PREVIOUS, "x")], PayloadKeyError::Key(PREVIOUS)),
            (&[(CURRENT, ONE), (STRICT, "yes")], PayloadKeyError::Strict),
            (&[(PREVIOUS, ONE)], PayloadKeyError::NoCurrent(PREVIOUS)),
            (&[(STRICT, "true")], PayloadKeyError::NoCurrent(STRICT)),
        ] {
            assert_eq!(encryption(variables).err(), Some(problem));
        }
    }
}
