//! What `sam build` has built for this machine. `cargo xtask package` builds it and runs these tests.

use std::path::PathBuf;
use std::process::Command;

use lambda_runtime_emulator::Function;
use serde_json::{Value, json};

use super::place;
use super::running::event;
use super::system::{NOWHERE, System, of_api_gateway};

/// What Lambda has to fetch before it starts a function.
const ZIP_BYTES_MAX: u64 = 5_000_000;

/// What Lambda starts.
fn bootstrap(function: &str) -> PathBuf {
    place(&format!(".aws-sam/build/{function}/bootstrap"))
}

async fn assert_answer(webhook: &Function, body: &str, wanted: &str) {
    let answer = webhook.invoke(of_api_gateway(body)).await.unwrap();
    let said: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&answer["statusCode"], &said["result"]),
        (&json!(202), &json!(wanted)),
        "{answer}"
    );
}

#[tokio::test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
async fn the_functions_start_answer_api_gateway_and_redeliver() {
    let system = System::start().await;
    let mut variables = system.of_function("Webhook");
    let webhook = system
        .function(&bootstrap("Webhook"), "webhook", variables.clone())
        .await;
    assert_answer(&webhook, &event(&system.account, "01J"), "accepted").await;

    variables.insert("TEMPORAL_ADDRESS".to_owned(), NOWHERE.to_owned());
    let cut_off = system.function(&bootstrap("Webhook"), "webhook", variables).await;
    assert_answer(&cut_off, &event(&system.account, "01K"), "buffered").await;
    let redeliver = system
        .function(
            &bootstrap("Redeliver"),
            "redeliver",
            system.of_function("Redeliver"),
        )
        .await;
    let answer = redeliver.invoke(system.batch().await).await;
    assert_eq!(answer, Ok(json!({"batchItemFailures": []})));
}

#[test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
fn the_zips_are_small() {
    let directory = tempfile::tempdir().unwrap();
    for function in ["Webhook", "Redeliver"] {
        let zip = directory.path().join(function);
        // SAM packs with the same library.
        let mut python = Command::new("python3");
        python
            .args(["-m", "zipfile", "-c"])
            .arg(&zip)
            .arg(bootstrap(function));
        assert!(python.status().unwrap().success());
        let bytes = zip.metadata().unwrap().len();
        println!("{function}: a zip of {bytes} bytes");
        assert!(bytes <= ZIP_BYTES_MAX, "{function}: {bytes}");
    }
}
