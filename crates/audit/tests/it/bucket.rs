//! A log in an S3 bucket with Object Lock.

use audit::verify;
use audit::{Location, Store, StoreError};
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};
use aws_stand_ins::moto::{CallFault, Moto};

use crate::log::{CHAIN, chain_of_four, delivery};

const BUCKET: &str = "audit-of-acme";

async fn bucket() -> (Moto, Client, Store) {
    let moto = Moto::start().await;
    moto.create_bucket(BUCKET, true).await;
    let own = moto.s3();
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .days(400);
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(
            ObjectLockRule::builder()
                .default_retention(retention.build())
                .build(),
        );
    let put = own.put_object_lock_configuration().bucket(BUCKET);
    put.object_lock_configuration(lock.build()).send().await.unwrap();
    let store = Store::at(&location(), &moto.aws());
    (moto, own, store)
}

fn location() -> Location {
    format!("s3://{BUCKET}/logs/eu").parse().unwrap()
}

#[tokio::test]
async fn writers_only_put_and_objects_are_read_back() {
    let (moto, own, store) = bucket().await;
    let records = chain_of_four();
    store.put_chain(CHAIN, &records[..3]).await.unwrap();
    store.put_chain(CHAIN, &records[3..]).await.unwrap();
    store.put_chain(CHAIN, &records[3..]).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();
    let operations: Vec<_> = moto.calls().into_iter().map(|call| call.operation).collect();
    // An existing object is compared.
    assert_eq!(
        operations,
        ["PutObject", "PutObject", "PutObject", "GetObject", "PutObject"]
    );

    let versions = own.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!(versions.versions().len(), 3, "nothing is put twice");
    for version in versions.versions() {
        let key = version.key().unwrap();
        assert!(key.starts_with("logs/eu/"), "{key}");
        let delete = own.delete_object().bucket(BUCKET).key(key);
        let deleted = delete.version_id(version.version_id().unwrap()).send().await;
        assert!(deleted.is_err(), "{key} is locked");
    }

    let summary = verify::store(&store).await.unwrap();
    assert_eq!((summary.chains, summary.intact, summary.records), (1, 1, 4));
    assert_eq!((summary.deliveries, summary.is_broken()), (1, false));
    let chain = store.chain(CHAIN).await.unwrap();
    assert_eq!(verify::read_chain(&store, &chain).await.unwrap().records, records);
    assert!(chain.modified_ms() > 1_700_000_000_000);
}

#[tokio::test]
async fn a_lost_answer_creates_no_second_object() {
    let (moto, own, store) = bucket().await;
    moto.fault("PutObject", CallFault::AnswerLost);
    store.put_chain(CHAIN, &chain_of_four()).await.unwrap();
    assert_eq!((moto.count("PutObject"), moto.count("GetObject")), (2, 1));
    let versions = own.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!(versions.versions().len(), 1);
}

#[tokio::test]
async fn an_existing_foreign_object_is_not_mistaken_for_the_record() {
    let (_moto, own, store) = bucket().await;
    let key = "logs/eu/chains/chain%3Aacme%3A01JSPXRQR2F3Y06HD85YYXRSZ7/00000001.jsonl";
    let put = own
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(b"{}\n".to_vec().into());
    put.send().await.unwrap();
    let error = store.put_chain(CHAIN, &chain_of_four()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Differs { .. }) && error.is_final(),
        "{error}"
    );
}

/// Neither change needs a right that Object Lock takes away.
#[tokio::test]
async fn a_hidden_or_replaced_record_is_found() {
    let (_moto, own, store) = bucket().await;
    let records = chain_of_four();
    store.put_chain(CHAIN, &records).await.unwrap();
    store.put_delivery(&delivery()).await.unwrap();
    assert!(!verify::store(&store).await.unwrap().is_broken());
    let listed = own.list_object_versions().bucket(BUCKET).send().await.unwrap();
    let keys: Vec<&str> = listed
        .versions()
        .iter()
        .map(|version| version.key().unwrap())
        .collect();
    for key in &keys {
        own.delete_object().bucket(BUCKET).key(*key).send().await.unwrap();
    }
    // The chain is written again, shorter. Without versions it looks like a chain in progress.
    store.put_chain(CHAIN, &records[..2]).await.unwrap();
    let summary = verify::store(&store).await.unwrap();
    assert!(summary.broken.is_empty() && summary.broken_deliveries.is_empty());
    assert!(summary.is_broken());
    let found = summary.deleted_or_replaced.iter();
    let found: Vec<(u64, u64)> = found
        .map(|object| (object.versions, object.delete_markers))
        .collect();
    assert_eq!(found, [(2, 1), (1, 1)]);
}

#[tokio::test]
async fn an_s3_refusal_is_reported() {
    let (moto, _, store) = bucket().await;
    moto.fault("PutObject", CallFault::Refused);
    let error = store.put_chain(CHAIN, &chain_of_four()).await.unwrap_err();
    assert!(matches!(error, StoreError::Bucket { .. }) && !error.is_final());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "S3 refuses it with AccessDenied: as the test wants it");
    assert_eq!(
        error.to_string(),
        format!(
            "audit log, `s3://{BUCKET}/logs/eu/chains/chain%3Aacme%3A01JSPXRQR2F3Y06HD85YYXRSZ7/00000001.jsonl`"
        )
    );
    let elsewhere: Location = "s3://no-such-bucket".parse().unwrap();
    let error = verify::store(&Store::at(&elsewhere, &moto.aws()))
        .await
        .unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("NoSuchBucket"), "{source}");
}

/// Above this number S3 answers in pages.
const PAGE: usize = 1_000;

#[tokio::test]
async fn all_pages_of_a_listing_are_read() {
    let (moto, _, _) = bucket().await;
    // On a busy machine, a page of moto takes longer than the two seconds that a writer has.
    let store = Store::at(&location(), &environment::aws::patient(moto.aws()));
    let writes = (0..=PAGE).map(async |_| store.put_delivery(&delivery()).await);
    let writes = futures::stream::iter(writes);
    let written: Result<Vec<()>, _> =
        futures::TryStreamExt::try_collect(futures::StreamExt::buffered(writes, 8)).await;
    written.unwrap();
    assert_eq!(store.deliveries().await.unwrap().len(), PAGE + 1);
    assert_eq!(moto.count("ListObjectsV2"), 2);
}
