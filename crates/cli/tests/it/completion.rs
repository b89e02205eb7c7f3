//! Completion in shells, with ids of the account.

use std::path::Path;
use std::time::{Duration, Instant};

use mock_spacelift::{MockSpacelift, NewStack, Pace};
use tokio::process::Command;

use crate::world::World;

/// The candidates for the last of some words, each with its help. Nothing may be complained of.
async fn candidates(world: &World, words: &[&str]) -> Vec<String> {
    let arguments = [&["--", "spillway"], words].concat();
    let mut command = world.command(&arguments);
    command.env("_SPILLWAY_COMPLETE", "fish");
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn commands_and_ids_of_stacks_are_completed() {
    let world = World::acme().await;
    let verbs = candidates(&world, &["chain", "re"]).await;
    let verbs: Vec<&str> = verbs
        .iter()
        .map(|verb| verb.split('\t').next().unwrap())
        .collect();
    assert_eq!(verbs, ["retry", "resume"]);
    for words in [
        &["stack", "show", "core-n"][..],
        &["chain", "start", "core-n"],
        &["chain", "retry", "x", "--from", "core-n"],
        &["plan", "core-n"],
        &["stack", "depend", "vpn", "--on", "core-n"],
    ] {
        let stacks = candidates(&world, words).await;
        assert_eq!(stacks.len(), 1, "{words:?}: {stacks:?}");
        assert!(stacks[0].starts_with("core-network"), "{stacks:?}");
    }
}

#[tokio::test]
async fn only_open_runs_of_the_stack_are_completed() {
    let account = MockSpacelift::new("acme");
    account.pace(Pace::Manual);
    for stack in ["vpc", "other"] {
        account.add_stack(NewStack::named(stack).autodeploy(false));
        account.trigger(stack, "alice");
    }
    let queued = account.trigger("vpc", "alice");
    let world = World::of(account).await;
    world.account.settle();
    let run = world.account.runs_of("vpc").remove(0).run;
    let found = candidates(&world, &["run", "confirm", "vpc", ""]).await;
    let open: Vec<&String> = found.iter().filter(|found| found.starts_with("01")).collect();
    assert!(
        open.iter().any(|found| **found == format!("{run}\tUNCONFIRMED")),
        "{found:?}"
    );
    assert!(
        open.iter()
            .all(|found| found.starts_with(run.as_str()) || found.starts_with(queued.as_str()))
    );
    world.run(&["run", "discard", "vpc", run.as_str()]).await.ok();
    let found = candidates(&world, &["run", "confirm", "vpc", ""]).await;
    assert!(
        !found.iter().any(|found| found.starts_with(run.as_str())),
        "{found:?}"
    );
}

#[tokio::test]
async fn where_nothing_answers_there_are_no_ids_and_no_words() {
    // It accepts connections, and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for (name, value) in [
        ("SPACELIFT_BASE_URL", format!("http://{address}")),
        ("SPACELIFT_BASE_URL", "http://127.0.0.1:1".to_owned()),
        ("SPACELIFT_BASE_URL", "nonsense".to_owned()),
        ("SPILLWAY_PROFILE", "nobody".to_owned()),
    ] {
        let world = World::acme()
            .await
            .with(name, &value)
            .with("TEMPORAL_ADDRESS", &address);
        let began = Instant::now();
        let found = candidates(&world, &["stack", "show", "core-n"]).await;
        if name == "SPACELIFT_BASE_URL" {
            assert_eq!(found, Vec::<String>::new(), "{value}");
            assert_eq!(
                candidates(&world, &["chain", "show", "chain:"]).await,
                Vec::<String>::new()
            );
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{value}: {:?}",
            began.elapsed()
        );
    }
}

/// What bash itself completes, for words that it has split at colons.
#[tokio::test]
async fn bash_completes_words_with_colons() {
    let world = World::acme().await;
    let directory = world.path("config/spillway");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("profiles.toml");
    std::fs::write(&file, "[\"acme:prod\"]\n[\"acme:test\"]\n[other]\n").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_spillway")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    for (words, at, expected) in [
        ("spillway --profile oth", 2, "other"),
        ("spillway --profile acme : p", 4, "prod"),
        ("spillway --profile acme :", 3, "prod test"),
        (
            "spillway --profile acme : prod stack show core-n",
            7,
            "core-network",
        ),
        ("spillway stack show core-n", 3, "core-network"),
    ] {
        let script = format!(
            "source <(spillway completion bash); COMP_WORDBREAKS=$' \\t\\n:'; COMP_TYPE=9; \
             COMP_WORDS=({words}); COMP_CWORD={at}; _spillway; echo \"${{COMPREPLY[*]}}\""
        );
        let mut bash = Command::new("bash");
        let settings = world.command(&[]);
        for (name, value) in settings.as_std().get_envs() {
            if let Some(value) = value {
                bash.env(name, value);
            }
        }
        let ran = bash
            .args(["--norc", "-c", &script])
            .env("PATH", &path)
            .env("XDG_CONFIG_HOME", world.path("config"))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        let found = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(found.trim(), expected, "{words}: {said}");
    }
}
