//! What needs no browser: other pages cannot act, and an action without an answer is recorded.

use std::time::Duration;

use chain::RunState;
use mock_spacelift::{Fault, Pace};

use super::{serve, shop};
use crate::login::person::token;
use crate::world::{World, http};

/// The token in the form of a page.
async fn token_of(page: &str) -> String {
    let page = http().get(page).send().await.unwrap().text().await.unwrap();
    token(&page).to_owned()
}

/// Confirms a run with a fault of Spacelift. The text of the answer.
async fn confirm_without_an_answer(fault: Fault) -> String {
    let world = World::start().await;
    shop(&world);
    let url = serve(&world).await;
    world.spacelift.push("network");
    let run = world.wait_for_run("shop", &RunState::Unconfirmed).await.run;
    let page = format!("{url}/stacks/{}/shop/runs/{run}/confirm", world.account);
    let token = token_of(&page).await;
    world.spacelift.fault(fault.on("runConfirm"));
    let answer = post(&url, &page, &token).await;
    assert_eq!(answer.status(), 502);
    let mut recorded = Vec::new();
    for delivery in world.audit.deliveries().await.unwrap() {
        let record = world.audit.read(&delivery.key).await.unwrap();
        recorded.push(String::from_utf8(record).unwrap());
    }
    let words = ["run_confirmed", run.as_str(), r#""outcome":"unanswered""#];
    let is_recorded = |record: &String| words.iter().all(|words| record.contains(words));
    assert!(recorded.iter().any(is_recorded), "{recorded:#?}");
    answer.text().await.unwrap()
}

async fn post(origin: &str, page: &str, token: &str) -> reqwest::Response {
    let request = http()
        .post(page)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", origin)
        .body(format!("token={token}"));
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_confirmation_that_spacelift_does_not_answer_is_recorded() {
    let text = confirm_without_an_answer(Fault::reset_after()).await;
    assert!(text.contains("It may have been done"), "{text}");
}

#[tokio::test]
async fn a_confirmation_that_spacelift_answers_late_is_recorded() {
    // Longer than Lambda gives the request.
    let text = confirm_without_an_answer(Fault::slow_after(Duration::from_secs(29))).await;
    assert!(text.contains("An action may have been done"), "{text}");
}

#[tokio::test]
async fn the_page_says_that_the_account_is_halted_and_that_the_halt_is_lifted() {
    let world = World::start().await;
    shop(&world);
    let url = serve(&world).await;
    let token = token_of(&format!("{url}/halt")).await;
    let (halt, go) = (format!("{url}/halt"), format!("{url}/go"));
    let refused = post(&url, &go, &token).await;
    assert_eq!(refused.status(), 409);
    let text = refused.text().await.unwrap();
    assert!(text.contains("is not halted"), "{text}");
    for (page, words) in [
        (halt, "Halted. Nothing is triggered"),
        (go, "The halt is lifted."),
    ] {
        let text = post(&url, &page, &token).await.text().await.unwrap();
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn requests_of_other_pages_are_refused() {
    let world = World::start().await;
    shop(&world);
    world.spacelift.pace(Pace::Every(Duration::from_millis(20)));
    let url = serve(&world).await;
    let token = token_of(&format!("{url}/halt")).await;
    let halt = async |host: Option<&str>, origin: Option<&str>, token: &str| {
        let mut request = http()
            .post(format!("{url}/halt"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={token}"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(halt(None, None, &token).await, 403, "no origin");
    assert_eq!(
        halt(None, Some("http://evil.example"), &token).await,
        403,
        "another origin"
    );
    assert_eq!(halt(None, Some("null"), &token).await, 403, "a hidden origin");
    assert_eq!(
        halt(Some("evil.example"), Some("http://evil.example"), &token).await,
        403,
        "a name that somebody points here"
    );
    assert_eq!(halt(None, Some(&url), "guessed").await, 409, "another token");
    assert!(!world.workflows.is_halted(&world.account).await.unwrap());
    let answer = http()
        .get(&url)
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403, "reading under another name");
    // With all three parts it is done, so each refusal was for its own reason.
    let done = halt(None, Some(&url), &token).await;
    assert!([200, 303].contains(&done), "{done}");
    assert!(world.workflows.is_halted(&world.account).await.unwrap());
}
