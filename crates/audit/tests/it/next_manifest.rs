//! Manifests that are made one after the other, and kept in the log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use audit::manifest::{self, LostHead, Made, Manifest, ManifestError, SigningKey};
use audit::{Action, Entry, Record, Store, Trail, verify};
use tempfile::TempDir;

use crate::log::START_MS;
use crate::manifest::key;

const NAMES: [&str; 3] = ["a", "b", "c"];
pub(crate) const DAY_MS: i64 = 24 * 3600 * 1000;
const IN_2100_MS: i64 = 4_102_444_800_000;

pub(crate) struct Log {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
}

impl Log {
    /// Three chains of two records each, in one object.
    pub(crate) async fn of_three() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::in_directory(directory.path());
        for name in NAMES {
            store.put_chain(name, &chain(name)[..2]).await.unwrap();
        }
        Self { directory, store }
    }

    pub(crate) fn file(&self, chain: &str, first: u64) -> PathBuf {
        let name = format!("chains/{chain}/{first:08}.jsonl");
        self.directory.path().join(name)
    }

    /// Changes an object without a trace in the listing, so that only those who read it notice.
    fn change_unseen(&self, chain: &str) {
        let path = self.file(chain, 1);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        replace(&path, "{}\n");
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
    }

    pub(crate) async fn after(&self, previous: &Manifest, days: i64) -> Made {
        Manifest::after(Some(previous), &self.store, now_ms() + days * DAY_MS)
            .await
            .unwrap()
    }

    /// Puts a manifest that this key signed, and returns it with its key in the log.
    pub(crate) async fn put(&self, key: &SigningKey, made_at_ms: i64) -> (Manifest, String) {
        let manifest = Manifest::of(&self.store, made_at_ms).await.unwrap();
        let signed = key.sign(manifest.clone());
        let name = manifest::put(&self.store, &signed).await.unwrap();
        (manifest, name)
    }
}

/// Four records of a chain.
pub(crate) fn chain(name: &str) -> Vec<Record> {
    let mut trail = Trail::default();
    let actions = [
        Action::ChainStarted,
        Action::ChainPaused,
        Action::ChainResumed,
        Action::ChainEnded,
    ];
    let entry = |action| Entry {
        chain: Some(name.to_owned()),
        ..Entry::new(START_MS, "worker", action)
    };
    actions.map(|action| trail.append(entry(action))).into()
}

pub(crate) fn replace(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since_1970.unwrap().as_millis()).unwrap()
}

pub(crate) fn lost_chains(lost: &[LostHead]) -> Vec<&str> {
    lost.iter().map(|lost| lost.chain.as_str()).collect()
}

#[tokio::test]
async fn only_chains_that_changed_are_read() {
    let log = Log::of_three().await;
    let first = Manifest::after(None, &log.store, now_ms() + DAY_MS)
        .await
        .unwrap();
    assert_eq!((first.read, &first.lost), (3, &Vec::new()));

    log.change_unseen("a");
    log.store.put_chain("b", &chain("b")[2..]).await.unwrap();
    log.store.put_chain("d", &chain("d")).await.unwrap();
    let second = log.after(&first.manifest, 2).await;
    assert_eq!(second.read, 2, "the grown and the new one");
    assert_eq!(second.lost, []);
    let heads = &second.manifest.heads;
    let sequences: Vec<u64> = heads.values().map(|head| head.sequence).collect();
    assert_eq!(sequences, [2, 4, 2, 4]);
    assert_eq!(heads["a"], first.manifest.heads["a"]);
    assert_eq!(heads["b"].hash, chain("b")[3].hash());
    // As if it were made without the first one, but for what was changed unseen.
    let whole = Manifest::of(&log.store, second.manifest.made_at_ms)
        .await
        .unwrap();
    for name in ["b", "c", "d"] {
        assert_eq!(heads[name], whole.heads[name], "{name}");
    }
}

