//! Secrets in Secrets Manager: read, kept, rotated, and read no oftener than they have to be.

use std::time::Duration;

use moto::Moto;
use serde_json::json;
use webhook::SecretSource;

use crate::secrets_manager::{create, reads, rotate};
use crate::{OTHER_SECRET, SECRET, router_with, status_of_signed};

const NAME: &str = "spillway/webhook";
const THIRD_SECRET: &str = "the third secret of these tests";

fn source(moto: &Moto) -> SecretSource {
    SecretSource::secrets_manager_at(NAME, &moto.aws())
}

/// Lets the clock of the webhook go on, and not that of the machine.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_secret_is_read_once_and_believed_for_five_minutes() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    for _ in 0..20 {
        assert_eq!(status_of_signed(&router, SECRET).await, 200);
    }
    assert_eq!(reads(&moto), 1);
    pass(Duration::from_secs(290)).await;
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    assert_eq!(reads(&moto), 1);
    pass(Duration::from_secs(20)).await;
    let many = futures::future::join_all((0..10).map(|_| status_of_signed(&router, SECRET)));
    assert_eq!(many.await, [200; 10]);
    assert_eq!(reads(&moto), 2, "one flight");
}

#[tokio::test]
async fn a_rotation_loses_no_delivery() {
    let moto = Moto::start().await;
    create(&moto, NAME, &json!({ "secret": SECRET }).to_string()).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    rotate(&moto, NAME, &json!({ "secret": OTHER_SECRET }).to_string()).await;
    assert_eq!(
        status_of_signed(&router, OTHER_SECRET).await,
        200,
        "the new one, at once"
    );
    assert_eq!(status_of_signed(&router, SECRET).await, 200, "the old one, still");
    assert_eq!(reads(&moto), 2);

    rotate(&moto, NAME, &json!({ "secret": THIRD_SECRET }).to_string()).await;
    pass(Duration::from_secs(61)).await;
    assert_eq!(status_of_signed(&router, THIRD_SECRET).await, 200);
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 200);
    assert_eq!(status_of_signed(&router, SECRET).await, 401, "two rotations ago");
}

#[tokio::test]
async fn a_flood_of_bad_signatures_reads_once_a_minute() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    for minute in 1..=3 {
        let flood = futures::future::join_all((0..50).map(|_| status_of_signed(&router, OTHER_SECRET)));
        assert_eq!(flood.await, [401; 50]);
        assert_eq!(reads(&moto), 1 + minute);
        assert_eq!(status_of_signed(&router, SECRET).await, 200);
        pass(Duration::from_secs(61)).await;
    }
}

#[tokio::test]
async fn while_secrets_manager_is_away_the_known_secrets_serve() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    moto.go_away(true);
    pass(Duration::from_secs(301)).await;
    for _ in 0..5 {
        assert_eq!(status_of_signed(&router, SECRET).await, 200);
    }
    assert_eq!(reads(&moto), 2, "what failed is not repeated at once");
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    moto.go_away(false);
    rotate(&moto, NAME, OTHER_SECRET).await;
    pass(Duration::from_secs(11)).await;
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 200);
}

#[tokio::test]
async fn a_start_without_secrets_manager_is_made_up_for_by_the_first_delivery() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    moto.go_away(true);
    let router = router_with(source(&moto));
    assert_eq!(
        status_of_signed(&router, SECRET).await,
        503,
        "not 401: the sender shall come again"
    );
    moto.go_away(false);
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
}

#[tokio::test]
async fn a_value_that_is_no_secret_replaces_none() {
    let moto = Moto::start().await;
    create(&moto, NAME, "short").await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 503);
    rotate(&moto, NAME, SECRET).await;
    assert_eq!(
        status_of_signed(&router, SECRET).await,
        200,
        "the unusable previous one is passed over"
    );
    for unusable in ["{}", r#"{"secret":7}"#, "short"] {
        rotate(&moto, NAME, unusable).await;
        pass(Duration::from_secs(301)).await;
        assert_eq!(status_of_signed(&router, SECRET).await, 200, "{unusable}");
    }
}
