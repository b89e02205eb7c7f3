//! Every variable that a program reads is set where it is deployed, and every variable that is set is read.

use std::collections::BTreeSet;

use serde_json::Value;
use temporal_client::TemporalSettings;

use super::sources;
use super::template::{ignores_global_variables, load};

const PREFIXES: [&str; 5] = ["SPILLWAY_", "SPACELIFT_", "TEMPORAL_", "WEBHOOK_", "OTEL_"];
/// What libraries read: `tracing-subscriber`, and the Temporal SDK (`the_sdk_reads_its_own_variables`).
const READ_BY_LIBRARIES: [&str; 4] = [
    "RUST_LOG",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_TLS",
];

/// A deployed program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Webhook,
    Redeliver,
    Dashboard,
    Upkeep,
    Task,
    ComposeWebhook,
    ComposeWorker,
}

use Place::{ComposeWebhook, ComposeWorker, Dashboard, Redeliver, Task, Upkeep, Webhook};

const OF_CHAINS_ON_AWS: &[Place] = &[Webhook, Redeliver, Dashboard, Task];
const BY_COMPOSE: &[Place] = &[ComposeWebhook, ComposeWorker];
const FUNCTIONS: &[Place] = &[Webhook, Redeliver, Upkeep];
const NO_WORKER: &[Place] = &[Webhook, Redeliver, Dashboard, Upkeep, ComposeWebhook];
/// All but the upkeep, which neither uses Temporal nor runs chains.
const OF_CHAINS: &[Place] = &[Webhook, Redeliver, Dashboard, Task, ComposeWebhook, ComposeWorker];
const EVERYWHERE: &[Place] = &[
    Webhook,
    Redeliver,
    Dashboard,
    Upkeep,
    Task,
    ComposeWebhook,
    ComposeWorker,
];

/// Names in the source of a program that are not set, with the reason.
const NOT_SET: &[(&str, &[Place], &str)] = &[
    ("SPILLWAY_CONFIG", OF_CHAINS, "a file, for running it manually"),
    ("TEMPORAL_URL", OF_CHAINS, "an older name of TEMPORAL_ADDRESS"),
    ("TEMPORAL_TLS", BY_COMPOSE, "the address says it"),
    ("TEMPORAL_SECRET_ID", BY_COMPOSE, "Secrets Manager is AWS"),
    (
        "TEMPORAL_SECRET_ID",
        &[Upkeep],
        "linked; it does not use Temporal",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY_SECRET_ID",
        &[Upkeep],
        "linked; it does not use Temporal",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY",
        &[Upkeep],
        "linked; it does not use Temporal",
    ),
    (
        "SPACELIFT_REQUESTS_PER_MINUTE",
        &[Upkeep],
        "two requests an hour need no limit",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY_SECRET_ID",
        BY_COMPOSE,
        "Secrets Manager is AWS",
    ),
    (
        "SPILLWAY_SINKS_SECRET_ID",
        &[ComposeWorker],
        "Secrets Manager is AWS",
    ),
    (
        "SPILLWAY_SINKS_SECRET_ID",
        NO_WORKER,
        "linked; only the worker tells people",
    ),
    (
        "SPILLWAY_TRACES_SECRET_ID",
        &[ComposeWorker],
        "Secrets Manager is AWS",
    ),
    (
        "SPILLWAY_TRACES_SECRET_ID",
        NO_WORKER,
        "linked; only the worker sends traces",
    ),
    (
        "SPILLWAY_SINKS",
        NO_WORKER,
        "linked; only the worker tells people",
    ),
    (
        "SPILLWAY_SINKS",
        &[Task],
        "in the secret of SPILLWAY_SINKS_SECRET_ID",
    ),
    (
        "SPILLWAY_SINKS_FILE",
        &[Task, ComposeWorker],
        "a file, for running it manually",
    ),
    (
        "SPILLWAY_DASHBOARD_KEY",
        &[Dashboard],
        "in the secret of SPILLWAY_DASHBOARD_SECRET_ID",
    ),
    (
        "SPILLWAY_DASHBOARD_KEY_PREVIOUS",
        &[Dashboard],
        "in the secret of SPILLWAY_DASHBOARD_SECRET_ID",
    ),
    (
        "SPILLWAY_DASHBOARD_CLIENT_SECRET",
        &[Dashboard],
        "in the secret of SPILLWAY_DASHBOARD_SECRET_ID",
    ),
    ("SPILLWAY_METRICS_NAMESPACE", BY_COMPOSE, "CloudWatch is AWS"),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        &[Task],
        "in the secret of SPILLWAY_TRACES_SECRET_ID",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY",
        OF_CHAINS_ON_AWS,
        "in the secret of SPILLWAY_PAYLOAD_KEY_SECRET_ID",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY_PREVIOUS",
        OF_CHAINS_ON_AWS,
        "in the secret of SPILLWAY_PAYLOAD_KEY_SECRET_ID",
    ),
    (
        "SPILLWAY_PAYLOAD_KEY_STRICT",
        OF_CHAINS_ON_AWS,
        "in the secret of SPILLWAY_PAYLOAD_KEY_SECRET_ID",
    ),
    ("WEBHOOK_SECRET", &[Webhook], "in the secret of WEBHOOK_SECRET_ID"),
    (
        "WEBHOOK_SECRET_PREVIOUS",
        &[Webhook],
        "the previous version of that secret",
    ),
    ("WEBHOOK_SECRET_ID", &[ComposeWebhook], "Secrets Manager is AWS"),
    ("SPILLWAY_BUFFER_QUEUE_URL", &[ComposeWebhook], "SQS is AWS"),
    ("SPILLWAY_QUARANTINE_QUEUE_URL", &[ComposeWebhook], "SQS is AWS"),
    (
        "SPACELIFT_SECRET_ID",
        &[Webhook, Redeliver, ComposeWebhook],
        "linked; they do not speak to Spacelift",
    ),
    ("SPACELIFT_SECRET_ID", &[ComposeWorker], "Secrets Manager is AWS"),
    (
        "SPACELIFT_BASE_URL",
        &[Task, Dashboard, Upkeep],
        "in the secret of SPACELIFT_SECRET_ID",
    ),
    (
        "SPACELIFT_KEY_ID",
        &[Task, Dashboard, Upkeep],
        "in the secret of SPACELIFT_SECRET_ID",
    ),
    (
        "SPACELIFT_KEY_SECRET",
        &[Task, Dashboard, Upkeep],
        "in the secret of SPACELIFT_SECRET_ID",
    ),
    (
        "SPACELIFT_API_KEY_ENDPOINT",
        &[Task, Dashboard, Upkeep, ComposeWorker],
        "another name of SPACELIFT_BASE_URL",
    ),
    (
        "SPACELIFT_API_KEY_ID",
        &[Task, Dashboard, Upkeep, ComposeWorker],
        "another name of SPACELIFT_KEY_ID",
    ),
    (
        "SPACELIFT_API_KEY_SECRET",
        &[Task, Dashboard, Upkeep, ComposeWorker],
        "another name of SPACELIFT_KEY_SECRET",
    ),
];

