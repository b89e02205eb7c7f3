//! Secrets in Secrets Manager: read, cached and rotated, and not read more often than necessary.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use aws_stand_ins::moto::{CallFault, Moto};
use axum::Router;
use futures::future::join_all;
use serde_json::json;
use webhook::SecretSource;

use crate::secrets_manager::{calls, create, reads, rotate};
use crate::{OTHER_SECRET, SECRET, answer, delivery, pass, proposed_run, router_with, status_of_signed};

const NAME: &str = "spillway/webhook";
const THIRD_SECRET: &str = "the third secret of these tests";

fn source(moto: &Moto) -> SecretSource {
    SecretSource::secrets_manager_at(NAME, &moto.aws())
}

#[tokio::test]
async fn a_secret_is_read_once_and_used_for_five_minutes() {
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
    let many = join_all((0..10).map(|_| status_of_signed(&router, SECRET)));
    assert_eq!(many.await, [200; 10]);
    assert_eq!(reads(&moto), 2, "one read");
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
    pass(Duration::from_secs(11)).await;
    assert_eq!(status_of_signed(&router, THIRD_SECRET).await, 200);
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 200);
    assert_eq!(status_of_signed(&router, SECRET).await, 401, "two rotations ago");
}

#[tokio::test]
async fn a_rotation_during_a_read_loses_no_delivery() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    assert_eq!(calls(&moto), 2);
    pass(Duration::from_secs(301)).await;
    moto.fault("GetSecretValue", CallFault::AnswerHeld);
    let reader = tokio::spawn({
        let router = router.clone();
        async move { status_of_signed(&router, SECRET).await }
    });
    while calls(&moto) < 3 {
        tokio::task::yield_now().await;
    }
    rotate(&moto, NAME, OTHER_SECRET).await;
    let mut with_new_secret = pin!(status_of_signed(&router, OTHER_SECRET));
    assert!(
        futures::poll!(&mut with_new_secret).is_pending(),
        "it waits for the read"
    );
    assert_eq!(
        calls(&moto),
        3,
        "the previous version is read after the current one"
    );
    moto.mend();
    assert_eq!(reader.await.unwrap(), 200);
    assert_eq!(with_new_secret.await, 200, "that read began before the rotation");
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
}

#[tokio::test]
async fn a_sender_that_hangs_up_during_a_read_does_not_end_it() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    rotate(&moto, NAME, OTHER_SECRET).await;
    moto.fault("GetSecretValue", CallFault::AnswerHeld);
    {
        let mut forged = pin!(status_of_signed(&router, THIRD_SECRET));
        while calls(&moto) < 3 {
            assert!(futures::poll!(&mut forged).is_pending());
            tokio::task::yield_now().await;
        }
    }
    moto.mend();
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 200, "the new one");
    assert_eq!(status_of_signed(&router, THIRD_SECRET).await, 401);
}

#[tokio::test]
async fn an_unsigned_request_causes_no_read() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    while calls(&moto) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    pass(Duration::from_secs(301)).await;
    for signature in ["sha256=0", "0"] {
        let (status, _) = answer(&router, delivery(&proposed_run(), signature)).await;
        assert_eq!(status, 401);
    }
    assert_eq!(calls(&moto), 2, "those of the start");
}

#[tokio::test]
async fn a_rotation_under_load_refuses_no_delivery() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    for (known, new) in [
        (SECRET, OTHER_SECRET),
        (OTHER_SECRET, THIRD_SECRET),
        (THIRD_SECRET, SECRET),
    ] {
        let load = Load::default();
        let senders = join_all((0..SENDERS).map(|sender| load.send(&router, known, new, sender)));
        let rotation = async {
            load.wait_for(LOAD_BEFORE).await;
            rotate(&moto, NAME, new).await;
            load.is_rotated.store(true, Relaxed);
            load.wait_for(LOAD_BEFORE + LOAD_AFTER).await;
            load.is_over.store(true, Relaxed);
        };
        tokio::join!(senders, rotation);
        assert_eq!(load.refused.load(Relaxed), 0);
        // Signed before Spacelift got the new secret, and delivered late.
        pass(Duration::from_secs(299)).await;
        assert_eq!(status_of_signed(&router, known).await, 200);
    }
}

