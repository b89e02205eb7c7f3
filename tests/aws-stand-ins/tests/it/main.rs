//! moto as the programs under test use it.

use aws_sdk_s3::primitives::ByteStream;
use aws_stand_ins::moto::{CallFault, Moto};

fn bucket(aws: &aws_config::SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn put(client: &aws_sdk_s3::Client, key: &str) -> bool {
    let put = client.put_object().bucket("a-bucket").key(key);
    put.body(ByteStream::from_static(b"x")).send().await.is_ok()
}

#[tokio::test]
async fn calls_are_counted_by_operation_without_those_of_the_test() {
    let moto = Moto::start().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&moto.aws());
    let create = secrets.create_secret().name("a").secret_string("b");
    create.send().await.unwrap();
    let read = secrets.get_secret_value().secret_id("a").send().await.unwrap();
    assert_eq!(read.secret_string(), Some("b"));
    let own = bucket(&moto.own_aws());
    let region = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint("eu-west-1".into())
        .build();
    let create = own.create_bucket().bucket("a-bucket");
    create.create_bucket_configuration(region).send().await.unwrap();
    let client = bucket(&moto.aws());
    assert!(put(&client, "a/b").await);
    client.list_objects_v2().bucket("a-bucket").send().await.unwrap();
    let object = client
        .get_object()
        .bucket("a-bucket")
        .key("a/b")
        .send()
        .await
        .unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"x");
    let operations: Vec<String> = moto.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(
        operations,
        [
            "CreateSecret",
            "GetSecretValue",
            "PutObject",
            "ListObjectsV2",
            "GetObject"
        ]
    );

    moto.fault("PutObject", CallFault::Refused);
    assert!(!put(&client, "c").await);
    assert!(put(&own, "d").await, "the test's own");
    assert!(
        client
            .get_object()
            .bucket("a-bucket")
            .key("a/b")
            .send()
            .await
            .is_ok()
    );
    moto.fault("PutObject", CallFault::AnswerLost);
    assert!(put(&client, "e").await, "the SDK tries it again");
    assert_eq!(moto.count("PutObject"), 4);
    moto.go_away(true);
    assert!(secrets.get_secret_value().secret_id("a").send().await.is_err());
    moto.mend();
    assert!(secrets.get_secret_value().secret_id("a").send().await.is_ok());
}
