//! The rights of the roles in the templates, statement by statement.

use std::fmt;

use aws_stand_ins::moto::Call;
use serde_json::Value;

use super::template::{ACCOUNT, Filled, REGION, list, text};

/// One action on one resource, which may contain asterisks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    pub(crate) action: String,
    pub(crate) resource: String,
}

impl Grant {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
        }
    }

    /// Whether it includes the other grant.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.action == other.action && fits(&self.resource, &other.resource)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// The rights in a role's own policies.
pub(crate) fn of_role(template: &Filled, role: &str) -> Vec<Grant> {
    let role = template.resource(role);
    let policies = role["Policies"].as_array().unwrap().iter();
    policies
        .flat_map(|policy| of(&policy["PolicyDocument"]))
        .collect()
}

pub(crate) fn of(document: &Value) -> Vec<Grant> {
    let mut grants = Vec::new();
    for statement in list(&document["Statement"]) {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        for action in list(&statement["Action"]) {
            for resource in list(&statement["Resource"]) {
                grants.push(Grant::new(text(&action), text(&resource)));
            }
        }
    }
    grants
}

/// The right that a call needs.
pub(crate) fn needed(call: &Call) -> Grant {
    let body = || -> Value { serde_json::from_str(&call.body).unwrap() };
    match call.operation.as_str() {
        "GetSecretValue" => Grant::new("secretsmanager:GetSecretValue", text(&body()["SecretId"])),
        "SendMessage" => Grant::new("sqs:SendMessage", queue_arn(&body())),
        "ChangeMessageVisibilityBatch" => Grant::new("sqs:ChangeMessageVisibility", queue_arn(&body())),
        "GetQueueAttributes" => Grant::new("sqs:GetQueueAttributes", queue_arn(&body())),
        "PutEvents" => Grant::new("events:PutEvents", text(&body()["Entries"][0]["EventBusName"])),
        "GetIPSet" | "UpdateIPSet" => Grant::new(format!("wafv2:{}", call.operation), ip_set_arn(&body())),
        "ListObjectsV2" => Grant::new(
            "s3:ListBucket",
            format!("arn:aws:s3:::{}", call.path.trim_matches('/')),
        ),
        "PutObject" | "GetObject" => Grant::new(
            format!("s3:{}", call.operation),
            format!("arn:aws:s3::{}", call.path.replacen('/', ":", 1)),
        ),
        other => panic!("it is not known here which right {other} needs"),
    }
}

fn queue_arn(call: &Value) -> String {
    let url = text(&call["QueueUrl"]);
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next().unwrap(), parts.next().unwrap());
    format!("arn:aws:sqs:{REGION}:{account}:{name}")
}

fn ip_set_arn(call: &Value) -> String {
    let (name, id) = (text(&call["Name"]), text(&call["Id"]));
    format!("arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/ipset/{name}/{id}")
}

/// Whether a text matches a pattern, with anything for each asterisk.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(before)
        .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(after, &rest[at..])))
}

#[test]
fn an_asterisk_matches_anything() {
    for (pattern, text, expected) in [
        ("a:b", "a:b", true),
        ("a:b", "a:bc", false),
        ("a/*", "a/b/c", true),
        ("a/*", "b/a/c", false),
        ("a*c", "abc", true),
        ("a*c", "abcd", false),
        ("*", "", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}
