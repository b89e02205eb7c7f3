//! The nested templates, deployed on moto. `cloud` lists what moto lacks.

use std::collections::BTreeMap;

use aws_sdk_s3::types::ServerSideEncryption;
use serde_json::{Value, json};

use super::grants::{self, Grant};
use super::system::{KMS_KEY, System};
use super::template::{Filled, list, load, text};

async fn attributes(system: &System, url: &str) -> Value {
    let asked = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let mut said = system
        .cloud
        .json("sqs", "AmazonSQS.GetQueueAttributes", asked)
        .await;
    said["Attributes"].take()
}

fn with_key(system: &System, stack: &str) -> Filled {
    system.nested_with(stack, &[("KmsKeyArn", KMS_KEY), ("FunctionsInVpc", "true")])
}

#[tokio::test]
async fn the_queues_keep_messages_for_14_days_and_five_tries() {
    let system = System::start().await;
    let of = async |name: &str| attributes(&system, system.made(name)).await;
    let buffer = of("BufferQueueUrl").await;
    let dead_letters = of("DeadLetterQueueUrl").await;
    let redrive: Value = serde_json::from_str(buffer["RedrivePolicy"].as_str().unwrap()).unwrap();
    assert_eq!(redrive["maxReceiveCount"], 5);
    assert_eq!(redrive["deadLetterTargetArn"], dead_letters["QueueArn"]);
    for queue in [&buffer, &dead_letters, &of("QuarantineQueueUrl").await] {
        assert_eq!(
            queue["MessageRetentionPeriod"],
            (14 * 24 * 3600).to_string(),
            "{queue}"
        );
        assert_eq!(queue["SqsManagedSseEnabled"], "true", "{queue}");
    }
    let function = &load("template.yaml")["Resources"]["Redeliver"]["Properties"];
    let timeout = function["Timeout"].as_u64().unwrap();
    assert_eq!(buffer["VisibilityTimeout"], (6 * timeout).to_string());
}

#[tokio::test]
async fn the_operators_key_encrypts_queues_and_bucket() {
    let system = System::start().await;
    let made = system.cloud.deploy("with-key", &with_key(&system, "Data")).await;
    for queue in ["BufferQueueUrl", "DeadLetterQueueUrl", "QuarantineQueueUrl"] {
        assert_eq!(
            attributes(&system, &made[queue]).await["KmsMasterKeyId"],
            KMS_KEY,
            "{queue}"
        );
    }
    let client = system.cloud.s3();
    let read = client.get_bucket_encryption().bucket(&made["AuditBucketName"]);
    let encryption = read.send().await.unwrap();
    let rules = encryption.server_side_encryption_configuration().unwrap().rules();
    let default = rules[0].apply_server_side_encryption_by_default().unwrap();
    assert_eq!(*default.sse_algorithm(), ServerSideEncryption::AwsKms);
    assert_eq!(default.kms_master_key_id(), Some(KMS_KEY));
}

#[tokio::test]
async fn a_created_role_has_exactly_the_rights_of_the_template() {
    let system = System::start().await;
    let (roles, worker) = (with_key(&system, "Roles"), with_key(&system, "Worker"));
    for (stack, template, made) in [
        (
            "roles",
            &roles,
            &["WebhookRole", "RedeliverRole", "DashboardRole", "UpkeepRole"][..],
        ),
        ("worker", &worker, &["TaskRole", "ExecutionRole"]),
    ] {
        system.cloud.deploy(stack, template).await;
        for role in made {
            let mut granted = granted(&system, stack, role).await;
            let mut expected = grants::of_role(template, role);
            granted.sort();
            expected.sort();
            assert!(!expected.is_empty(), "{role}");
            assert_eq!(granted, expected, "{role}");
        }
    }
}

/// The policies of a stack's role on moto.
async fn granted(system: &System, stack: &str, role: &str) -> Vec<Grant> {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let asked = vec![field("StackName", stack), field("LogicalResourceId", role)];
    let described = system
        .cloud
        .query("cloudformation", "DescribeStackResource", asked)
        .await;
    let name = text(&described["StackResourceDetail"]["PhysicalResourceId"]);
    let asked = vec![field("RoleName", &name)];
    let listed = system.cloud.query("iam", "ListRolePolicies", asked).await;
    let mut granted = Vec::new();
    for policy in listed["PolicyNames"].as_array().unwrap() {
        let asked = vec![field("RoleName", &name), field("PolicyName", &text(policy))];
        let read = system.cloud.query("iam", "GetRolePolicy", asked).await;
        // Python's way to write it.
        let document = text(&read["PolicyDocument"])
            .replace('\'', "\"")
            .replace("None", "null");
        let document: Value = serde_json::from_str(&document).unwrap();
        granted.extend(grants::of(&document));
    }
    granted
}

