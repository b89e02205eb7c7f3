//! How commands end that cannot do what they were asked for.

use std::time::Duration;

use mock_spacelift::Fault;

use crate::world::World;

#[tokio::test]
async fn all_missing_settings_are_named_at_once() {
    let world = World::acme()
        .await
        .without("SPACELIFT_BASE_URL")
        .without("SPACELIFT_KEY_SECRET");
    let said = world.run(&["stacks", "list"]).await.failed(3);
    assert_eq!(
        said,
        "error: Spacelift's settings: not set: SPACELIFT_BASE_URL (or SPACELIFT_API_KEY_ENDPOINT), \
         SPACELIFT_KEY_SECRET (or SPACELIFT_API_KEY_SECRET)\n\
         hint: `spillway mock-spacelift` serves an account to try things with; `spillway doctor` checks the settings\n"
    );
}

#[tokio::test]
async fn wrong_parameters_stop_a_plan_and_a_lint() {
    let world = World::acme().await.with("SPILLWAY_PARALLEL_RUNS", "many");
    for command in [&["plan", "vpn"][..], &["lint"]] {
        let said = world.run(command).await.failed(3);
        assert!(said.contains("`SPILLWAY_PARALLEL_RUNS` is `many`"), "{said}");
    }
    assert!(
        world.account.requests().is_empty(),
        "it asked Spacelift all the same"
    );
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_its_secret_not_repeated() {
    let said = World::acme()
        .await
        .with("SPACELIFT_KEY_SECRET", "hunter2")
        .run(&["lint"])
        .await
        .failed(4);
    assert!(
        said.contains("not authorised") && said.contains("spillway doctor"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_reached_has_a_status_of_its_own() {
    let world = World::acme()
        .await
        .with("SPACELIFT_BASE_URL", "http://127.0.0.1:1");
    let said = world.run(&["spaces", "list"]).await.failed(5);
    assert!(said.contains("Spacelift cannot be reached"), "{said}");
}

#[tokio::test]
async fn a_lost_answer_to_a_trigger_says_that_it_may_have_happened() {
    let world = World::acme().await;
    world.account.fault(Fault::reset_after().on("runTrigger"));
    let said = world.run(&["runs", "trigger", "vpn"]).await.failed(5);
    assert!(said.contains("it may have happened"), "{said}");
    assert!(
        said.contains("hint: look whether it happened before you try it again"),
        "{said}"
    );
    assert_eq!(world.account.runs_of("vpn").len(), 1);
}

#[tokio::test]
async fn too_many_requests_say_how_long_to_wait() {
    let world = World::acme().await;
    world
        .account
        .fault(Fault::too_many_requests(Duration::from_secs(7)).on("contexts"));
    let said = world.run(&["contexts", "list"]).await.failed(4);
    assert!(said.contains("try again after 7 s"), "{said}");
}

#[tokio::test]
async fn usage_errors_have_status_2() {
    let world = World::acme().await;
    for arguments in [
        &["plan"][..],
        &["plan", "two words"],
        &["plan", "vpn", "--commit", "main"],
        &["stacks", "list", "--fields", "id {"],
        &["runs", "trigger", "vpn", "--env", "NOVALUE"],
        &["mock-spacelift", "--pace", "soon"],
    ] {
        let said = world.run(arguments).await.failed(2);
        assert!(said.starts_with("error: "), "{arguments:?}: {said}");
    }
    assert!(world.account.requests().is_empty());
}

#[tokio::test]
async fn help_has_examples_and_completions_are_of_this_command() {
    let world = World::acme().await;
    for noun in [
        "stacks",
        "spaces",
        "contexts",
        "blueprints",
        "runs",
        "query",
        "plan",
        "lint",
        "webhook",
        "doctor",
    ] {
        let help = world.run(&[noun, "--help"]).await.ok();
        assert!(
            help.contains("Examples:\n") && help.contains(&format!("  spillway {noun} ")),
            "{noun}: {help}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completions", shell]).await.ok();
        assert!(
            script.contains("spillway") && script.contains("mock-spacelift"),
            "{shell}"
        );
    }
}