/// Variables that are set and that the program does not read, with the reason.
const NOT_READ: &[(&str, &[Place], &str)] = &[(
    "SPILLWAY_HEALTH_ADDRESS",
    &[ComposeWebhook],
    "the health check in its container is the worker's program",
)];

impl Place {
    fn package(self) -> &'static str {
        match self {
            Webhook | ComposeWebhook => "webhook",
            Redeliver => "redeliver",
            Dashboard => "dashboard-function",
            Upkeep => "upkeep",
            Task | ComposeWorker => "worker",
        }
    }

    fn set(self) -> BTreeSet<String> {
        match self {
            Webhook => of_function("Webhook"),
            Redeliver => of_function("Redeliver"),
            Dashboard => of_function("Dashboard"),
            Upkeep => of_function("Upkeep"),
            Task => {
                let worker = load("infra/worker.yaml");
                let container = "/Resources/Task/Properties/ContainerDefinitions/0/Environment";
                let variables = worker.pointer(container).unwrap().as_array().unwrap();
                let name = |variable: &Value| {
                    let named = variable.get("Name").or(variable.pointer("/Fn::If/1/Name"));
                    named.unwrap().as_str().unwrap().to_owned()
                };
                variables.iter().map(name).collect()
            }
            ComposeWebhook => names(&load("infra/compose.yaml")["services"]["webhook"]["environment"]),
            ComposeWorker => names(&load("infra/compose.yaml")["services"]["worker"]["environment"]),
        }
    }

    fn is_excepted(self, name: &str, exceptions: &[(&str, &[Place], &str)]) -> bool {
        exceptions
            .iter()
            .any(|(excepted, places, _)| *excepted == name && places.contains(&self))
    }
}

fn of_function(name: &str) -> BTreeSet<String> {
    let template = load("template.yaml");
    let environment = |of: &Value| of.pointer("/Environment/Variables").map(names);
    let own = environment(&template["Resources"][name]["Properties"]).unwrap_or_default();
    if ignores_global_variables(&template, name) {
        return own;
    }
    let global = environment(&template["Globals"]["Function"]).unwrap();
    global.into_iter().chain(own).collect()
}

fn names(fields: &Value) -> BTreeSet<String> {
    fields.as_object().unwrap().keys().cloned().collect()
}

