//! `dist/`, as `cargo xtask package` makes it for this machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aws_stand_ins::lambda::Function;
use chain::signature::{WebhookSecret, sign};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use super::running::event;
use super::system::{NOWHERE, SECRET, System, of_api_gateway};
use super::template::{load, resources, text};
use super::{place, sources};
use crate::login::IdentityProvider;
use crate::login::gateway::Gateway;
use crate::login::person::Person;
use crate::world::{WAIT_MAX, any_port, http};

/// The files that Lambda loads before it starts a function. The dashboard reads, so it has the SDK's whole client.
const ZIP_BYTES_MAX: [(&str, u64); 4] = [
    ("Webhook", 5_000_000),
    ("Redeliver", 5_000_000),
    ("Dashboard", 12_000_000),
    ("Upkeep", 5_000_000),
];

fn template() -> Value {
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    load(&format!("dist/template-{architecture}.yaml"))
}

/// The zip file that the template names for a function.
fn zip(template: &Value, function: &str) -> PathBuf {
    let properties = &template["Resources"][function]["Properties"];
    place("dist").join(text(&properties["CodeUri"]))
}

/// As Lambda does, with the permissions that the zip file has.
const UNZIP: &str = "
import os, sys, zipfile
file = zipfile.ZipFile(sys.argv[1])
for item in file.infolist():
    os.chmod(file.extract(item, sys.argv[2]), item.external_attr >> 16)
";

/// What Lambda unpacks.
struct Programs(TempDir);

impl Programs {
    fn unpack() -> Self {
        let (directory, template) = (tempfile::tempdir().unwrap(), template());
        for (function, _) in ZIP_BYTES_MAX {
            let mut python = Command::new("python3");
            python.args(["-c", UNZIP]).arg(zip(&template, function));
            python.arg(directory.path().join(function));
            assert!(python.status().unwrap().success(), "{function}");
        }
        Self(directory)
    }

    /// The file that Lambda starts.
    fn bootstrap(&self, function: &str) -> PathBuf {
        self.0.path().join(function).join("bootstrap")
    }
}

async fn assert_answer(webhook: &Function, body: &str, expected: &str) {
    let answer = webhook.invoke(of_api_gateway(body)).await.unwrap();
    let said: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&answer["statusCode"], &said["result"]),
        (&json!(202), &json!(expected)),
        "{answer}"
    );
}

#[tokio::test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
async fn the_built_functions_start_answer_api_gateway_and_redeliver() {
    let (system, programs) = (System::start().await, Programs::unpack());
    let mut variables = system.of_function("Webhook");
    let webhook = system
        .function(&programs.bootstrap("Webhook"), "webhook", variables.clone())
        .await;
    assert_answer(&webhook, &event(&system.account, "01J"), "accepted").await;

    variables.insert("TEMPORAL_ADDRESS".to_owned(), NOWHERE.to_owned());
    let cut_off = system
        .function(&programs.bootstrap("Webhook"), "webhook", variables)
        .await;
    assert_answer(&cut_off, &event(&system.account, "01K"), "buffered").await;
    let redeliver = system
        .function(
            &programs.bootstrap("Redeliver"),
            "redeliver",
            system.of_function("Redeliver"),
        )
        .await;
    let answer = redeliver.invoke(system.batch().await).await;
    assert_eq!(answer, Ok(json!({"batchItemFailures": []})));
    let upkeep = system
        .function(
            &programs.bootstrap("Upkeep"),
            "upkeep",
            system.of_function("Upkeep"),
        )
        .await;
    let tick = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
    let answer = upkeep.invoke(tick).await;
    assert_eq!(answer, Ok(json!({"manifest": "written", "allow_list": "off"})));
}

/// Its sign-in needs more of the program than its pages do, but a machine may have no identity provider.
#[tokio::test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
async fn the_built_dashboard_asks_to_sign_in_and_then_shows_chains() {
    let (system, programs) = (System::start().await, Programs::unpack());
    let gateway = Gateway::listen().await;
    let provider = IdentityProvider::start(&gateway.url, true).await;
    let mut more = vec![("DashboardUrl", gateway.url.as_str())];
    more.extend(provider.iter().map(|it| ("DashboardIssuer", it.issuer.as_str())));
    let variables = system.of_function_with("Dashboard", &more);
    let program = programs.bootstrap("Dashboard");
    gateway.lead_to(system.function(&program, "dashboard", variables).await);
    let mut alice = Person::new();
    let asked = alice.get(&gateway.url).await;
    assert_eq!(asked.status, 401, "{}", asked.body);
    assert!(asked.body.contains("/login?back="), "{}", asked.body);
    if provider.is_some() {
        let answer = alice.sign_in(&gateway.url, "alice").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let chains = alice.get(&gateway.url).await;
        assert_eq!(chains.status, 200, "{}", chains.body);
        assert!(chains.body.contains(&system.account), "{}", chains.body);
    }
}

/// The components that a bill of materials lists.
fn components(program: &str, file: &Path) -> BTreeSet<String> {
    let bill: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["name"], program);
    let components = bill["components"].as_array().unwrap().iter();
    components.map(|component| text(&component["name"])).collect()
}

