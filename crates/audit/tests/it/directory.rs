//! A log in a directory.

use std::fs;
use std::path::PathBuf;

use audit::verify::{self, FaultKind, Place};
use audit::{Record, Store, StoreError};
use tempfile::TempDir;

use crate::log::{CHAIN, chain_of_four, delivery};

fn store() -> (TempDir, Store) {
    let directory = TempDir::new().unwrap();
    let store = Store::in_directory(directory.path().join("not/made/yet"));
    (directory, store)
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let mut open = vec![directory.path().to_owned()];
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Records are read-only files; whoever may change the directory can replace them.
fn replace(path: &PathBuf, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn written_records_are_read_back() {
    let (_directory, store) = store();
    let records = chain_of_four();
    store.put_chain(CHAIN, &records[..3]).await.unwrap();
    assert_eq!(verify::store(&store).await.unwrap().open.len(), 1);
    store.put_chain(CHAIN, &records[3..]).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();

    let chain = store.chain(CHAIN).await.unwrap();
    assert_eq!(store.chains().await.unwrap(), std::slice::from_ref(&chain));
    let keys: Vec<_> = chain.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "chains/chain%3Aacme%3A01JSPXRQR2F3Y06HD85YYXRSZ7/00000001.jsonl",
            "chains/chain%3Aacme%3A01JSPXRQR2F3Y06HD85YYXRSZ7/00000004.jsonl",
        ]
    );
    let read = verify::read_chain(&store, &chain).await.unwrap();
    assert_eq!((read.id.as_str(), &read.records), (CHAIN, &records));

    let deliveries = store.deliveries().await.unwrap();
    assert_eq!(deliveries.len(), 2, "each is a record of its own");
    let key = &deliveries[0].key;
    let read = verify::delivery(key, &store.read(key).await.unwrap());
    assert_eq!(read, Ok(Some(delivery())));

    let summary = verify::store(&store).await.unwrap();
    assert_eq!((summary.chains, summary.intact, summary.records), (1, 1, 4));
    assert_eq!((summary.deliveries, summary.is_broken()), (2, false));
}

#[tokio::test]
async fn a_file_is_written_once() {
    let (directory, store) = store();
    let records = chain_of_four();
    store.put_chain(CHAIN, &records[..2]).await.unwrap();
    let before = files(&directory);
    assert_eq!(before.len(), 1, "no file is left over: {before:?}");
    assert!(fs::metadata(&before[0]).unwrap().permissions().readonly());
    store.put_chain(CHAIN, &records[..2]).await.unwrap();
    let error = store.put_chain(CHAIN, &records[..3]).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Differs { .. }) && error.is_final(),
        "{error}"
    );
    assert_eq!(files(&directory), before);
}

#[tokio::test]
async fn twenty_concurrent_writers_of_one_record_write_it_once() {
    let (directory, store) = store();
    let records = chain_of_four();
    let writes = (0..20).map(|_| store.put_chain(CHAIN, &records));
    for written in futures::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(files(&directory).len(), 1);
}

#[tokio::test]
async fn only_consecutive_records_of_the_chain_are_written() {
    let (directory, store) = store();
    let records = chain_of_four();
    let with_gap = [records[0].clone(), records[2].clone()];
    let text = serde_json::to_string(&records[0]).unwrap();
    let changed: Record = serde_json::from_str(&text.replace("alice", "carol")).unwrap();
    for (chain, records) in [
        (CHAIN, &records[..0]),
        ("another", &records[..]),
        (CHAIN, &with_gap),
        (CHAIN, &[delivery()]),
        (CHAIN, &[changed]),
    ] {
        let error = store.put_chain(chain, records).await.unwrap_err();
        assert!(matches!(error, StoreError::NotOfChain { .. }), "{error}");
    }
    assert!(files(&directory).is_empty());
}

/// Whoever may write records must not be able to stop every verification.
#[tokio::test]
async fn an_object_that_is_too_large_is_a_fault_and_the_others_are_verified() {
    let (directory, store) = store();
    store.put_chain(CHAIN, &chain_of_four()).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();
    let chain = files(&directory)[0].with_file_name("00000005.jsonl");
    let other = files(&directory)[1].with_file_name("another.json");
    for path in [&chain, &other] {
        fs::File::create(path)
            .unwrap()
            .set_len(16 * 1024 * 1024 + 1)
            .unwrap();
    }
    let summary = verify::store(&store).await.unwrap();
    assert_eq!((summary.records, summary.deliveries), (4, 2));
    let kinds =
        |faults: &[audit::verify::Fault]| faults.iter().map(|fault| fault.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(summary.broken[0].faults.kept()), [FaultKind::TooLarge]);
    assert_eq!(kinds(&summary.broken_deliveries), [FaultKind::TooLarge]);
}

#[tokio::test]
async fn the_first_hundred_faults_of_a_chain_are_kept_and_all_are_counted() {
    let (directory, store) = store();
    store.put_chain(CHAIN, &chain_of_four()).await.unwrap();
    let added = files(&directory)[0].with_file_name("00000005.jsonl");
    fs::write(added, "\n".repeat(5_000)).unwrap();
    let summary = verify::store(&store).await.unwrap();
    assert_eq!(summary.records, 5_004);
    let faults = &summary.broken[0].faults;
    assert_eq!((faults.count(), faults.kept().len()), (5_000, 100));
    assert_eq!(faults.kept()[99].place.line, 100);
    assert_eq!(faults.kept()[99].kind, FaultKind::Unreadable);
}

#[tokio::test]
async fn changed_files_are_found() {
    let (directory, store) = store();
    store.put_chain(CHAIN, &chain_of_four()).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();
    for (path, from, to, line) in [
        (&files(&directory)[0], "\"failed\"", "\"succeeded\"", 3),
        (&files(&directory)[1], "\"count\":17", "\"count\":1", 1),
    ] {
        let text = fs::read_to_string(path).unwrap();
        replace(path, &text.replace(from, to));
        let summary = verify::store(&store).await.unwrap();
        let broken = summary.broken.iter().flat_map(|chain| chain.faults.kept());
        let found: Vec<_> = broken.chain(&summary.broken_deliveries).collect();
        let root = directory.path().join("not/made/yet");
        let object = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, Place { object, line });
        assert_eq!(found[0].kind, FaultKind::Changed);
        replace(path, &text);
    }
    assert!(!verify::store(&store).await.unwrap().is_broken());
}

#[tokio::test]
async fn a_missing_location_is_not_an_empty_log() {
    let (_directory, store) = store();
    let error = verify::store(&store).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
}
