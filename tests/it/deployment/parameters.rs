//! What an operator configures: infra/parameters/ and samconfig.toml, and what depends on it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::template::{Filled, load, text};
use super::{place, read};

const ENVIRONMENTS: [&str; 3] = ["default", "staging", "prod"];

/// The overrides of `sam deploy --config-env <environment>`.
fn overrides(environment: &str) -> Vec<String> {
    let config: toml::Value = toml::from_str(&read("samconfig.toml")).unwrap();
    let overrides = config[environment]["deploy"]["parameters"]["parameter_overrides"].as_array();
    let overrides = overrides.unwrap().iter();
    overrides.map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn parameters() -> Value {
    load("template.yaml")["Parameters"].clone()
}

/// The last override wins, so the operator's own file comes last.
#[test]
fn each_environment_reads_its_own_file_last() {
    for environment in ENVIRONMENTS {
        let file = format!("file://infra/parameters/{environment}.yaml");
        assert_eq!(overrides(environment).last(), Some(&file));
    }
    for (path, ignored) in [
        ("infra/parameters/default.yaml", true),
        ("infra/parameters/example.yaml", false),
    ] {
        let git = Command::new("git")
            .args(["check-ignore", "--quiet", path])
            .current_dir(place("."))
            .status()
            .unwrap();
        assert_eq!(git.success(), ignored, "{path}");
    }
}

#[test]
fn overrides_are_parameters_with_allowed_values() {
    let parameters = parameters();
    for environment in ENVIRONMENTS {
        for one in overrides(environment) {
            let Some((name, value)) = one.split_once('=') else {
                continue;
            };
            let parameter = &parameters[name];
            assert!(parameter.is_object(), "{one} of {environment}");
            if let Some(allowed) = parameter["AllowedValues"].as_array() {
                assert!(allowed.iter().any(|allowed| text(allowed) == value), "{one}");
            }
        }
    }
    let example = load("infra/parameters/example.yaml");
    let mut named: BTreeSet<String> = example.as_object().unwrap().keys().cloned().collect();
    // Lines to be filled in later are comments.
    let example = read("infra/parameters/example.yaml");
    let later = example.lines().filter_map(|line| line.strip_prefix("# "));
    named.extend(later.filter_map(|line| {
        let (name, _) = line.split_once(": ")?;
        (!name.contains(' ')).then(|| name.to_owned())
    }));
    assert!(
        named.contains("WorkerImage") && named.contains("AssignPublicIp"),
        "{named:?}"
    );
    for name in &named {
        assert!(parameters[name].is_object(), "{name}");
    }
    for (name, parameter) in parameters.as_object().unwrap() {
        assert!(
            parameter.get("Default").is_some() || named.contains(name),
            "{name} has no default and is not in the example"
        );
    }
}

/// Workers of two systems on one task queue would take each other's work.
#[test]
fn no_two_environments_share_a_task_queue() {
    let default = text(&parameters()["TaskQueue"]["Default"]);
    let queues = ENVIRONMENTS.map(|environment| {
        let overrides = overrides(environment);
        let own = overrides.iter().find_map(|one| one.strip_prefix("TaskQueue="));
        own.map_or_else(|| default.clone(), str::to_owned)
    });
    assert_eq!(
        BTreeSet::from(queues.clone()).len(),
        ENVIRONMENTS.len(),
        "{queues:?}"
    );
}

#[test]
fn the_opened_port_matches_the_address() {
    for (address, opened) in [
        ("acme.a1b2c.tmprl.cloud:7233", &["443", "7233"][..]),
        ("http://temporal.internal:7000", &["443", "7000"]),
        ("https://temporal.internal:443", &["443"]),
        ("temporal.internal:443", &["443"]),
    ] {
        let given = [("TemporalAddress", address), ("FunctionsInVpc", "true")];
        let given = given.map(|(name, value)| (name, value.to_owned()));
        let root = Filled::new("template.yaml", given);
        for (stack, path, group) in [
            ("Worker", "infra/worker.yaml", "SecurityGroup"),
            ("Roles", "infra/roles.yaml", "SecurityGroup"),
        ] {
            let passed = root.resource(stack)["Parameters"]["TemporalPort"].clone();
            let https = || "443".to_owned();
            let given = [
                ("TemporalPort", text(&passed)),
                ("SinkPort", https()),
                ("OtlpPort", https()),
            ];
            let nested = Filled::new(path, given);
            let group = nested.resource(group);
            assert!(group.get("SecurityGroupIngress").is_none(), "{stack}");
            let rules = group["SecurityGroupEgress"].as_array().unwrap().iter();
            let ports: Vec<String> = rules.map(|rule| text(&rule["ToPort"])).collect();
            assert_eq!(ports, opened, "{stack} for {address}");
        }
    }
}

/// EC2 refuses the same rule twice.
#[test]
fn the_worker_reaches_the_ports_of_sinks_and_traces() {
    for (sink, traces, opened) in [
        ("443", "443", &["443", "7233"][..]),
        ("465", "4318", &["443", "7233", "465", "4318"]),
        ("7233", "4318", &["443", "7233", "4318"]),
        ("8443", "8443", &["443", "7233", "8443"]),
    ] {
        let given = [("TemporalPort", "7233"), ("SinkPort", sink), ("OtlpPort", traces)];
        let given = given.map(|(name, value)| (name, value.to_owned()));
        let group = Filled::new("infra/worker.yaml", given).resource("SecurityGroup");
        let rules = group["SecurityGroupEgress"].as_array().unwrap().iter();
        let ports: Vec<String> = rules.map(|rule| text(&rule["ToPort"])).collect();
        assert_eq!(ports, opened, "{sink} and {traces}");
    }
}

#[test]
fn a_new_account_can_deploy_it() {
    let root = Filled::new("template.yaml", []);
    for function in ["Webhook", "Redeliver", "Dashboard", "Upkeep"] {
        let reserved = root
            .resource(function)
            .get("ReservedConcurrentExecutions")
            .cloned();
        assert_eq!(reserved, None, "{function}");
    }
    let reserving = Filled::new("template.yaml", [("WebhookConcurrency", "50".to_owned())]);
    let reserved = &reserving.resource("Webhook")["ReservedConcurrentExecutions"];
    assert_eq!(text(reserved), "50");
}

#[test]
fn the_dashboard_is_off_unless_people_can_sign_in() {
    for (issuer, has_it) in [("", "false"), ("https://id.example.com", "true")] {
        let root = Filled::new("template.yaml", [("DashboardIssuer", issuer.to_owned())]);
        for nested in ["Roles", "Alarms"] {
            let passed = &root.resource(nested)["Parameters"]["HasDashboard"];
            assert_eq!(passed, has_it, "{nested} with `{issuer}`");
        }
    }
    let root = load("template.yaml");
    for resource in ["Dashboard", "DashboardLog"] {
        assert_eq!(
            root["Resources"][resource]["Condition"], "HasDashboard",
            "{resource}"
        );
    }
    let role = &load("infra/roles.yaml")["Resources"]["DashboardRole"];
    assert_eq!(role["Condition"], "MakesDashboardRole");
}

/// API Gateway itself answers 404 for every other path.
#[test]
fn each_page_of_the_dashboard_has_its_route_and_no_other_path_does() {
    let source = read("crates/dashboard/src/router.rs");
    let served: BTreeSet<String> = source
        .split(".route(")
        .skip(1)
        .map(|rest| rest.split('"').nth(1).unwrap().to_owned())
        .collect();
    assert!(
        served.len() > 12 && served.contains("/login/callback"),
        "{served:?}"
    );
    let root = load("template.yaml");
    let events = root["Resources"]["Dashboard"]["Properties"]["Events"]
        .as_object()
        .unwrap();
    let routes: Vec<String> = events
        .values()
        .map(|event| text(&event["Properties"]["Path"]))
        .collect();
    let leads_to = |route: &str, page: &str| match route.strip_suffix("{rest+}") {
        Some(before) => page.starts_with(before),
        None => route == page,
    };
    for page in &served {
        assert!(
            routes.iter().any(|route| leads_to(route, page)),
            "{page} has no route"
        );
    }
    for route in &routes {
        assert!(
            served.iter().any(|page| leads_to(route, page)),
            "{route} leads nowhere"
        );
    }
    let of_webhook = root["Resources"]["Webhook"]["Properties"]["Events"]
        .as_object()
        .unwrap();
    for event in of_webhook.values() {
        let path = text(&event["Properties"]["Path"]);
        assert!(!routes.contains(&path), "{path} is the webhook's");
    }
}

#[test]
fn the_task_has_a_public_address_only_on_request() {
    for expected in ["DISABLED", "ENABLED"] {
        let given = [("AssignPublicIp", expected.to_owned())];
        let passed =
            Filled::new("template.yaml", given).resource("Worker")["Parameters"]["AssignPublicIp"].clone();
        let worker = Filled::new("infra/worker.yaml", [("AssignPublicIp", text(&passed))]);
        let network = &worker.resource("Service")["NetworkConfiguration"]["AwsvpcConfiguration"];
        assert_eq!(network["AssignPublicIp"], expected);
    }
    let default = &parameters()["AssignPublicIp"]["Default"];
    assert_eq!(default, "DISABLED");
}

/// CloudFormation overwrites a secret whenever its text in the template changes, including the value that an operator
/// has set.
#[test]
fn no_template_holds_the_value_of_a_secret() {
    let data = load("infra/data.yaml");
    for (name, secret) in super::template::resources(&data, "AWS::SecretsManager::Secret") {
        assert!(secret.get("SecretString").is_none(), "{name}");
        assert_eq!(
            secret.get("GenerateSecretString").is_some(),
            name == "WebhookSecret",
            "{name}"
        );
    }
}

#[test]
fn the_audit_log_outlives_the_stack_together_with_its_policy() {
    let data = load("infra/data.yaml");
    for name in ["AuditBucket", "AuditBucketPolicy"] {
        let resource = &data["Resources"][name];
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
}

/// The command that registers the webhook reads both forms of the secret that the webhook accepts.
#[test]
fn the_register_command_passes_both_forms_of_the_secret() {
    let root = Filled::new("template.yaml", []);
    let command = root.value(&root.template["Outputs"]["RegisterCommand"]["Value"]);
    let command = text(&command.unwrap());
    let directory = tempfile::tempdir().unwrap();
    let said = directory.path().join("said");
    script(
        &directory.path().join("spillway"),
        r#"printf '%s|%s' "$WEBHOOK_SECRET" "$*" > "$SAID""#,
    );
    for (kept, secret) in [
        (
            json!({"secret": "in an object, 48 characters"}).to_string(),
            "in an object, 48 characters",
        ),
        ("a text of its own".to_owned(), "a text of its own"),
        ("123456789012345678".to_owned(), "123456789012345678"),
    ] {
        script(&directory.path().join("aws"), r#"printf '%s\n' "$KEPT""#);
        let path = std::env::var("PATH").unwrap();
        let status = Command::new("sh")
            .args(["-euc", &command])
            .env("PATH", format!("{}:{path}", directory.path().display()))
            .env("KEPT", &kept)
            .env("SAID", &said)
            .status()
            .unwrap();
        assert!(status.success(), "{command}");
        let said = fs::read_to_string(&said).unwrap();
        let (given, arguments) = said.split_once('|').unwrap();
        assert_eq!(given, secret);
        assert!(
            arguments.starts_with("webhook install --endpoint https://")
                && arguments.ends_with("/webhook --apply"),
            "{arguments}"
        );
    }
}

fn script(path: &Path, line: &str) {
    fs::write(path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An HTTP API has no address list, so its own endpoint has to be closed.
#[test]
fn an_address_list_replaces_public_access() {
    let networks = "192.0.2.1/32,198.51.100.0/24";
    for (given, closed) in [("", false), (networks, true)] {
        let root = Filled::new("template.yaml", [("AllowedAddresses", given.to_owned())]);
        assert_eq!(root.resource("Api")["DisableExecuteApiEndpoint"], closed);
        let url = root.value(&root.template["Outputs"]["WebhookUrl"]["Value"]);
        let url = text(&url.unwrap());
        assert_eq!(url == "AllowList.Outputs.Endpoint/webhook", closed, "{url}");
        let register = root.value(&root.template["Outputs"]["RegisterCommand"]["Value"]);
        assert!(text(&register.unwrap()).contains(&format!("--endpoint {url} --apply")));
    }
    let list = Filled::new(
        "infra/allowlist.yaml",
        [("AllowedAddresses", networks.to_owned())],
    );
    assert_eq!(list.resource("Addresses")["Addresses"], networks);
    let access = list.resource("AccessList");
    assert_eq!(access["DefaultAction"], json!({"Block": {}}));
    let rules = access["Rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["Action"], json!({"Allow": {}}));
    let set = json!({"IPSetReferenceStatement": {"Arn": "Addresses.Arn"}});
    assert_eq!(rules[0]["Statement"], set);
    let association = list.resource("Association");
    assert_eq!(association["WebACLArn"], "AccessList.Arn");
    assert_eq!(
        association["ResourceArn"],
        "arn:aws:apigateway:eu-west-1::/restapis/Api/stages/Stage"
    );
}
