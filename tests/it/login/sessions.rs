//! How long a session lasts, and what ends it.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::person::{Person, SESSION, SIGN_IN, token};
use super::{KEY, OTHER_KEY, SignIn, provider, serve};
use crate::world::any_port;

#[tokio::test]
async fn the_cookies_are_for_this_host_alone_and_no_script_reads_them() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    let begun = alice.get(&sign_in.at("/login")).await;
    let ended = alice.sign_in(&sign_in.url, "alice").await;
    let of = |cookies: &[String], name: &str| {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name));
        cookie.unwrap_or_else(|| panic!("{name} in {cookies:?}")).clone()
    };
    for (cookie, age) in [
        (of(&begun.set_cookies, SIGN_IN), "Max-Age=600"),
        (of(&ended.set_cookies, SESSION), "Max-Age=3600"),
        (of(&ended.set_cookies, SIGN_IN), "Max-Age=0"),
    ] {
        let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        for wanted in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", age] {
            assert!(attributes.contains(&wanted), "{wanted}: {cookie}");
        }
        assert!(
            !cookie.contains("Domain") && !cookie.contains("alice"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn who_signs_out_is_out() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    assert_eq!(alice.sign_in(&sign_in.url, "alice").await.status, 303);
    let page = alice.get(&sign_in.url).await;
    let fields = format!("token={}", token(&page.body));
    let refused = alice
        .post_from("https://evil.example", &sign_in.at("/logout"), &fields)
        .await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        alice.post(&sign_in.at("/logout"), "token=guessed").await.status,
        403
    );
    assert_eq!(alice.get(&sign_in.url).await.status, 200);
    let out = alice.post(&sign_in.at("/logout"), &fields).await;
    assert_eq!((out.status, out.location), (303, Some(sign_in.at("/"))));
    assert_eq!(alice.cookie(&sign_in.url, SESSION), None);
    assert_eq!(alice.get(&sign_in.url).await.status, 401);
}

#[tokio::test]
async fn a_session_that_is_over_or_changed_is_none() {
    let Some(sign_in) = SignIn::with(true, Duration::ZERO).await else {
        return;
    };
    let mut alice = Person::new();
    let answer = alice.sign_in(&sign_in.url, "alice").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    // A browser would drop it; what it holds says so too.
    let cookie = answer
        .set_cookies
        .iter()
        .find(|cookie| cookie.starts_with(SESSION));
    let (_, value) = cookie
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .split_once('=')
        .unwrap();
    alice.keep(&sign_in.url, SESSION, value);
    assert_eq!(alice.get(&sign_in.url).await.status, 401);
    let longer = format!("{value}A");
    for forged in ["", "alice", &value[1..], longer.as_str()] {
        alice.keep(&sign_in.url, SESSION, forged);
        assert_eq!(alice.get(&sign_in.url).await.status, 401, "{forged}");
    }
}

/// The sign-in that has begun is no session, although the same key seals both.
#[tokio::test]
async fn one_cookie_is_not_taken_for_the_other() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    alice.authorize(&sign_in.url, "/", "alice").await;
    let begun = alice.cookie(&sign_in.url, SIGN_IN).unwrap().clone();
    alice.keep(&sign_in.url, SESSION, &begun);
    assert_eq!(alice.get(&sign_in.url).await.status, 401);
}

#[tokio::test]
async fn the_provider_may_change_its_key() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    assert_eq!(Person::new().sign_in(&sign_in.url, "alice").await.status, 303);
    sign_in.provider.control(json!({"rotate": true})).await;
    let answer = Person::new().sign_in(&sign_in.url, "alice").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
}

#[tokio::test]
async fn a_session_outlives_the_change_of_the_key_but_not_its_end_or_other_roles() {
    let Some(sign_in) = SignIn::start().await else {
        return;
    };
    let mut alice = Person::new();
    assert_eq!(alice.sign_in(&sign_in.url, "alice").await.status, 303);
    let cookie = alice.cookie(&sign_in.url, SESSION).unwrap().clone();
    for (current, previous, operators, status) in [
        (OTHER_KEY, KEY, "platform", 200),
        (OTHER_KEY, "", "platform", 401),
        (KEY, "", "nobody", 401),
    ] {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let variables = [
            ("SPILLWAY_DASHBOARD_URL", url.as_str()),
            ("SPILLWAY_DASHBOARD_ISSUER", &sign_in.provider.issuer),
            ("SPILLWAY_DASHBOARD_CLIENT_ID", provider::CLIENT_ID),
            ("SPILLWAY_DASHBOARD_VIEWERS", "staff"),
            ("SPILLWAY_DASHBOARD_OPERATORS", operators),
            ("SPILLWAY_DASHBOARD_KEY", current),
            ("SPILLWAY_DASHBOARD_KEY_PREVIOUS", previous),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        serve(
            &sign_in.world,
            listener,
            &variables.into(),
            Duration::from_secs(60),
        );
        let mut there = Person::new();
        there.keep(&url, SESSION, &cookie);
        let answer = there.get(&url).await;
        assert_eq!(
            answer.status, status,
            "{current} after {previous}, for {operators}"
        );
    }
}
