//! No right is wider than AWS requires. `running` shows that none is superfluous or missing.

use serde_json::Value;

use super::grants;
use super::template::{ALL, Filled, list, load, resources, text};

/// Actions on all resources, each with the reason.
const ON_EVERYTHING: [(&str, &str); 5] = [
    ("xray:PutTelemetryRecords", "a trace has no ARN"),
    ("xray:PutTraceSegments", "a trace has no ARN"),
    ("ecr:GetAuthorizationToken", "a login to ECR is for all of it"),
    ("ec2:DescribeNetworkInterfaces", "EC2 describes all or nothing"),
    ("ec2:DescribeSubnets", "EC2 describes all or nothing"),
];

/// Resources with an asterisk, each with the reason.
const MANY: [(&str, &str); 4] = [
    (
        "${AuditBucketArn}/deliveries/*",
        "each record has a name of its own",
    ),
    ("${AuditBucketArn}/chains/*", "each record has a name of its own"),
    (
        "${AuditBucketArn}/manifests/*",
        "each manifest has a name of its own",
    ),
    (
        "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:*/*",
        "interfaces have no names before they are made",
    ),
];

/// Every statement that allows something, with its template.
fn allowing() -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for path in ALL {
        add(path, &load(path), &mut found);
    }
    assert!(found.len() > 15, "{}", found.len());
    found
}

fn add(path: &'static str, value: &Value, found: &mut Vec<(&'static str, Value)>) {
    match value {
        Value::Object(fields) if fields.get("Effect").is_some_and(|effect| effect == "Allow") => {
            found.push((path, value.clone()));
        }
        Value::Object(fields) => fields.values().for_each(|field| add(path, field, found)),
        Value::Array(items) => items.iter().for_each(|item| add(path, item, found)),
        _ => {}
    }
}

#[test]
fn every_action_is_listed_by_name() {
    for (path, statement) in allowing() {
        assert!(statement.get("NotAction").is_none(), "{path}: {statement}");
        let actions = list(&statement["Action"]);
        assert!(!actions.is_empty(), "{path}: {statement}");
        for action in actions {
            let action = action.as_str().unwrap();
            assert!(
                action.contains(':') && !action.contains('*'),
                "{path}: {statement}"
            );
        }
    }
}

#[test]
fn a_right_covers_everything_only_if_aws_has_no_arn_for_it() {
    let mut used = Vec::new();
    for (path, statement) in allowing() {
        assert!(statement.get("NotResource").is_none(), "{path}: {statement}");
        // In a trust policy the resource is the role itself.
        if statement["Action"] == "sts:AssumeRole" {
            continue;
        }
        for resource in list(&statement["Resource"]) {
            let pattern = resource.get("Fn::Sub").unwrap_or(&resource);
            let pattern = text(pattern.get(0).unwrap_or(pattern));
            if pattern == "*" {
                for action in list(&statement["Action"]) {
                    let named = ON_EVERYTHING.iter().find(|(name, _)| *name == action);
                    used.push(
                        named
                            .unwrap_or_else(|| panic!("{path}: {action} on everything"))
                            .0,
                    );
                }
            } else if pattern.contains('*') {
                let named = MANY.iter().find(|(name, _)| *name == pattern);
                used.push(named.unwrap_or_else(|| panic!("{path}: {pattern}")).0);
            }
        }
    }
    for (name, reason) in ON_EVERYTHING.iter().chain(&MANY) {
        assert!(used.contains(name), "{name} ({reason}) is nowhere");
    }
}

#[test]
fn a_role_trusts_exactly_one_service() {
    for (path, service, count) in [
        ("infra/roles.yaml", "lambda.amazonaws.com", 4),
        ("infra/worker.yaml", "ecs-tasks.amazonaws.com", 2),
    ] {
        let template = load(path);
        let roles: Vec<_> = resources(&template, "AWS::IAM::Role").collect();
        assert_eq!(roles.len(), count, "{path}");
        for (role, properties) in roles {
            let trusted = &properties["AssumeRolePolicyDocument"]["Statement"];
            assert_eq!(list(trusted).len(), 1, "{role}");
            let principal = &trusted[0]["Principal"];
            assert_eq!(*principal, serde_json::json!({"Service": service}), "{role}");
        }
    }
}

/// Only AWS itself uses these, so no test can show that they are needed. They are as AWS documents them.
#[test]
fn resources_that_only_aws_uses_are_listed() {
    for (path, resource, expected) in [
        (
            "infra/worker.yaml",
            "ExecutionRole",
            &[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetAuthorizationToken",
                "ecr:GetDownloadUrlForLayer",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ][..],
        ),
        (
            "infra/roles.yaml",
            "VpcPolicy",
            &[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
        ),
    ] {
        let mut found = Vec::new();
        add(path, &load(path)["Resources"][resource], &mut found);
        let actions = found.iter().flat_map(|(_, statement)| list(&statement["Action"]));
        let mut actions: Vec<String> = actions.map(|action| text(&action)).collect();
        actions.retain(|action| action != "sts:AssumeRole");
        actions.sort();
        assert_eq!(actions, expected, "{resource}");
    }
}

#[test]
fn every_right_names_an_existing_resource() {
    let nothing = [
        "TemporalSecretArn",
        "PayloadKeySecretArn",
        "SinksSecretArn",
        "TracesSecretArn",
        "EventBusArn",
        "DashboardUrl",
        "KmsKeyArn",
    ]
    .map(|name| (name, String::new()));
    let nothing = [
        nothing.as_slice(),
        &[("UpdatesAllowedAddresses", "true".to_owned())],
    ]
    .concat();
    for (path, role, secrets) in [
        ("infra/roles.yaml", "WebhookRole", &["WebhookSecretArn"][..]),
        ("infra/roles.yaml", "RedeliverRole", &[]),
        (
            "infra/roles.yaml",
            "DashboardRole",
            &["DashboardSecretArn", "SpaceliftSecretArn"],
        ),
        (
            "infra/roles.yaml",
            "UpkeepRole",
            &["ManifestKeySecretArn", "SpaceliftSecretArn"],
        ),
        ("infra/worker.yaml", "TaskRole", &["SpaceliftSecretArn"]),
    ] {
        let granted = grants::of_role(&Filled::new(path, nothing.clone()), role);
        let read = granted
            .iter()
            .filter(|grant| grant.action.starts_with("secretsmanager:"));
        let read: Vec<&str> = read.map(|grant| grant.resource.as_str()).collect();
        assert_eq!(read, secrets, "{role}");
        for grant in &granted {
            assert!(
                !grant.resource.is_empty() && !grant.action.starts_with("kms:"),
                "{role}: {grant}"
            );
        }
    }
}

#[test]
fn fargate_can_pull_only_the_named_image() {
    let digest = "0123456789abcdef".repeat(4);
    for (image, repository) in [
        ("spillway-worker:1.2".to_owned(), "spillway-worker"),
        (
            format!("team/spillway/worker@sha256:{digest}"),
            "team/spillway/worker",
        ),
    ] {
        let image = format!("210987654321.dkr.ecr.eu-north-1.amazonaws.com/{image}");
        let granted = grants::of_role(
            &Filled::new("infra/worker.yaml", [("Image", image)]),
            "ExecutionRole",
        );
        let pull = granted
            .iter()
            .find(|grant| grant.action == "ecr:BatchGetImage")
            .unwrap();
        let expected = format!("arn:aws:ecr:eu-north-1:210987654321:repository/{repository}");
        assert_eq!(pull.resource, expected);
    }
}
