//! `spillway audit manifest`, and `audit verify --manifest`.

use std::fs;

use audit::Store;
use audit::manifest::{Manifest, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::audit::{change, world};
use crate::world::World;

/// What precedes the 32 bytes of an Ed25519 key in PKCS #8, as OpenSSL writes it.
const KEY_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A signed manifest of the log, its time in milliseconds, and its public key.
async fn manifest(world: &World, seed: u8) -> (String, i64, String) {
    let (label, text) = (
        "PRIVATE KEY",
        STANDARD.encode([KEY_PREFIX, [seed; 16], [seed; 16]].concat()),
    );
    let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
    fs::write(world.path("key.pem"), pem).unwrap();
    let text = world.run(&["audit", "manifest", "--key", "key.pem"]).await.ok();
    let signed: Value = serde_json::from_str(&text).unwrap();
    let made_at_ms = signed["manifest"]["made_at_ms"].as_i64().unwrap();
    (
        text,
        made_at_ms,
        signed["public_key"].as_str().unwrap().to_owned(),
    )
}

fn put(world: &World, made_at_ms: i64, text: &str) {
    let at = jiff::Timestamp::from_millisecond(made_at_ms).unwrap();
    let day = world
        .path("log/manifests")
        .join(at.strftime("%Y/%m/%d").to_string());
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join(format!("{made_at_ms}.json")), text).unwrap();
}

#[tokio::test]
async fn a_manifest_that_is_too_old_is_said_to_be() {
    let world = world().await;
    let (_, now_ms, public_key) = manifest(&world, 1).await;
    let made_at_ms = now_ms - 49 * 3_600_000;
    let key = fs::read_to_string(world.path("key.pem")).unwrap();
    let key = SigningKey::from_pem(&key).unwrap();
    let old = Manifest::of(&Store::in_directory(world.path("log")), made_at_ms)
        .await
        .unwrap();
    put(
        &world,
        made_at_ms,
        &serde_json::to_string(&key.sign(old)).unwrap(),
    );
    let verify = [
        "audit",
        "verify",
        "--manifest",
        "latest",
        "--json",
        "--public-key",
        &public_key,
    ];
    let said = world.run(&verify).await;
    assert_eq!(said.status, 0);
    assert!(
        said.stderr
            .contains("the newest manifest in the log is 2d 01h old"),
        "{}",
        said.stderr
    );
    let said = said.json();
    let made_at = jiff::Timestamp::from_millisecond(made_at_ms).unwrap();
    assert_eq!(
        said["manifest"]["made_at"],
        made_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    );
    let age_s = said["manifest"]["age_s"].as_f64().unwrap();
    assert!((176_400.0..177_000.0).contains(&age_s), "{age_s}");
}

#[tokio::test]
async fn a_manifest_of_a_damaged_log_says_so() {
    let world = world().await;
    manifest(&world, 1).await;
    change(
        &world,
        "chains/chain%3Aacme%3A01J/00000001.jsonl",
        "alice",
        "mallory",
    );
    let again = world.run(&["audit", "manifest", "--key", "key.pem"]).await;
    assert_eq!(again.status, 0);
    assert!(
        again.stderr.contains("1 chain is damaged already"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn the_newest_manifest_in_the_log_is_found_and_compared() {
    let world = world().await;
    let latest = async |public_key: &str| {
        let verify = [
            "audit",
            "verify",
            "--manifest",
            "latest",
            "--public-key",
            public_key,
        ];
        world.run(&verify).await
    };
    let (text, made_at_ms, public_key) = manifest(&world, 1).await;
    let none = latest(&public_key).await;
    assert_eq!(none.status, 2, "{}", none.stderr);
    assert!(none.stderr.contains("the log has no manifest"), "{}", none.stderr);

    let at = jiff::Timestamp::from_millisecond(made_at_ms).unwrap();
    put(&world, made_at_ms, &text);
    let good = latest(&public_key).await;
    assert_eq!((good.status, good.stderr.as_str()), (0, ""));
    let made = format!(
        "Compared with the manifest of {}, which is ",
        at.strftime("%Y-%m-%d %H:%M:%SZ")
    );
    assert!(good.stdout.contains(&made), "{}", good.stdout);
    // Nobody can have signed it tomorrow.
    put(&world, made_at_ms + 86_400_000, "{}");
    let good = latest(&public_key).await;
    assert_eq!(good.status, 0);
    assert!(
        good.stderr.contains("left out 1 object among the manifests"),
        "{}",
        good.stderr
    );

    let cut = world.path("log/chains/chain%3Aacme%3A01J/00000004.jsonl");
    fs::remove_file(cut).unwrap();
    let lost = latest(&public_key).await;
    assert_eq!(lost.status, 1);
    assert!(lost.stdout.contains("01J"), "{}", lost.stdout);

    let (_, _, other_key) = manifest(&world, 2).await;
    let foreign = latest(&other_key).await;
    assert_eq!(foreign.status, 2, "{}", foreign.stderr);
    assert!(foreign.stderr.contains("cannot be used"), "{}", foreign.stderr);
}
