//! Everything that the templates deploy, as far as it can run on one machine. Storage is on moto, created from
//! data.yaml; the programs have exactly the variables of the templates.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use aws_sdk_s3::types::{DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRule};
use aws_stand_ins::lambda::Function;
use aws_stand_ins::moto::Call;
use chain::signature::{self, WebhookSecret};
use environment::Variables;
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, Server};
use queue::Queue;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::cloud::Cloud;
use super::grants::{self, Grant};
use super::template::{Filled, REGION, ignores_global_variables, text};
use super::upkeep;
use crate::login;
use crate::world::{WAIT_MAX, any_port, http, program};

pub(crate) const SECRET: &str = "a secret of the deployed system";
/// moto creates a default bus for everybody.
const EVENT_BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/default";
pub(crate) const PAYLOAD_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const KMS_KEY: &str =
    "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// Nothing listens on it.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

pub(crate) struct System {
    pub(crate) account: String,
    pub(crate) spacelift: MockSpacelift,
    pub(crate) cloud: Cloud,
    pub(crate) temporal: String,
    /// The parameters of the main template.
    values: BTreeMap<String, String>,
    _server: Server,
}

/// A program that answers HTTP.
pub(crate) struct Serving {
    pub(crate) url: String,
    _child: Child,
}

impl System {
    pub(crate) async fn start() -> Self {
        let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL")
            .expect("SPILLWAY_TEST_TEMPORAL is not set: run these tests by `cargo xtask test`");
        let temporal = format!("http://{temporal}");
        let account = format!("acme-{}", uuid::Uuid::new_v4());
        let spacelift = MockSpacelift::new(&account);
        let server = spacelift.serve(any_port()).await.unwrap();
        let cloud = Cloud::start().await;
        let mut values: BTreeMap<String, String> = [
            ("TemporalAddress", temporal.as_str()),
            ("TemporalTls", "false"),
            ("TaskQueue", &account),
            ("SpaceliftAccount", &account),
            ("LogLevel", "warn"),
            (
                "WorkerImage",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/spillway-worker:1",
            ),
            ("EventBusArn", EVENT_BUS),
            ("DashboardUrl", "https://spillway.example.com"),
            ("DashboardIssuer", "https://id.example.com"),
            ("DashboardClientId", "spillway"),
            ("DashboardViewers", "staff"),
            ("DashboardOperators", "platform"),
            ("VpcId", "vpc-0a1b2c3d"),
            ("Subnets", "subnet-0a1b2c3d,subnet-4e5f6071"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (parameter, secret) in [
            ("WebhookSecretArn", json!({ "secret": SECRET })),
            (
                "SpaceliftSecretArn",
                json!({"SPACELIFT_BASE_URL": server.url(), "SPACELIFT_KEY_ID": KEY_ID,
                    "SPACELIFT_KEY_SECRET": KEY_SECRET}),
            ),
            (
                "TemporalSecretArn",
                json!({"TEMPORAL_API_KEY": "a key that this server does not ask for"}),
            ),
            (
                "PayloadKeySecretArn",
                json!({ "SPILLWAY_PAYLOAD_KEY": PAYLOAD_KEY }),
            ),
            (
                "DashboardSecretArn",
                json!({"SPILLWAY_DASHBOARD_KEY": login::KEY, "SPILLWAY_DASHBOARD_CLIENT_SECRET": login::CLIENT_SECRET}),
            ),
            ("ManifestKeySecretArn", upkeep::key().into()),
            (
                "SinksSecretArn",
                json!({ "SPILLWAY_SINKS": format!("[bus]\nkind = 'eventbridge'\nbus = '{EVENT_BUS}'") }),
            ),
            (
                "TracesSecretArn",
                json!({ "OTEL_EXPORTER_OTLP_HEADERS": "tenant=acme" }),
            ),
        ] {
            values.insert(parameter.to_owned(), cloud.secret(parameter, &secret).await);
        }
        let mut system = Self {
            account,
            spacelift,
            cloud,
            temporal,
            values,
            _server: server,
        };
        let made = system.cloud.deploy("data", &system.nested("Data")).await;
        for (name, value) in made {
            system.values.insert(format!("Data.Outputs.{name}"), value);
        }
        let bucket = system.locked_bucket().await;
        for (name, value) in [
            ("AuditBucketName", bucket.clone()),
            ("AuditBucketArn", format!("arn:aws:s3:::{bucket}")),
        ] {
            system.values.insert(format!("Data.Outputs.{name}"), value);
        }
        system
    }

    /// A bucket with the lock that data.yaml requires, which moto's CloudFormation lacks.
    async fn locked_bucket(&self) -> String {
        let expected = self.nested("Data").resource("AuditBucket");
        assert_eq!(expected["ObjectLockEnabled"], true);
        let retention = &expected["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
        let retention = DefaultRetention::builder()
            .mode(text(&retention["Mode"]).as_str().into())
            .days(text(&retention["Days"]).parse().unwrap());
        let rule = ObjectLockRule::builder().default_retention(retention.build());
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .rule(rule.build());
        let name = format!("audit-of-{}", self.account);
        self.cloud.create_bucket(&name, true).await;
        let client = self.cloud.s3();
        let put = client.put_object_lock_configuration().bucket(&name);
        put.object_lock_configuration(lock.build()).send().await.unwrap();
        name
    }

    /// What the stack of data.yaml created.
    pub(crate) fn made(&self, output: &str) -> &str {
        &self.values[&format!("Data.Outputs.{output}")]
    }

    fn root(&self, more: &[(&str, &str)]) -> Filled {
        let values = self
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        let more = more.iter().map(|&(name, value)| (name, value.to_owned()));
        Filled::new("template.yaml", values.chain(more))
    }

    /// A nested template, evaluated with the parameters that the main template passes.
    pub(crate) fn nested(&self, stack: &str) -> Filled {
        self.nested_with(stack, &[])
    }

    /// The same with more parameters of the main template.
    pub(crate) fn nested_with(&self, stack: &str, more: &[(&str, &str)]) -> Filled {
        let properties = self.root(more).resource(stack);
        let given = properties["Parameters"].as_object().unwrap().iter();
        let given = given.map(|(name, value)| (name.as_str(), text(value)));
        Filled::new(properties["TemplateURL"].as_str().unwrap(), given)
    }

    /// The rights of a role if the operator's own key encrypts everything.
    pub(crate) fn grants(&self, stack: &str, role: &str) -> Vec<Grant> {
        grants::of_role(&self.nested_with(stack, &[("KmsKeyArn", KMS_KEY)]), role)
    }

    /// The variables of a function.
    pub(crate) fn of_function(&self, name: &str) -> Variables {
        self.of_function_with(name, &[])
    }

    /// The same with more parameters of the whole.
    pub(crate) fn of_function_with(&self, name: &str, more: &[(&str, &str)]) -> Variables {
        let root = self.root(more);
        let mut sets = vec![root.resource(name)["Environment"]["Variables"].take()];
        if !ignores_global_variables(&root.template, name) {
            let global = &root.template["Globals"]["Function"]["Environment"]["Variables"];
            sets.insert(0, root.value(global).unwrap());
        }
        let mut variables = Variables::new();
        for fields in sets {
            for (name, value) in fields.as_object().into_iter().flatten() {
                variables.insert(name.clone(), text(value));
            }
        }
        variables
    }

    /// The variables of the worker's container.
    pub(crate) fn of_worker(&self) -> Variables {
        let task = self.nested("Worker").resource("Task");
        let variables = task["ContainerDefinitions"][0]["Environment"].as_array().unwrap();
        variables
            .iter()
            .map(|variable| (text(&variable["Name"]), text(&variable["Value"])))
            .collect()
    }

    /// AWS for a program with these rights and no others.
    fn aws<'a>(&self, who: &'a str) -> impl Iterator<Item = (&'static str, String)> + use<'a> {
        let variables = self.cloud.moto.variables().into_iter();
        variables.chain([("AWS_ACCESS_KEY_ID", who.to_owned())])
    }

    fn command(&self, name: &str, who: &str, variables: &Variables) -> Command {
        let mut command = Command::new(program(name));
        command.env_clear().envs(self.aws(who)).envs(variables);
        command.stdout(Stdio::null()).kill_on_drop(true);
        command
    }

    /// The webhook as an HTTP server.
    pub(crate) async fn webhook(&self, variables: &Variables) -> Serving {
        let address = free_port().await;
        let mut command = self.command("webhook", "webhook", variables);
        command.args(["--listen", &address]);
        serving(command, address).await
    }

    pub(crate) async fn worker(&self) -> Serving {
        let address = free_port().await;
        let mut variables = self.of_worker();
        // Many run here at once.
        variables.insert("SPILLWAY_HEALTH_ADDRESS".to_owned(), address.clone());
        serving(self.command("spillway-worker", "worker", &variables), address).await
    }

    /// The redelivery function.
    pub(crate) async fn redeliver(&self, variables: &Variables) -> Function {
        self.function(&program("redeliver"), "redeliver", variables.clone())
            .await
    }

    /// A program as Lambda runs it.
    pub(crate) async fn function(&self, program: &Path, who: &str, variables: Variables) -> Function {
        let variables = self.with_aws(who, variables);
        let variables = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        Function::start(program, variables).await
    }

    /// The variables of a program, and those that lead it to moto under a name of its own.
    pub(crate) fn with_aws(&self, who: &str, mut variables: Variables) -> Variables {
        let of_aws = self.aws(who).map(|(name, value)| (name.to_owned(), value));
        variables.extend(of_aws);
        variables
    }

    /// The event in the buffer, as Lambda takes it from the queue and passes it to the function.
    pub(crate) async fn batch(&self) -> Value {
        let buffer = Queue::with(self.made("BufferQueueUrl"), &self.cloud.moto.own_aws());
        let waiting = buffer.receive().await.unwrap();
        assert_eq!(waiting.len(), 1);
        let message = &waiting[0];
        json!({"Records": [{"messageId": message.id, "body": message.text, "receiptHandle": message.receipt,
            "eventSource": "aws:sqs", "attributes": {}, "messageAttributes": {}, "awsRegion": REGION}]})
    }

    /// The calls of one program.
    pub(crate) fn calls(&self, who: &str) -> Vec<Call> {
        let is_its = |call: &Call| {
            let signature = call.headers["authorization"].to_str().unwrap();
            signature.contains(&format!("Credential={who}/"))
        };
        self.cloud.moto.calls().into_iter().filter(is_its).collect()
    }
}

/// A port that is reserved and released before the program starts, since the program needs to know its port.
async fn free_port() -> String {
    let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The program, once its health check succeeds.
async fn serving(mut command: Command, address: String) -> Serving {
    let mut child = command.spawn().unwrap();
    let url = format!("http://{address}");
    let healthy = tokio::time::timeout(WAIT_MAX, async {
        let health = async || http().get(format!("{url}/health")).send().await;
        while !health().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(child.try_wait().unwrap().is_none(), "{command:?} has ended");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    healthy.await.expect("it is well within a minute");
    Serving { url, _child: child }
}

impl Serving {
    /// Posts a body with Spacelift's signature.
    pub(crate) async fn post(&self, body: &str) -> (StatusCode, Value) {
        let secret = WebhookSecret::parse(SECRET).unwrap();
        self.post_signed(body, &signature::sign(body.as_bytes(), &secret))
            .await
    }

    pub(crate) async fn post_signed(&self, body: &str, signature: &str) -> (StatusCode, Value) {
        let request = http()
            .post(format!("{}/webhook", self.url))
            .header("content-type", "application/json")
            .header("x-signature-256", signature);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

/// A signed delivery, as an HTTP API passes it to a function.
pub(crate) fn of_api_gateway(body: &str) -> Value {
    let secret = WebhookSecret::parse(SECRET).unwrap();
    json!({
        "version": "2.0", "routeKey": "ANY /webhook", "rawPath": "/webhook", "rawQueryString": "",
        "headers": {
            "content-type": "application/json", "host": "a1b2c3.execute-api.eu-west-1.amazonaws.com",
            "x-signature-256": signature::sign(body.as_bytes(), &secret),
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2c3", "domainName": "a1b2c3.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3",
            "http": {"method": "POST", "path": "/webhook", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "Spacelift"},
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "ANY /webhook", "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_i64,
        },
        "body": body, "isBase64Encoded": false,
    })
}
