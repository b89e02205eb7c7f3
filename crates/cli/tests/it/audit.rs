//! `spillway audit verify`, on logs in a directory.

use std::fs;

use audit::{Action, Entry, Record, Store, Trail};
use aws_stand_ins::moto::{CallFault, Moto};
use chain::{Reason, ReasonCode};
use serde_json::json;

use crate::world::World;

/// 2025-04-25T10:00:00Z.
pub(crate) const START_MS: i64 = 1_745_575_200_000;

pub(crate) fn chain_id(run: &str) -> String {
    format!("chain:acme:{run}")
}

fn entry(chain: &str, after_s: i64, action: Action) -> Entry {
    Entry {
        chain: Some(chain.to_owned()),
        account: Some("acme".parse().unwrap()),
        ..Entry::new(START_MS + after_s * 1_000, "worker", action)
    }
}

/// Three stacks: one succeeds, one fails, and one is skipped.
pub(crate) fn chain_of_three(run: &str, actor: &str) -> Vec<Record> {
    let chain = chain_id(run);
    let root = Entry {
        actor: actor.to_owned(),
        stack: Some("core-network".parse().unwrap()),
        run: Some(run.parse().unwrap()),
        commit: Some("31b63c1a7266daf5a1d44a193a0f48ce995fa75e".parse().unwrap()),
        ..entry(&chain, 0, Action::ChainStarted)
    };
    let ended = |stack: &str, after_s, outcome: &str, reason| Entry {
        stack: Some(stack.parse().unwrap()),
        run: Some(format!("{run}-{stack}").parse().unwrap()),
        commit: root.commit.clone(),
        outcome: Some(outcome.to_owned()),
        started_at_ms: Some(START_MS + 2_000),
        reason,
        ..entry(&chain, after_s, Action::StackEnded)
    };
    let failure = Reason::new(ReasonCode::RunFailed, "its run ended as FAILED");
    let skipped = Entry {
        stack: Some("platform-api".parse().unwrap()),
        outcome: Some("skipped".to_owned()),
        reason: Some(Reason::new(
            ReasonCode::UpstreamFailed,
            "its upstream `database` failed",
        )),
        ..entry(&chain, 249, Action::StackSkipped)
    };
    let mut trail = Trail::default();
    [
        root.clone(),
        ended("cluster", 62, "succeeded", None),
        ended("database", 249, "failed", Some(failure)),
        skipped,
        entry(&chain, 249, Action::ChainEnded),
    ]
    .map(|entry| trail.append(entry))
    .into()
}

/// A world with a log of two chains, one of them without its end, and a delivery.
pub(crate) async fn world() -> World {
    let world = World::acme().await.with("SPILLWAY_AUDIT", "log");
    let store = Store::in_directory(world.path("log"));
    let records = chain_of_three("01J", "spacelift:alice");
    store.put_chain(&chain_id("01J"), &records[..3]).await.unwrap();
    store.put_chain(&chain_id("01J"), &records[3..]).await.unwrap();
    let records = chain_of_three("01K", "spacelift");
    store.put_chain(&chain_id("01K"), &records[..2]).await.unwrap();
    let ignored = Entry::new(START_MS, "webhook", Action::DeliveryIgnored);
    store.put_delivery(&Record::unlinked(ignored)).await.unwrap();
    world
}