#[tokio::test]
async fn a_created_task_has_the_variables_of_the_template() {
    let system = System::start().await;
    let template = system.nested("Worker");
    system.cloud.deploy("worker", &template).await;
    let family = json!({"taskDefinition": "spillway-worker"});
    let described = system
        .cloud
        .json(
            "ecs",
            "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition",
            family,
        )
        .await;
    let container = &described["taskDefinition"]["containerDefinitions"][0];
    let variables = container["environment"].as_array().unwrap().iter();
    let variables: BTreeMap<String, String> = variables
        .filter(|variable| !variable.is_null())
        .map(|variable| (text(&variable["name"]), text(&variable["value"])))
        .collect();
    assert_eq!(variables, system.of_worker().into_iter().collect());
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(container["user"], "65532:65532");
    assert_eq!(container["stopTimeout"], 120);
    let log = &container["logConfiguration"]["options"]["awslogs-group"];
    assert_eq!(log, "WorkerLog", "the log group of the whole");
}

/// A nested stack that is rolled back deletes its resources, so the worker's log group is not in one.
#[test]
fn the_log_of_the_worker_outlives_a_rollout_that_fails() {
    let root = Filled::new("template.yaml", []);
    let resource = &root.template["Resources"]["WorkerLog"];
    assert!(
        resource.get("Condition").is_none(),
        "it exists before the worker does"
    );
    let log = root.resource("WorkerLog");
    assert_eq!(log["LogGroupName"], "/spillway/spillway/worker");
    assert_eq!(text(&log["RetentionInDays"]), "90");
    let nested = load("infra/worker.yaml");
    assert_eq!(
        super::template::resources(&nested, "AWS::Logs::LogGroup").count(),
        0
    );
}

/// moto does not create these, so they are read from the evaluated templates.
#[test]
fn the_worker_accepts_no_connections_and_a_failed_deployment_is_rolled_back() {
    let ports = [("TemporalPort", "7233"), ("SinkPort", "443"), ("OtlpPort", "443")];
    let ports = ports.map(|(name, port)| (name, port.to_owned()));
    let template = Filled::new("infra/worker.yaml", ports);
    let service = template.resource("Service");
    let breaker = &service["DeploymentConfiguration"]["DeploymentCircuitBreaker"];
    assert_eq!(*breaker, json!({"Enable": true, "Rollback": true}));
    let group = template.resource("SecurityGroup");
    assert!(group.get("SecurityGroupIngress").is_none());
    let ports = list(&group["SecurityGroupEgress"]);
    let ports: Vec<String> = ports.iter().map(|rule| text(&rule["ToPort"])).collect();
    assert_eq!(ports, ["443", "7233"]);
    let task = template.resource("Task");
    assert_eq!(task["NetworkMode"], "awsvpc");
    assert_ne!(task["TaskRoleArn"], task["ExecutionRoleArn"]);
}

#[test]
fn nobody_else_can_read_or_overwrite_the_audit_log() {
    let template = Filled::new("infra/data.yaml", []);
    let bucket = template.resource("AuditBucket");
    assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
    let access = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(access.len() == 4 && access.values().all(|blocked| *blocked == true));
    let policy = template.resource("AuditBucketPolicy");
    let statements = list(&policy["PolicyDocument"]["Statement"]);
    assert!(statements.iter().all(|statement| statement["Effect"] == "Deny"));
    let overwriting = statements
        .iter()
        .find(|statement| statement["Action"] == "s3:PutObject");
    let condition = &overwriting.unwrap()["Condition"];
    assert_eq!(condition["Null"], json!({"s3:if-none-match": "true"}));
}

#[test]
fn only_the_break_glass_role_can_delete_from_the_audit_log() {
    let role = "arn:aws:iam::123456789012:role/break-glass";
    for (given, condition) in [
        ("", None),
        (role, Some(json!({"ArnNotEquals": {"aws:PrincipalArn": role}}))),
    ] {
        let template = Filled::new("infra/data.yaml", [("BreakGlassRoleArn", given.to_owned())]);
        let policy = template.resource("AuditBucketPolicy");
        let statements = list(&policy["PolicyDocument"]["Statement"]);
        let deletion = statements
            .iter()
            .find(|statement| statement["Sid"] == "RefuseDeletion");
        let deletion = deletion.unwrap();
        assert_eq!(
            (&deletion["Effect"], &deletion["Principal"]),
            (&json!("Deny"), &json!("*"))
        );
        let actions = [
            "s3:BypassGovernanceRetention",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        ];
        assert_eq!(deletion["Action"], json!(actions));
        assert_eq!(deletion.get("Condition").cloned(), condition);
    }
}
