//! The manifests in the log itself.

use super::{Manifest, ManifestError, SignedManifest};
use crate::{Store, StoreError, key};

/// About seven hundred thousand chains. The listing and two manifests of them need more than a gigabyte of memory.
const BYTES_MAX: u64 = 128 * 1024 * 1024;

/// How many manifests are tried if somebody put others there: those of a month.
const TRIED_MAX: usize = 32;

/// The newest manifest of a log that a key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    pub manifest: Option<Manifest>,
    /// The keys of newer objects that are not manifests of this key, each with the reason.
    pub refused: Vec<(String, ManifestError)>,
}

/// Writes a manifest into the log, once, and returns its key.
pub async fn put(store: &Store, signed: &SignedManifest) -> Result<String, StoreError> {
    let key = key::manifest(signed.manifest.made_at_ms);
    let mut bytes = serde_json::to_vec(signed).expect("a manifest consists of texts and integers");
    bytes.push(b'\n');
    // A larger one could not be read again.
    if bytes.len() as u64 > BYTES_MAX {
        return Err(StoreError::TooLarge {
            key,
            bytes_max: BYTES_MAX,
        });
    }
    store.put(key.clone(), bytes, BYTES_MAX).await?;
    Ok(key)
}

/// The newest manifest of the log that was signed with the private key of this public key.
pub async fn newest(store: &Store, public_key: &str) -> Result<Newest, StoreError> {
    let mut newest = Newest {
        manifest: None,
        refused: Vec::new(),
    };
    for object in store.manifests().await?.iter().rev().take(TRIED_MAX) {
        match read(store, &object.key, public_key).await? {
            Ok(manifest) => {
                newest.manifest = Some(manifest);
                break;
            }
            Err(refusal) => newest.refused.push((object.key.clone(), refusal)),
        }
    }
    Ok(newest)
}

async fn read(
    store: &Store,
    key: &str,
    public_key: &str,
) -> Result<Result<Manifest, ManifestError>, StoreError> {
    let bytes = match store.read_at_most(key, BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(StoreError::TooLarge { .. }) => return Ok(Err(ManifestError::TooLarge)),
        Err(error) => return Err(error),
    };
    let Ok(signed) = serde_json::from_slice::<SignedManifest>(&bytes) else {
        return Ok(Err(ManifestError::Unreadable));
    };
    if let Err(refusal) = signed.verified(public_key) {
        return Ok(Err(refusal));
    }
    // The signature does not cover the name: an old manifest under a new name would hide what was lost since.
    if key::manifest(signed.manifest.made_at_ms) != key {
        return Ok(Err(ManifestError::Misplaced));
    }
    Ok(Ok(signed.manifest))
}