#[test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
fn every_zip_has_a_bill_of_materials_and_every_component_a_licence() {
    let template = template();
    let licences = fs::read_to_string(place("dist/LICENSES.txt")).unwrap();
    let (packages, texts) = licences.split_once("\n\n-----").unwrap();
    let own = packages_of_this_repository();
    for (function, program) in [
        ("Webhook", "webhook"),
        ("Redeliver", "redeliver"),
        ("Dashboard", "dashboard-function"),
        ("Upkeep", "upkeep"),
    ] {
        let bill = format!("{}.cdx.json", zip(&template, function).display());
        let components = components(program, Path::new(&bill));
        for name in ["tokio", "rustls", "telemetry"] {
            assert!(components.contains(name), "{name} in {bill}");
        }
        assert!(!components.contains("aws-stand-ins"), "{bill}");
        for name in components.iter().filter(|name| !own.contains(*name)) {
            let line = format!("\n{name} ");
            assert!(packages.contains(&line), "{name} of {bill}");
        }
    }
    for word in ["tokio 1.", "Permission is hereby granted"] {
        assert!(texts.contains(word), "{word}");
    }
}

fn packages_of_this_repository() -> BTreeSet<String> {
    let packages = sources::packages();
    packages.iter().map(|package| text(&package["name"])).collect()
}

#[test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
fn the_zips_are_small() {
    let template = template();
    for (function, bytes_max) in ZIP_BYTES_MAX {
        let bytes = fs::metadata(zip(&template, function)).unwrap().len();
        println!("{function}: a zip of {bytes} bytes");
        assert!(bytes <= bytes_max, "{function}: {bytes}");
    }
}

#[test]
#[ignore = "needs what `sam build` builds: `cargo xtask package` runs it"]
fn the_packed_template_needs_no_build_and_its_files_are_there() {
    let dist = place("dist");
    let mut check = Command::new("sha256sum");
    check
        .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(&dist);
    assert!(check.status().unwrap().success());
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let has_checksum = |file: &Path| {
        let name = file.strip_prefix(&dist).unwrap().to_str().unwrap();
        sums.lines().any(|line| line.ends_with(&format!("  {name}")))
    };

    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    let zips: Vec<PathBuf> = functions.map(|(name, _)| zip(&template, name)).collect();
    assert_eq!(zips.len(), ZIP_BYTES_MAX.len());
    let nested = resources(&template, "AWS::CloudFormation::Stack");
    let nested: Vec<PathBuf> = nested
        .map(|(_, resource)| dist.join(text(&resource["TemplateURL"])))
        .collect();
    assert!(!nested.is_empty());
    let bills = zips
        .iter()
        .map(|zip| PathBuf::from(format!("{}.cdx.json", zip.display())));
    let others = bills.chain([dist.join("LICENSES.txt")]).collect::<Vec<_>>();
    for file in zips.iter().chain(&nested).chain(&others) {
        assert!(has_checksum(file), "{}", file.display());
    }
    let architecture = &template["Parameters"]["Architecture"];
    assert_eq!(json!([architecture["Default"]]), architecture["AllowedValues"]);
}

/// `cargo lambda watch`, as a contributor runs it, with everything that it starts.
struct Watching {
    child: Child,
    url: String,
    port: String,
}

fn cargo_lambda(arguments: &[&str]) -> tokio::process::Command {
    let tools = place("target/tools/infra/bin").canonicalize().unwrap();
    let mut command = tokio::process::Command::new(tools.join("cargo-lambda"));
    command.arg("lambda").args(arguments).current_dir(place(""));
    // With these variables of this test, Cargo would build everything anew.
    for (name, _) in std::env::vars() {
        if name.starts_with("CARGO_") {
            command.env_remove(name);
        }
    }
    command
}

impl Watching {
    async fn start(system: &System) -> Self {
        let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let child = cargo_lambda(&["watch", "--locked", "--bin", "webhook", "--ignore-changes"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port])
            .envs(system.with_aws("webhook", system.of_function("Webhook")))
            .process_group(0)
            .spawn()
            .unwrap();
        let watching = Self {
            child,
            url: format!("http://127.0.0.1:{port}/lambda-url/webhook/webhook"),
            port,
        };
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", watching.port.parse::<u16>().unwrap()))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(WAIT_MAX, listens)
            .await
            .expect("cargo lambda watch listens");
        watching
    }

    /// The answer to a delivery. The first one waits until the function is compiled.
    async fn post(&self, body: &str, signature: &str) -> (u16, Value) {
        let request = http()
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-signature-256", signature);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn stop(mut self) {
        let group = format!("-{}", self.child.id().unwrap());
        let mut kill = tokio::process::Command::new("kill");
        assert!(
            kill.args(["-TERM", "--", &group])
                .status()
                .await
                .unwrap()
                .success()
        );
        self.child.wait().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs cargo-lambda: `cargo xtask package` runs it"]
async fn cargo_lambda_watch_and_invoke_run_the_webhook() {
    let system = System::start().await;
    let watching = Watching::start(&system).await;
    let body = event(&system.account, "01L");
    let signature = sign(body.as_bytes(), &WebhookSecret::parse(SECRET).unwrap());
    let (status, said) = watching.post(&body, &signature).await;
    assert_eq!((status, &said["result"]), (202, &json!("accepted")), "{said}");
    assert_eq!(watching.post(&body, "sha256=0").await.0, 401);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("event.json");
    let event = of_api_gateway(&event(&system.account, "01M"));
    std::fs::write(&file, event.to_string()).unwrap();
    let invoked = cargo_lambda(&["invoke", "webhook", "--invoke-address", "127.0.0.1"])
        .args(["--invoke-port", &watching.port, "--data-file"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert!(invoked.status.success(), "{invoked:?}");
    let answer: Value = serde_json::from_slice(&invoked.stdout).unwrap();
    assert_eq!(answer["statusCode"], 202, "{answer}");
    watching.stop().await;
}
