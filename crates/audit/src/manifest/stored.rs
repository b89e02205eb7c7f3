//! The manifests in the log itself.

use super::{Manifest, ManifestError, SignedManifest};
use crate::{Store, StoreError, key};

/// About seven hundred thousand chains. The listing and two manifests of them need more than a gigabyte of memory.
const BYTES_MAX: u64 = 128 * 1024 * 1024;

/// How many manifests are tried if somebody put others there: those of a month.
const TRIED_MAX: usize = 32;

/// How far the clocks of two writers may differ. An object whose name is a later time is not ours.
const CLOCKS_APART_MS: i64 = 10 * 60 * 1000;

/// The newest manifest of a log that a key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    pub manifest: Option<Manifest>,
    /// The keys of the objects that this key did not sign, or whose names refuse them, each with the reason. Those that
    /// are older than `manifest` are not looked at.
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
///
/// A manifest whose name is a time that is still to come is refused, whoever signed it: it would stay the newest for years.
pub async fn newest(store: &Store, public_key: &str, now_ms: i64) -> Result<Newest, StoreError> {
    let mut newest = Newest {
        manifest: None,
        refused: Vec::new(),
    };
    let mut tried = 0;
    for object in store.manifests().await?.iter().rev() {
        // Those that the name refuses are not read, so any number of them hides nothing.
        let refusal = match key::time_of_manifest(&object.key) {
            None => ManifestError::Name,
            Some(at_ms) if at_ms > now_ms.saturating_add(CLOCKS_APART_MS) => ManifestError::Future,
            Some(_) if tried == TRIED_MAX => break,
            Some(_) => {
                tried += 1;
                match read(store, &object.key, public_key).await? {
                    Ok(manifest) => {
                        newest.manifest = Some(manifest);
                        break;
                    }
                    Err(refusal) => refusal,
                }
            }
        };
        newest.refused.push((object.key.clone(), refusal));
    }
    Ok(newest)
}

/// Whether the log has an object where manifests are.
pub async fn is_any(store: &Store) -> Result<bool, StoreError> {
    Ok(!store.manifests().await?.is_empty())
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