/// S3's times have whole seconds: two changes in one second look like one.
#[tokio::test]
async fn a_chain_that_was_just_written_is_read_again() {
    let log = Log::of_three().await;
    let first = Manifest::of(&log.store, now_ms()).await.unwrap();
    assert_eq!(log.after(&first, 1).await.read, 3);
    let settled = log.after(&first, 1).await.manifest;
    assert_eq!(log.after(&settled, 2).await.read, 0);
}

#[tokio::test]
async fn a_lost_chain_is_reported_by_every_later_manifest_until_it_is_back() {
    let log = Log::of_three().await;
    log.store.put_chain("c", &chain("c")[2..]).await.unwrap();
    let first = log
        .after(&Manifest::of(&log.store, now_ms()).await.unwrap(), 1)
        .await
        .manifest;
    let saved = fs::read(log.file("a", 1)).unwrap();
    // Removed, replaced by another one, and cut without a new object.
    fs::remove_dir_all(log.directory.path().join("chains/a")).unwrap();
    fs::remove_file(log.file("b", 1)).unwrap();
    let other = Trail::default().append(entry("b"));
    log.store.put_chain("b", &[other]).await.unwrap();
    fs::remove_file(log.file("c", 3)).unwrap();

    let mut previous = first.clone();
    for days in 2..5 {
        let next = log.after(&previous, days).await;
        assert_eq!(lost_chains(&next.lost), ["b", "c", "a"], "after {days} days");
        previous = next.manifest;
        for name in NAMES {
            let (head, before) = (&previous.heads[name], &first.heads[name]);
            assert_eq!(
                (head.sequence, head.hash),
                (before.sequence, before.hash),
                "{name}"
            );
        }
    }
    let lost = previous.lost(&log.store).await.unwrap();
    assert_eq!(lost_chains(&lost), NAMES, "the same as `audit verify` finds");

    fs::create_dir(log.directory.path().join("chains/a")).unwrap();
    fs::write(log.file("a", 1), saved).unwrap();
    let next = log.after(&previous, 5).await;
    assert_eq!(lost_chains(&next.lost), ["b", "c"]);
    assert_eq!(next.manifest.heads["a"].hash, first.heads["a"].hash);
}

pub(crate) fn entry(chain: &str) -> Entry {
    Entry {
        chain: Some(chain.to_owned()),
        ..Entry::new(START_MS, "an attacker", Action::ChainStarted)
    }
}

#[tokio::test]
async fn the_newest_manifest_of_the_key_is_found_among_others() {
    let log = Log::of_three().await;
    let (ours, theirs) = (key(), key());
    let newest = async || {
        manifest::newest(&log.store, &ours.public_key(), IN_2100_MS)
            .await
            .unwrap()
    };
    assert_eq!(newest().await.manifest, None);
    log.put(&ours, START_MS).await;
    let (second, name) = log.put(&ours, START_MS + DAY_MS).await;
    assert_eq!(name, "manifests/2025/04/26/1745686500383.json");
    assert_eq!(newest().await.manifest, Some(second.clone()));
    assert_eq!(newest().await.refused, []);

    // Signed by another key, changed after it was signed, and an older one under a new name.
    let (_, foreign) = log.put(&theirs, START_MS + 2 * DAY_MS).await;
    let text = fs::read_to_string(log.directory.path().join(&name)).unwrap();
    let day = log.directory.path().join("manifests/2099/01/01");
    fs::create_dir_all(&day).unwrap();
    let changed = text.replace("\"sequence\":2", "\"sequence\":1");
    assert_ne!(changed, text);
    fs::write(day.join("4070908800000.json"), changed).unwrap();
    fs::write(day.join("4070908800001.json"), &text).unwrap();
    fs::write(day.join("4070908800002.json"), "{}").unwrap();
    fs::write(day.join("first.json"), "{}").unwrap();
    let found = newest().await;
    assert_eq!(found.manifest, Some(second));
    let refused = [
        ("manifests/2099/01/01/first.json", ManifestError::Name),
        (
            "manifests/2099/01/01/4070908800002.json",
            ManifestError::Unreadable,
        ),
        (
            "manifests/2099/01/01/4070908800001.json",
            ManifestError::Misplaced,
        ),
        (
            "manifests/2099/01/01/4070908800000.json",
            ManifestError::Signature,
        ),
        (foreign.as_str(), ManifestError::Signature),
    ]
    .map(|(name, error)| (name.to_owned(), error));
    assert_eq!(found.refused, refused);
}