/// The names in literals of the source, and those of the settings.
fn read_by(package: &str) -> BTreeSet<String> {
    let text = sources::linked(package);
    let is_of_name = |character: char| character.is_ascii_uppercase() || character == '_';
    let literals = sources::literals(&text, is_of_name);
    let mut read: BTreeSet<String> = literals
        .into_iter()
        .filter(|name| !name.ends_with('_') && PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .map(str::to_owned)
        .collect();
    if package == Upkeep.package() {
        read.insert("RUST_LOG".to_owned());
    } else {
        read.extend(READ_BY_LIBRARIES.map(str::to_owned));
        read.extend(settings(&text));
    }
    read
}

/// `reader.read("parallel_runs", ...)` and `reader.read_duration(...)` read `SPILLWAY_PARALLEL_RUNS`.
fn settings(text: &str) -> Vec<String> {
    let calls = text.split("reader.read").skip(1);
    let settings: Vec<String> = calls
        .map(|call| format!("SPILLWAY_{}", call.split('"').nth(1).unwrap().to_uppercase()))
        .collect();
    assert!(
        settings.len() > 10 && settings.contains(&"SPILLWAY_PARALLEL_RUNS".to_owned()),
        "{settings:?}"
    );
    settings
}

#[test]
fn variables_that_are_read_and_variables_that_are_set_match() {
    for &place in EVERYWHERE {
        let (read, set) = (read_by(place.package()), place.set());
        for name in &read {
            assert!(
                set.contains(name) != place.is_excepted(name, NOT_SET),
                "{name} is read by {place:?}, and either not set or set in spite of the reason not to"
            );
        }
        for name in &set {
            assert!(
                read.contains(name) != place.is_excepted(name, NOT_READ),
                "{name} is set for {place:?}, and either not read or read in spite of what is said here"
            );
        }
        for &(name, places, reason) in NOT_SET {
            assert!(
                !places.contains(&place) || read.contains(name),
                "{name} ({reason}) is not read by {place:?} at all"
            );
        }
    }
}

#[test]
fn a_function_has_no_variable_that_it_does_not_read() {
    for &place in FUNCTIONS {
        let of_webhook = [
            "WEBHOOK_SECRET_ID",
            "SPILLWAY_ACCOUNT",
            "SPILLWAY_QUARANTINE_QUEUE_URL",
        ];
        for name in of_webhook {
            assert_eq!(
                place.set().contains(name),
                place == Webhook,
                "{name} of {place:?}"
            );
        }
    }
}

#[test]
fn the_sdk_reads_its_own_variables() {
    let variables = [
        ("TEMPORAL_ADDRESS", "temporal.internal:7233"),
        ("TEMPORAL_NAMESPACE", "acme"),
        ("TEMPORAL_TLS", "false"),
        ("TEMPORAL_CONFIG_FILE", "/dev/null"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = TemporalSettings::from_variables(&variables.into()).unwrap();
    assert_eq!(settings.address(), "http://temporal.internal:7233/");
    assert_eq!(settings.namespace(), "acme");
}

/// The nested template has the same name for each setting as the main template, and each default is in one place.
#[test]
fn every_parameter_of_a_nested_template_is_passed() {
    let root = load("template.yaml");
    for (stack, properties) in super::template::resources(&root, "AWS::CloudFormation::Stack") {
        let nested = load(properties["TemplateURL"].as_str().unwrap());
        assert_eq!(
            names(&properties["Parameters"]),
            names(&nested["Parameters"]),
            "{stack}"
        );
        for (name, parameter) in nested["Parameters"].as_object().unwrap() {
            assert!(parameter.get("Default").is_none(), "{name} of {stack}");
        }
    }
}

/// CloudFormation requires a value for parameters without a default; the defaults of settings are those of the
/// programs.
#[test]
fn defaults_of_template_and_programs_match() {
    let root = load("template.yaml");
    let globals = root
        .pointer("/Globals/Function/Environment/Variables")
        .unwrap()
        .as_object()
        .unwrap();
    let defaults = globals.iter().filter_map(|(name, value)| {
        let parameter = value.get("Ref")?.as_str()?;
        let default = root["Parameters"][parameter].get("Default")?;
        Some((name.clone(), super::template::text(default)))
    });
    let defaults: environment::Variables = defaults.filter(|(_, text)| !text.is_empty()).collect();
    assert!(defaults.contains_key("SPILLWAY_HISTORY_EVENTS"), "{defaults:?}");
    let lookup = |name: &str| match name {
        "SPILLWAY_CONFIG" => Some("/dev/null".to_owned()),
        name => defaults.get(name).cloned(),
    };
    let read = settings::Settings::from_lookup(lookup).unwrap();
    assert_eq!(read, settings::Settings::default());
}
