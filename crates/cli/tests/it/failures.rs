//! Exit codes and errors.

use std::time::Duration;

use mock_spacelift::Fault;

use crate::world::World;

#[tokio::test]
async fn all_missing_settings_are_named_at_once() {
    let world = World::acme()
        .await
        .without("SPACELIFT_BASE_URL")
        .without("SPACELIFT_KEY_SECRET");
    let said = world.run(&["stack", "list"]).await.failed(3);
    assert_eq!(
        said,
        "error: Spacelift is not configured: not set: SPACELIFT_BASE_URL (or SPACELIFT_API_KEY_ENDPOINT), \
         SPACELIFT_KEY_SECRET (or SPACELIFT_API_KEY_SECRET)\n\
         hint: Set the variables to the URL and an API key of your account, or try an account in memory with \
         `spillway mock serve`. `spillway doctor` checks all settings.\n"
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
        said.contains("rejected the API key") && said.contains("spillway doctor"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_reached_has_a_status_of_its_own() {
    let world = World::acme()
        .await
        .with("SPACELIFT_BASE_URL", "http://127.0.0.1:1");
    let said = world.run(&["space", "list"]).await.failed(5);
    assert!(said.contains("Spacelift could not be reached"), "{said}");
}

#[tokio::test]
async fn a_lost_answer_to_a_trigger_says_that_it_may_have_happened() {
    let world = World::acme().await;
    world.account.fault(Fault::reset_after().on("runTrigger"));
    let said = world.run(&["run", "trigger", "vpn"]).await.failed(5);
    assert!(
        said.contains(
            "The change may have been made.\nhint: Check whether it was made before you try again.\n"
        ),
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
    let said = world.run(&["context", "list"]).await.failed(4);
    assert!(said.contains("hint: Try again in 7 s."), "{said}");
}

#[tokio::test]
async fn usage_errors_have_status_2() {
    let world = World::acme().await;
    for arguments in [
        &["plan"][..],
        &["plan", "two words"],
        &["plan", "vpn", "--commit", "main"],
        &["stack", "list", "--fields", "id {"],
        &["run", "trigger", "vpn", "--env", "NOVALUE"],
        &["mock", "serve", "--pace", "soon"],
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
        "stack",
        "space",
        "context",
        "blueprint",
        "run",
        "query",
        "plan",
        "lint",
        "webhook",
        "doctor",
        "chain",
        "mock",
    ] {
        let help = world.run(&[noun, "--help"]).await.ok();
        assert!(
            help.contains("Examples:\n") && help.contains(&format!("  spillway {noun} ")),
            "{noun}: {help}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = world.run(&["completion", shell]).await.ok();
        assert!(
            script.contains("spillway") && script.contains("COMPLETE"),
            "{shell}: {script}"
        );
    }
}

/// A command, the variables with which it runs, and its exit code.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32);

/// The causes that only one command meets. Those that many meet are in `exit_codes.rs`.
#[tokio::test]
async fn causes_of_single_commands_have_their_exit_codes() {
    let nowhere = "127.0.0.1:1";
    let world = World::acme().await.with("TEMPORAL_ADDRESS", nowhere);
    world.file("body.json", "{}");
    let queue = "https://sqs.eu-west-1.amazonaws.com/1/q";
    let table: [Row<'_>; 15] = [
        (
            &[
                "webhook",
                "send",
                "body.json",
                "--url",
                "http://127.0.0.1:1/webhook",
            ],
            &[("WEBHOOK_SECRET", "0123456789abcdef")],
            5,
        ),
        (
            &["webhook", "send", "body.json"],
            &[("WEBHOOK_SECRET", "short")],
            3,
        ),
        (
            &["webhook", "send", "missing.json"],
            &[("WEBHOOK_SECRET", "0123456789abcdef")],
            2,
        ),
        (
            &[
                "webhook",
                "install",
                "--endpoint",
                "https://x.example/webhook",
                "--apply",
            ],
            &[("WEBHOOK_SECRET", "short")],
            3,
        ),
        (
            &["webhook", "install", "--endpoint", "http://x.example/webhook"],
            &[],
            2,
        ),
        (
            &["webhook", "replay", "--queue", queue],
            &[("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_REGION", "eu-west-1")],
            3,
        ),
        (&["webhook", "install", "--endpoint", "https://x.example"], &[], 2),
        (&["dashboard", "--listen", "0.0.0.0:0"], &[], 2),
        (&["webhook", "replay", "--queue", "dead-letters"], &[], 2),
        (&["webhook", "replay", "--queue", queue, "--limit", "0"], &[], 2),
        (&["stack", "depend", "vpn"], &[], 2),
        (
            &["stack", "list"],
            &[("SPACELIFT_BASE_URL", "http://acme.app.spacelift.io")],
            3,
        ),
        (&["audit", "verify"], &[("SPILLWAY_AUDIT", "nowhere")], 3),
        (&["audit", "verify"], &[], 3),
        (&["mock", "push", "acme/nothing"], &[], 4),
    ];
    for (command, variables, exit) in table {
        let mut process = world.command(command);
        process.envs(variables.iter().copied());
        let output = process.output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{command:?}: {said}");
        assert!(said.starts_with("error: "), "{command:?}: {said}");
    }
}

#[tokio::test]
async fn the_old_verb_is_led_to_the_new_one() {
    let said = World::acme()
        .await
        .run(&["run", "core-network", "--wait"])
        .await
        .failed(2);
    assert!(
        said.ends_with("hint: `spillway chain start core-network` triggers a stack and its dependents.\n"),
        "{said}"
    );
}

#[tokio::test]
async fn old_spellings_are_not_suggested() {
    let world = World::acme().await;
    let said = world.run(&["chainss"]).await.failed(2);
    assert!(said.contains("exists: 'chain'\n"), "{said}");
    assert!(
        world
            .run(&["chains", "--help"])
            .await
            .ok()
            .contains("List chains")
    );
}