/// The number of concurrent senders, and of their deliveries before and after the rotation.
const SENDERS: usize = 8;
const LOAD_BEFORE: usize = 200;
const LOAD_AFTER: usize = 1_000;

#[derive(Default)]
struct Load {
    sent: AtomicUsize,
    refused: AtomicUsize,
    is_rotated: AtomicBool,
    is_over: AtomicBool,
}

impl Load {
    /// Signs with the known secret and, as soon as there is a new one, alternates between both.
    async fn send(&self, router: &Router, known: &str, new: &str, sender: usize) {
        for n in sender.. {
            if self.is_over.load(Relaxed) {
                break;
            }
            let is_new = self.is_rotated.load(Relaxed) && n % 2 == 0;
            let secret = if is_new { new } else { known };
            let mut status = status_of_signed(router, secret).await;
            while status == 503 {
                // Secrets Manager did not answer in time. Spacelift comes again too.
                tokio::time::sleep(Duration::from_secs(1)).await;
                status = status_of_signed(router, secret).await;
            }
            if status != 200 {
                self.refused.fetch_add(1, Relaxed);
            }
            self.sent.fetch_add(1, Relaxed);
            tokio::task::yield_now().await;
        }
    }

    async fn wait_for(&self, sent: usize) {
        while self.sent.load(Relaxed) < sent {
            tokio::task::yield_now().await;
        }
    }
}

/// What a sender of a thousand per second sends in two seconds.
const FLOOD: usize = 2_000;

#[tokio::test]
async fn a_flood_of_bad_signatures_makes_one_call_in_ten_seconds_and_hides_no_good_one() {
    let moto = Moto::start().await;
    create(&moto, NAME, SECRET).await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    for _ in 0..3 {
        let (calls_before, began) = (calls(&moto), Instant::now());
        let flood = join_all((0..FLOOD).map(async |n| {
            let is_good = n % 100 == 0;
            let status = status_of_signed(&router, if is_good { SECRET } else { OTHER_SECRET }).await;
            status == if is_good { 200 } else { 401 }
        }));
        assert_eq!(flood.await, [true; FLOOD]);
        // On a busy machine the flood takes longer than ten seconds, and the SDK repeats a call that is slow.
        let most = 2 * (1 + began.elapsed().as_secs() / 10);
        let made = calls(&moto) - calls_before;
        assert!((1..=most).contains(&u64::try_from(made).unwrap()), "{made} calls");
        pass(Duration::from_secs(30)).await;
    }
}

#[tokio::test]
async fn without_secrets_manager_the_known_secrets_are_used() {
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
    assert_eq!(
        status_of_signed(&router, OTHER_SECRET).await,
        503,
        "it may be a new secret: the sender shall come again"
    );
    moto.go_away(false);
    rotate(&moto, NAME, OTHER_SECRET).await;
    pass(Duration::from_secs(11)).await;
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 200);
}

#[tokio::test]
async fn the_first_delivery_reads_a_secret_that_was_missing_at_the_start() {
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
    assert_eq!(status_of_signed(&router, SECRET).await, 503, "not at once");
    pass(Duration::from_secs(1)).await;
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
}

#[tokio::test]
async fn an_invalid_secret_value_replaces_no_valid_one() {
    let moto = Moto::start().await;
    create(&moto, NAME, "short").await;
    let router = router_with(source(&moto));
    assert_eq!(status_of_signed(&router, SECRET).await, 503);
    rotate(&moto, NAME, SECRET).await;
    pass(Duration::from_secs(1)).await;
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
