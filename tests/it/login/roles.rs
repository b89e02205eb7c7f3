//! Who may see, who may act, and under which name.

use std::time::Duration;

use chain::ChainResult;

use super::person::{Person, SESSION, token};
use super::{SignIn, lock_database};

#[tokio::test]
async fn an_operator_acts_under_their_own_name() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    lock_database(&sign_in.world.spacelift);
    let (_, chain) = sign_in.world.begin_chain("network").await;
    let mut alice = Person::new();
    let page = sign_in.at(&format!("/chains/{chain}"));

    // Nobody sees anything without a session, and is sent to the page that they wanted to see.
    let refused = alice.get(&page).await;
    assert_eq!(refused.status, 401);
    assert!(!refused.body.contains("network"), "{}", refused.body);
    assert!(
        refused.body.contains(&format!("/login?back=%2Fchains%2F{chain}")),
        "{}",
        refused.body
    );
    let back = alice
        .authorize(&sign_in.url, &format!("/chains/{chain}?stack=database"), "alice")
        .await;
    let signed_in = alice.get(&back).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.body);
    assert_eq!(signed_in.location, Some(format!("{page}?stack=database")));

    let shown = alice.get(&page).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("alice@acme.example") && shown.body.contains("Cancel…"));
    let asked = alice.get(&format!("{page}/cancel")).await;
    let fields = format!("token={}", token(&asked.body));
    let elsewhere = alice
        .post_from("https://evil.example", &format!("{page}/cancel"), &fields)
        .await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.body);
    assert_eq!(
        alice
            .post(&format!("{page}/cancel"), "token=guessed")
            .await
            .status,
        409
    );
    let done = alice
        .post(
            &format!("{page}/cancel"),
            &format!("{fields}&reason=a+fire+drill"),
        )
        .await;
    assert_eq!(done.status, 303, "{}", done.body);
    let report = sign_in.world.end_of(&chain).await;
    assert_eq!(report.result, ChainResult::Cancelled);
    let record = report.record.unwrap();
    let reason = record.cancelled().unwrap().to_string();
    assert!(
        reason.contains("cancelled by alice@acme.example: a fire drill"),
        "{reason}"
    );
}

#[tokio::test]
async fn who_has_no_role_gets_no_session() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    for (login, name) in [("carol", "carol@acme.example"), ("dave", "dave@acme.example")] {
        let mut person = Person::new();
        let answer = person.sign_in(&sign_in.url, login).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(
            answer.body.contains(&format!("{name} may not open")),
            "{}",
            answer.body
        );
        assert_eq!(person.cookie(&sign_in.url, SESSION), None, "{login}");
        assert_eq!(person.get(&sign_in.url).await.status, 401, "{login}");
    }
}

/// The claims and the address come from the userinfo endpoint where the ID token has none.
#[tokio::test]
async fn the_name_is_a_verified_address_or_the_subject() {
    for claims_in_id_token in [true, false] {
        let hour = Duration::from_secs(3600);
        let Some(sign_in) = SignIn::with(claims_in_id_token, hour).await else {
            return;
        };
        for (login, name) in [("alice", "alice@acme.example"), ("erin", "erin")] {
            let mut person = Person::new();
            let answer = person.sign_in(&sign_in.url, login).await;
            assert_eq!(answer.status, 303, "{login}: {}", answer.body);
            let page = person.get(&sign_in.url).await.body;
            assert!(page.contains(&format!("as <bdi>{name}</bdi>")), "{page}");
        }
    }
}
