//! What does not come from the identity provider as it should opens no session.

use serde_json::json;

use super::SignIn;
use super::person::{Answer, Person, SESSION, SIGN_IN};

/// The sign-in was refused with these words, and opened no session.
#[track_caller]
fn assert_refused(sign_in: &SignIn, person: &Person, answer: &Answer, says: &str) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains(says), "`{says}`: {}", answer.body);
    assert_eq!(person.cookie(&sign_in.url, SESSION), None);
}

#[tokio::test]
async fn a_sign_in_that_was_not_begun_in_this_browser_is_refused() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    let back = alice.authorize(&sign_in.url, "/", "alice").await;

    // Somebody else's browser: none was begun there, or another one.
    let mut mallory = Person::new();
    let answer = mallory.get(&back).await;
    assert_refused(&sign_in, &mallory, &answer, "was not begun here");
    mallory.authorize(&sign_in.url, "/", "carol").await;
    let answer = mallory.get(&back).await;
    assert_refused(&sign_in, &mallory, &answer, "was begun later in this browser");

    let (before, _) = back.split_once("state=").unwrap();
    for (changed, says) in [
        (
            back.replace("state=", "state=x"),
            "was begun later in this browser",
        ),
        (
            back.replace("state=", "other="),
            "was begun later in this browser",
        ),
        (format!("{before}state="), "was begun later in this browser"),
        (
            back.replace("iss=http", "iss=https"),
            "does not come from the identity provider",
        ),
        (back.replace("code=", "error=access_denied&amp="), "access_denied"),
        (back.replace("code=", "other="), "it sent no code"),
    ] {
        assert_ne!(changed, back);
        let mut person = Person::new();
        person.keep(
            &sign_in.url,
            SIGN_IN,
            alice.cookie(&sign_in.url, SIGN_IN).unwrap(),
        );
        let answer = person.get(&changed).await;
        assert_refused(&sign_in, &person, &answer, says);
        // An answer to another attempt does not end the one that the browser has.
        let is_over = person.cookie(&sign_in.url, SIGN_IN).is_none();
        assert_eq!(is_over, !says.contains("later"), "{changed}");
    }
    // As it was sent, it is good.
    assert_eq!(alice.get(&back).await.status, 303);
}

#[tokio::test]
async fn a_code_is_good_once_for_a_while_and_only_with_its_verifier() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    let back = alice.authorize(&sign_in.url, "/", "alice").await;
    let begun = alice.cookie(&sign_in.url, SIGN_IN).unwrap().clone();
    assert_eq!(alice.get(&back).await.status, 303);

    // Again, with everything that the browser had.
    let mut again = Person::new();
    let answer = again.get(&back).await;
    assert_refused(&sign_in, &again, &answer, "was not begun here");
    again.keep(&sign_in.url, SIGN_IN, &begun);
    let answer = again.get(&back).await;
    assert_refused(&sign_in, &again, &answer, "invalid_grant");

    // A code that was begun with another verifier.
    let mut victim = Person::new();
    let of_victim = victim.authorize(&sign_in.url, "/", "alice").await;
    let mut mallory = Person::new();
    let of_mallory = mallory.authorize(&sign_in.url, "/", "bob").await;
    let code = |url: &str| {
        url.split("code=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned()
    };
    let injected = of_mallory.replace(&code(&of_mallory), &code(&of_victim));
    let answer = mallory.get(&injected).await;
    assert_refused(&sign_in, &mallory, &answer, "invalid_grant");

    // A code that is too old.
    let mut late = Person::new();
    let back = late.authorize(&sign_in.url, "/", "alice").await;
    sign_in.provider.control(json!({"forward_s": 3600})).await;
    let answer = late.get(&back).await;
    assert_refused(&sign_in, &late, &answer, "invalid_grant");
}

#[tokio::test]
async fn an_id_token_for_somebody_else_is_refused() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let an_hour_ago = i64::try_from(crate::world::now_s()).unwrap() - 3600;
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"iss": "https://evil.example"}),
        json!({"aud": "another client"}),
        json!({"aud": ["spillway", "another client"]}),
        json!({"exp": an_hour_ago}),
        json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ] {
        sign_in.provider.control(json!({"claims": claims})).await;
        let mut alice = Person::new();
        let answer = alice.sign_in(&sign_in.url, "alice").await;
        assert_refused(&sign_in, &alice, &answer, "answer is not valid");
    }
    // The same way without a wrong claim is good.
    sign_in
        .provider
        .control(json!({"claims": {"amr": ["pwd"]}}))
        .await;
    assert_eq!(Person::new().sign_in(&sign_in.url, "alice").await.status, 303);
}