/// What somebody does who may change the files.
pub(crate) fn change(world: &World, key: &str, from: &str, to: &str) {
    let path = world.path("log").join(key);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::remove_file(&path).unwrap();
    fs::write(&path, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn a_log_as_it_was_written() {
    insta::assert_snapshot!(world().await.run(&["audit", "verify"]).await.ok(), @r"
    Without an end. These chains are still running, or their last records are missing:
      CHAIN           LAST RECORD
      chain:acme:01K  2025-04-25 10:01:02Z

    2 chains with 7 records and 1 delivery in log: no problems
    ");
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_place() {
    let world = world().await;
    change(
        &world,
        "chains/chain%3Aacme%3A01J/00000001.jsonl",
        "failed",
        "succeeded",
    );
    fs::remove_file(world.path("log/chains/chain%3Aacme%3A01J/00000004.jsonl")).unwrap();
    change(
        &world,
        "chains/chain%3Aacme%3A01K/00000001.jsonl",
        "\"version\":1",
        "\"version\":2",
    );
    let day = world.path("log/deliveries/2025/04/25");
    let delivery = fs::read_dir(&day).unwrap().next().unwrap().unwrap();
    fs::rename(
        delivery.path(),
        day.join("1745575200000-00000000-0000-0000-0000-000000000000.json"),
    )
    .unwrap();
    let key = "deliveries/2025/04/25/1745575200000-00000000-0000-0000-0000-000000000000.json";
    change(&world, key, "webhook", "nobody");
    let ran = world.run(&["audit", "verify"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout, @r"
    Damaged: chain:acme:01J
      chains/chain%3Aacme%3A01J/00000001.jsonl:3: the record was changed: its hash does not match its content

    Damaged records of deliveries:
      deliveries/2025/04/25/1745575200000-00000000-0000-0000-0000-000000000000.json:1: the record was changed: its hash does not match its content

    Not verified, because a newer version wrote them. Update this command:
      chains/chain%3Aacme%3A01K/00000001.jsonl:1

    2 chains with 5 records and 1 delivery in log: 1 chain damaged, 1 delivery damaged, 1 not verified
    ");
}

#[tokio::test]
async fn programs_get_the_same() {
    let world = world().await;
    let good = world.run(&["audit", "verify", "--json"]).await;
    assert_eq!(good.status, 0);
    let good = good.json();
    assert_eq!(
        (&good["chains"], &good["records"], &good["intact"]),
        (&json!(2), &json!(7), &json!(1))
    );
    assert_eq!(
        good["open"],
        json!([{"chain": "chain:acme:01K", "last_record_at": "2025-04-25T10:01:02.000Z"}])
    );
    let key = "chains/chain%3Aacme%3A01J/00000001.jsonl";
    change(&world, key, "alice", "mallory");
    let broken = world.run(&["audit", "verify", "--json"]).await;
    assert_eq!(broken.status, 1);
    assert_eq!(
        broken.json()["damaged"],
        json!([{"chain": "chain:acme:01J", "problem_count": 1, "problems": [{
            "object": key, "line": 1, "code": "changed",
            "message": "the record was changed: its hash does not match its content",
        }]}])
    );
}

#[tokio::test]
async fn a_log_that_is_not_there_is_said_to_be_missing() {
    let world = World::acme().await;
    for command in [["audit", "verify"], ["audit", "report"]] {
        let said = world.run(&command).await.failed(3);
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r"
            error: the location of the audit log is not set
            hint: Set SPILLWAY_AUDIT to the value that the webhook and the worker use, or pass --audit with s3://bucket/prefix or a directory.
            ");
        }
    }
    let said = world
        .run(&["audit", "verify", "--audit", "gs://x"])
        .await
        .failed(3);
    assert!(said.starts_with("error: `gs://x` is "), "{said}");
    let said = world
        .run(&["audit", "verify", "--audit", "nowhere"])
        .await
        .failed(3);
    insta::assert_snapshot!(said, @r"
    error: the audit log `nowhere` does not exist
    hint: Check SPILLWAY_AUDIT, or --audit. The directory is created with the first record.
    ");
}

#[tokio::test]
async fn a_log_in_a_bucket_is_found_by_the_variables_of_aws() {
    let moto = Moto::start().await;
    moto.create_bucket("acme-audit", false).await;
    let place = "s3://acme-audit/spillway";
    let store = Store::at(&place.parse().unwrap(), &moto.own_aws());
    let records = chain_of_three("01J", "spacelift:alice");
    store.put_chain(&chain_id("01J"), &records).await.unwrap();

    let mut world = World::acme().await.with("SPILLWAY_AUDIT", place);
    for (name, value) in moto.variables() {
        world = world.with(name, &value);
    }
    let said = world.run(&["audit", "verify"]).await;
    assert!(
        said.stderr.starts_with("warning: the log has no manifest"),
        "{}",
        said.stderr
    );
    assert_eq!(
        said.stdout,
        "1 chain with 5 records and 0 deliveries in s3://acme-audit/spillway: no problems\n"
    );
    let said = world
        .run(&["audit", "report", "--since", "2025-04-01"])
        .await
        .ok();
    assert!(said.contains("after run 01J of core-network, by alice"), "{said}");

    moto.fault("ListObjectsV2", CallFault::Refused);
    let said = world.run(&["audit", "verify"]).await.failed(4);
    let rejected = "error: S3 rejected the access to s3://acme-audit/spillway/chains/: as the test wants it (AccessDenied)\n";
    assert!(said.starts_with(rejected), "{said}");
    let said = world
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .run(&["audit", "verify"])
        .await
        .failed(5);
    assert!(said.contains("S3 could not be reached"), "{said}");
}
