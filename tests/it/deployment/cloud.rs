//! moto with the resources of the templates.
//!
//! moto 5.2.5 has no CloudFormation for `AWS::SecretsManager::Secret`, `AWS::SQS::QueuePolicy`,
//! `AWS::S3::BucketPolicy`, `AWS::SNS::TopicPolicy`, `AWS::SNS::Subscription`, `AWS::CloudWatch::Alarm` and
//! `AWS::Logs::MetricFilter`, which it ignores, and none for SAM. `Fn::GetAtt` of a nested stack's output fails, so
//! each template is its own stack here. It misreads the short form of `Condition`, so it gets the long form of
//! everything. It leaves `null` for `AWS::NoValue` in a list, which AWS removes. It creates only the encryption of a
//! bucket, the task count of a service, the containers of a task, and the incoming rules of a security group.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_stand_ins::moto::Moto;
use serde_json::{Value, json};

use super::template::{Filled, REGION, text};
use crate::world::http;

pub(crate) struct Cloud {
    pub(crate) moto: Moto,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self {
            moto: Moto::start().await,
        }
    }

    /// The outputs of a stack, once it is complete.
    pub(crate) async fn deploy(&self, name: &str, template: &Filled) -> BTreeMap<String, String> {
        let mut fields = vec![
            ("StackName".to_owned(), name.to_owned()),
            ("TemplateBody".to_owned(), template.template.to_string()),
        ];
        for (at, (key, value)) in template.parameters().into_iter().enumerate() {
            let parameter = format!("Parameters.member.{}", at + 1);
            fields.push((format!("{parameter}.ParameterKey"), key));
            fields.push((format!("{parameter}.ParameterValue"), value));
        }
        self.query("cloudformation", "CreateStack", fields).await;
        let named = vec![("StackName".to_owned(), name.to_owned())];
        let described = self.query("cloudformation", "DescribeStacks", named).await;
        let stack = &described["Stacks"][0];
        assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{stack}");
        let outputs = stack["Outputs"].as_array().unwrap().iter();
        outputs
            .map(|output| (text(&output["OutputKey"]), text(&output["OutputValue"])))
            .collect()
    }

    /// The ARN of a secret that is created with a value, a text or an object.
    pub(crate) async fn secret(&self, name: &str, value: &Value) -> String {
        let asked = json!({"Name": name, "SecretString": text(value)});
        let made = self
            .json("secretsmanager", "secretsmanager.CreateSecret", asked)
            .await;
        text(&made["ARN"])
    }

    pub(crate) async fn create_bucket(&self, name: &str, has_lock: bool) {
        self.moto.create_bucket(name, has_lock).await;
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        self.moto.s3()
    }

    /// A call of a service with a JSON protocol.
    pub(crate) async fn json(&self, service: &str, target: &str, body: Value) -> Value {
        let request = self.post(service).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.1");
        said(request.body(body.to_string())).await
    }

    /// A call of a service with a form protocol.
    pub(crate) async fn query(&self, service: &str, action: &str, fields: Vec<(String, String)>) -> Value {
        let mut form = format!("Action={action}&ContentType=JSON");
        for (name, value) in fields {
            write!(form, "&{name}={}", encoded(&value)).unwrap();
        }
        let request = self.post(service);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let mut said = said(request.body(form)).await;
        said[format!("{action}Response")][format!("{action}Result")].take()
    }

    /// moto accepts every signature, and takes the name of the service from it.
    fn post(&self, service: &str) -> reqwest::RequestBuilder {
        let aws = self.moto.own_aws();
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        http()
            .post(aws.endpoint_url().unwrap())
            .header("authorization", signature)
    }
}

async fn said(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        encoded
    })
}
