//! What a manifest proves that the log alone does not.

use std::fs;
use std::path::Path;

use audit::manifest::{LostHead, Manifest, ManifestError, SignedManifest, SigningKey};
use audit::{Action, Record, Store, Trail, verify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use crate::log::{CHAIN, START_MS, chain_of_four, entry};

/// A new key in the format that OpenSSL writes.
pub(crate) fn key() -> SigningKey {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let (label, text) = ("PRIVATE KEY", STANDARD.encode(document.as_ref()));
    SigningKey::from_pem(&format!(
        "-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"
    ))
    .unwrap()
}

fn public_key(signed: &SignedManifest) -> String {
    serde_json::to_value(signed).unwrap()["public_key"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn log(records: &[Record]) -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::in_directory(directory.path());
    store.put_chain(CHAIN, &records[..2]).await.unwrap();
    if records.len() > 2 {
        store.put_chain(CHAIN, &records[2..]).await.unwrap();
    }
    (directory, store)
}

fn remove_chains(directory: &Path) {
    fs::remove_dir_all(directory.join("chains")).unwrap();
}

#[tokio::test]
async fn a_truncated_replaced_or_removed_chain_is_found() {
    let records = chain_of_four();
    let (directory, store) = log(&records).await;
    let manifest = Manifest::of(&store, START_MS).await.unwrap();
    assert_eq!(manifest.lost(&store).await.unwrap(), []);
    let (name, head) = manifest.heads.first_key_value().unwrap();
    let (name, head) = (name.clone(), *head);
    assert_eq!(manifest.heads.len(), 1);
    assert_eq!((head.sequence, head.hash), (4, records[3].hash()));
    let lost = [LostHead { chain: name, head }];

    // Without the manifest, each of these logs is intact.
    remove_chains(directory.path());
    store.put_chain(CHAIN, &records[..2]).await.unwrap();
    assert!(!verify::store(&store).await.unwrap().is_broken());
    assert_eq!(manifest.lost(&store).await.unwrap(), lost, "cut");

    remove_chains(directory.path());
    let mut trail = Trail::default();
    let rewritten: Vec<Record> = (0..4)
        .map(|_| trail.append(entry(Action::ChainStarted, START_MS)))
        .collect();
    store.put_chain(CHAIN, &rewritten).await.unwrap();
    assert_eq!(manifest.lost(&store).await.unwrap(), lost, "replaced");

    remove_chains(directory.path());
    assert_eq!(manifest.lost(&store).await.unwrap(), lost, "removed");
}

#[tokio::test]
async fn a_chain_that_grew_still_matches() {
    let records = chain_of_four();
    let (_directory, store) = log(&records[..2]).await;
    let manifest = Manifest::of(&store, START_MS).await.unwrap();
    store.put_chain(CHAIN, &records[2..]).await.unwrap();
    assert_eq!(manifest.lost(&store).await.unwrap(), []);
}

#[tokio::test]
async fn a_manifest_is_verified_by_its_signature() {
    let (_directory, store) = log(&chain_of_four()).await;
    let manifest = Manifest::of(&store, START_MS).await.unwrap();
    let signed = key().sign(manifest.clone());
    let ours = public_key(&signed);
    assert_eq!(signed.verified(&ours), Ok(&manifest));
    let text = serde_json::to_string(&signed).unwrap();
    let read: SignedManifest = serde_json::from_str(&text).unwrap();
    assert_eq!(read.verified(&ours), Ok(&manifest));

    let changed: SignedManifest =
        serde_json::from_str(&text.replace("\"sequence\":4", "\"sequence\":3")).unwrap();
    assert_ne!(changed, read);
    assert_eq!(changed.verified(&ours), Err(ManifestError::Signature));
    // A manifest that somebody else signed with their own key.
    let theirs = key().sign(manifest);
    assert_eq!(theirs.verified(&ours), Err(ManifestError::Signature));
    assert_eq!(theirs.verified("01J"), Err(ManifestError::PublicKey));
    assert_eq!(
        SigningKey::from_pem("no key").err(),
        Some(ManifestError::SigningKey)
    );
}
