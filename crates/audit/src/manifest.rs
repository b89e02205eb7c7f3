//! The last record of each chain at a point in time, signed with a key that no program of the system has.
//!
//! Links prove what happened inside a chain. A manifest proves later that a chain was cut, replaced or removed as a
//! whole.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::canonical::canonical;
use crate::verify::read_chain;
use crate::{Hash, Store, StoreError, StoredChain};

const VERSION: u32 = 1;
const READS_AT_ONCE: usize = 16;
const PUBLIC_KEY_BYTES: usize = 32;

/// The last record of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub sequence: u64,
    pub hash: Hash,
}

/// The heads of all chains, by the names of their directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    pub made_at_ms: i64,
    pub heads: BTreeMap<String, Head>,
}

/// A manifest and the signature over its canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedManifest {
    manifest: Manifest,
    /// The key that it claims to be signed with. It proves nothing: the verifier has to know the key.
    public_key: String,
    signature: String,
}

/// A chain that has changed since the manifest was made.
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
}

/// The key that signs manifests. It belongs to whoever checks the log, and is on no machine that writes it.
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

    pub fn sign(&self, manifest: Manifest) -> SignedManifest {
        let signature = self.0.sign(signed_text(&manifest).as_bytes());
        SignedManifest {
            manifest,
            public_key: hex::encode(self.0.public_key()),
            signature: hex::encode(signature),
        }
    }
}

impl Manifest {
    /// The manifest of a log as it is now. Nothing is verified.
    pub async fn of(store: &Store, now_ms: i64) -> Result<Self, StoreError> {
        let chains = store.chains().await?;
        let mut heads = stream::iter(&chains)
            .map(async |chain: &StoredChain| {
                let checked = read_chain(store, chain).await?;
                let last = checked.records.last();
                let head = last.and_then(|record| {
                    let sequence = record.link()?.sequence;
                    let hash = record.hash();
                    Some(Head { sequence, hash })
                });
                Ok::<_, StoreError>((chain.name.clone(), head))
            })
            .buffered(READS_AT_ONCE);
        let mut manifest = Self {
            version: VERSION,
            made_at_ms: now_ms,
            heads: BTreeMap::new(),
        };
        while let Some((chain, head)) = heads.try_next().await? {
            if let Some(head) = head {
                manifest.heads.insert(chain, head);
            }
        }
        Ok(manifest)
    }

    /// The chains that no longer have the record that the manifest names. It is fine if a chain has grown.
    pub async fn lost(&self, store: &Store) -> Result<Vec<LostHead>, StoreError> {
        let chains = store.chains().await?;
        let chains: BTreeMap<&str, &StoredChain> =
            chains.iter().map(|chain| (chain.name.as_str(), chain)).collect();
        let mut looks = stream::iter(&self.heads)
            .map(async |(name, head)| {
                let is_there = match chains.get(name.as_str()) {
                    Some(chain) => {
                        let checked = read_chain(store, chain).await?;
                        checked.records.iter().any(|record| {
                            record.hash() == head.hash
                                && record.link().is_some_and(|link| link.sequence == head.sequence)
                        })
                    }
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

fn signed_text(manifest: &Manifest) -> String {
    canonical(&json!(manifest))
}
