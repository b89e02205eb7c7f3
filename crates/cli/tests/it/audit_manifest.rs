//! `spillway audit manifest`, and `audit verify --manifest`.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::audit::world;
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
    let day = world
        .path("log/manifests")
        .join(at.strftime("%Y/%m/%d").to_string());
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join(format!("{made_at_ms}.json")), text).unwrap();
    assert_eq!(latest(&public_key).await.status, 0);

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
