//! The Secrets Manager of one test, and how the tests change its secrets.

use aws_sdk_secretsmanager::Client;
use aws_stand_ins::moto::Moto;

pub(crate) async fn create(moto: &Moto, name: &str, value: &str) {
    let create = client(moto).create_secret().name(name).secret_string(value);
    create.send().await.unwrap();
}

/// The current secret becomes the previous one.
pub(crate) async fn rotate(moto: &Moto, name: &str, value: &str) {
    let put = client(moto)
        .put_secret_value()
        .secret_id(name)
        .secret_string(value);
    put.send().await.unwrap();
}

/// How many times the webhook has read the current version.
pub(crate) fn reads(moto: &Moto) -> usize {
    moto.count_where(|call| call.operation == "GetSecretValue" && call.body.contains("AWSCURRENT"))
}

/// The number of calls: reading both versions takes two.
pub(crate) fn calls(moto: &Moto) -> usize {
    moto.count("GetSecretValue")
}

fn client(moto: &Moto) -> Client {
    Client::new(&moto.own_aws())
}