/// Whoever may write there could otherwise hide the newest one, or keep others from being written.
#[tokio::test]
async fn objects_that_are_named_after_the_future_are_refused_in_any_number() {
    let log = Log::of_three().await;
    let (ours, theirs) = (key(), key());
    let now_ms = START_MS + DAY_MS;
    let (wanted, _) = log.put(&ours, now_ms + 1000).await;
    for at in 0..40 {
        log.put(&theirs, now_ms + DAY_MS + at).await;
    }
    let (_, signed) = log.put(&ours, now_ms + 3_600_000).await;
    let unnamed = log.directory.path().join("manifests/unnamed");
    fs::write(unnamed, "{}").unwrap();
    let found = manifest::newest(&log.store, &ours.public_key(), now_ms)
        .await
        .unwrap();
    assert_eq!(found.manifest, Some(wanted), "clocks may be a little apart");
    assert_eq!(found.refused.len(), 42);
    assert_eq!(found.refused[0].1, ManifestError::Name);
    assert_eq!(found.refused[41], (signed, ManifestError::Future));
}

#[tokio::test]
async fn manifests_are_no_records() {
    let log = Log::of_three().await;
    let before = verify::store(&log.store).await.unwrap();
    let (manifest, _) = log.put(&key(), START_MS).await;
    let after = verify::store(&log.store).await.unwrap();
    assert_eq!(
        (after.chains, after.deliveries, after.is_broken()),
        (before.chains, before.deliveries, false)
    );
    assert_eq!(manifest.heads.len(), 3);
    // It is written once.
    let signed = key().sign(manifest);
    let error = manifest::put(&log.store, &signed).await.unwrap_err();
    assert!(matches!(error, audit::StoreError::Differs { .. }), "{error}");
}

/// Its heads say nothing about the objects from which they were read.
#[tokio::test]
async fn a_manifest_of_an_older_version_is_verified_and_then_every_chain_is_read() {
    let log = Log::of_three().await;
    let (ours, text) = (key(), {
        let manifest = Manifest::of(&log.store, now_ms() + DAY_MS).await.unwrap();
        let mut value = serde_json::to_value(manifest).unwrap();
        for head in value["heads"].as_object_mut().unwrap().values_mut() {
            assert!(head.as_object_mut().unwrap().remove("listed").is_some());
        }
        value
    });
    let old: Manifest = serde_json::from_value(text).unwrap();
    let signed = ours.sign(old.clone());
    assert!(!serde_json::to_string(&signed).unwrap().contains("listed"));
    assert_eq!(signed.verified(&ours.public_key()), Ok(&old));
    let next = log.after(&old, 2).await;
    assert_eq!((next.read, next.lost), (3, Vec::new()));
}

#[tokio::test]
async fn a_settled_log_is_only_listed() {
    let log = Log::of_three().await;
    let later = now_ms() + DAY_MS;
    let first = Manifest::of(&log.store, later).await.unwrap();
    for name in NAMES {
        log.change_unseen(name);
    }
    let next = Manifest::after(Some(&first), &log.store, later + DAY_MS)
        .await
        .unwrap();
    assert_eq!(
        (next.read, next.lost, next.manifest.heads),
        (0, Vec::new(), first.heads)
    );
}
