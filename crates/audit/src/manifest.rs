//! The last record of each chain at a point in time, signed with a key that no program has that writes records.
//!
//! Links prove what happened inside a chain. A manifest proves later that a chain was cut, replaced or removed as a
//! whole.

mod made;
mod stored;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::verify::{CheckedChain, read_chain};
use crate::{Hash, Store, StoreError, StoredChain};
pub use made::{DamagedChain, Made};
pub use stored::{Newest, is_any, newest, put};

const VERSION: u32 = 1;
const READS_AT_ONCE: usize = 16;
const PUBLIC_KEY_BYTES: usize = 32;

/// The last record of a chain.
///
/// Here and in [`Manifest`] the fields are in the order of their names, so that the text is canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub hash: Hash,
    /// The chain's objects from which the head was read. That of a lost or damaged chain has none: the chain has to be
    /// read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Listed>,
    pub sequence: u64,
}

/// What a listing says of a chain's objects. If one is added, removed or replaced, it says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// When the newest of them was written.
    pub modified_ms: i64,
    pub objects: usize,
}

/// The heads of all chains, by the names of their directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The damaged chains that were in the log when its manifests began, each with the hash of its faults. Later
    /// manifests do not report the same faults again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    accepted: BTreeMap<String, Hash>,
    pub heads: BTreeMap<String, Head>,
    pub made_at_ms: i64,
    version: u32,
}

/// A manifest and the signature over its canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedManifest {
    manifest: Manifest,
    /// The key that it claims to be signed with. It proves nothing: the verifier has to know the key.
    public_key: String,
    signature: String,
}

/// A chain that no longer has the record that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostHead {
    /// The name of its directory.
    pub chain: String,
    pub head: Head,
}

/// Why a manifest cannot be signed or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("the key is not an Ed25519 key in PEM, such as `openssl genpkey -algorithm ed25519` prints")]
    SigningKey,
    #[error("the public key is not 64 hexadecimal digits")]
    PublicKey,
    #[error("the manifest is not signed with the private key of this public key, or was changed since")]
    Signature,
    #[error("the manifest is of a newer version")]
    Newer,
    #[error("it is no manifest")]
    Unreadable,
    #[error("it is larger than a manifest may be")]
    TooLarge,
    #[error("the manifest was made at another time than its name says, so somebody copied it there")]
    Misplaced,
    #[error("its name is not that of a manifest")]
    Name,
    #[error("it is named after a time that is still to come")]
    Future,
}

/// The key that signs manifests. No program has it that writes records.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    pub fn from_pem(pem: &str) -> Result<Self, ManifestError> {
        let lines = pem
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"));
        let document = STANDARD
            .decode(lines.collect::<String>())
            .map_err(|_| ManifestError::SigningKey)?;
        // OpenSSL omits the public key, which can be derived.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document)
            .map(Self)
            .map_err(|_| ManifestError::SigningKey)
    }

    /// The public key, as 64 hexadecimal digits.
    pub fn public_key(&self) -> String {
        hex::encode(self.0.public_key())
    }

    pub fn sign(&self, manifest: Manifest) -> SignedManifest {
        let signature = self.0.sign(signed_text(&manifest).as_bytes());
        SignedManifest {
            public_key: self.public_key(),
            manifest,
            signature: hex::encode(signature),
        }
    }
}

impl Head {
    fn is_in(&self, chain: &CheckedChain) -> bool {
        chain.has(self.sequence, self.hash)
    }
}

impl Manifest {
    /// The chains that no longer have the record that the manifest names. It is fine if a chain has grown.
    pub async fn lost(&self, store: &Store) -> Result<Vec<LostHead>, StoreError> {
        let chains = store.chains().await?;
        let chains: BTreeMap<&str, &StoredChain> =
            chains.iter().map(|chain| (chain.name.as_str(), chain)).collect();
        let mut looks = stream::iter(&self.heads)
            .map(async |(name, head)| {
                let is_there = match chains.get(name.as_str()) {
                    Some(chain) => head.is_in(&read_chain(store, chain).await?),
                    None => false,
                };
                let lost = LostHead {
                    chain: name.clone(),
                    head: *head,
                };
                Ok::<_, StoreError>((!is_there).then_some(lost))
            })
            .buffered(READS_AT_ONCE);
        let mut lost = Vec::new();
        while let Some(look) = looks.try_next().await? {
            lost.extend(look);
        }
        Ok(lost)
    }
}

impl SignedManifest {
    /// The manifest, if it was signed with the private key of this public key.
    pub fn verified(&self, public_key: &str) -> Result<&Manifest, ManifestError> {
        let mut key = [0; PUBLIC_KEY_BYTES];
        hex::decode_to_slice(public_key.trim(), &mut key).map_err(|_| ManifestError::PublicKey)?;
        let signature = hex::decode(&self.signature).map_err(|_| ManifestError::Signature)?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(signed_text(&self.manifest).as_bytes(), &signature)
            .map_err(|_| ManifestError::Signature)?;
        if self.manifest.version > VERSION {
            return Err(ManifestError::Newer);
        }
        Ok(&self.manifest)
    }
}

/// The canonical JSON. It is written without an intermediate value, since a manifest may have a million heads.
fn signed_text(manifest: &Manifest) -> String {
    serde_json::to_string(manifest).expect("a manifest consists of texts and integers")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical::canonical;

    #[test]
    fn the_signed_text_is_canonical() {
        let head = |listed| Head {
            hash: Hash::of(b"a record"),
            listed,
            sequence: 7,
        };
        let listed = Listed {
            modified_ms: 1,
            objects: 2,
        };
        let heads = [
            ("chain%3Ab", head(None)),
            ("chain%3Aa", head(Some(listed))),
            ("é\u{7f}\"\\\n\u{1}", head(None)),
        ];
        let manifest = Manifest {
            accepted: [("chain%3Ac".to_owned(), Hash::of(b"a fault"))].into(),
            heads: heads.map(|(name, head)| (name.to_owned(), head)).into(),
            made_at_ms: -1,
            version: VERSION,
        };
        assert_eq!(signed_text(&manifest), canonical(&json!(manifest)));
    }
}
