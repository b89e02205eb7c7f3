//! The nested templates, deployed. `cloud` says what moto leaves out.

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
async fn the_queues_keep_for_14_days_and_give_up_after_five_tries() {
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
async fn a_key_of_the_operator_encrypts_queues_and_bucket() {
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
async fn a_role_is_made_with_the_rights_of_the_template_and_no_others() {
    let system = System::start().await;
    let (roles, worker) = (with_key(&system, "Roles"), with_key(&system, "Worker"));
    for (stack, template, made) in [
        ("roles", &roles, ["WebhookRole", "RedeliverRole"]),
        ("worker", &worker, ["TaskRole", "ExecutionRole"]),
    ] {
        system.cloud.deploy(stack, template).await;
        for role in made {
            let mut granted = granted(&system, stack, role).await;
            let mut wanted = grants::of_role(template, role);
            for grant in &mut wanted {
                if grant.resource == "Log.Arn" {
                    // AWS adds `:*`.
                    "arn:aws:logs:eu-west-1:123456789012:log-group:/spillway/spillway/worker"
                        .clone_into(&mut grant.resource);
                }
            }
            granted.sort();
            wanted.sort();
            assert!(!wanted.is_empty(), "{role}");
            assert_eq!(granted, wanted, "{role}");
        }
    }
}

/// What moto has of the policies of a stack's role.
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
async fn a_task_has_the_variables_of_the_template_and_its_log_ends() {
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
    let groups = system
        .cloud
        .json("logs", "Logs_20140328.DescribeLogGroups", json!({}))
        .await;
    assert_eq!(
        groups["logGroups"][0]["logGroupName"],
        "/spillway/spillway/worker"
    );
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 90);
    assert_eq!(
        container["logConfiguration"]["options"]["awslogs-group"],
        "/spillway/spillway/worker"
    );
}

/// moto does not make these, so they are read in the templates as they are filled in.
#[test]
fn the_worker_lets_nobody_in_and_a_deployment_that_does_not_start_is_taken_back() {
    let port = ("TemporalPort", "7233".to_owned());
    let template = Filled::new("infra/worker.yaml", [port]);
    let service = template.resource("Service");
    let network = &service["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(network["AssignPublicIp"], "DISABLED");
    assert_eq!(network["Subnets"], "PrivateSubnets");
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
fn nobody_else_reads_the_audit_log_or_writes_over_it() {
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
