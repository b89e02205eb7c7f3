//! `spillway stack`, `space`, `context` and `blueprint`.

use mock_spacelift::{MockSpacelift, NewStack};
use serde_json::json;

use crate::world::World;

fn three() -> MockSpacelift {
    let account = MockSpacelift::new("acme");
    account.add_stack(
        NewStack::named("vpc")
            .commit("0ee3a3b7")
            .description("Networks")
            .label("env:production"),
    );
    account.add_stack(NewStack::named("db").depends_on("vpc").autodeploy(false));
    account.add_stack(
        NewStack::named("old")
            .repository("others/attic")
            .branch("legacy")
            .disabled(),
    );
    account.lock("db", "alice");
    account
}

#[tokio::test]
async fn stacks_are_a_table() {
    insta::assert_snapshot!(World::of(three()).await.run(&["stack", "list"]).await.ok(), @r"
    ID   SPACE  STATE                  DEPLOYS     CODE                 LABELS
    db   root   NONE, locked by alice  manual      acme/infra@main      dependsOn:vpc
    old  root   NONE, disabled         autodeploy  others/attic@legacy  -
    vpc  root   NONE                   autodeploy  acme/infra@main      env:production
    ");
}

#[tokio::test]
async fn one_stack_is_its_details() {
    let world = World::of(three()).await;
    insta::assert_snapshot!(world.run(&["stack", "show", "vpc"]).await.ok(), @r"
    id               vpc
    name             vpc
    description      Networks
    space            root
    state            NONE
    deploys          autodeploy
    vendor           opentofu
    code             acme/infra@main
    tracked commit   0ee3a3b7
    administrative   no
    labels           env:production
    native upstream  -
    ");
    let stack = world.run(&["stack", "show", "db", "--json"]).await.json();
    assert_eq!(stack["locked_by"], "alice");
    assert_eq!(stack["labels"], json!(["dependsOn:vpc"]));
}

#[tokio::test]
async fn the_caller_chooses_the_fields() {
    let world = World::of(three()).await;
    let fields = ["--fields", "id labels where: branch trackedCommit { hash }"];
    let text = world
        .run(&[&["stack", "list"][..], &fields[..]].concat())
        .await
        .ok();
    insta::assert_snapshot!(text, @r#"
    ID   LABELS          WHERE   TRACKEDCOMMIT
    db   dependsOn:vpc   main    {"hash":"93c8fa7783615b8ef3f0d440927f8a114cf18bcf"}
    old  -               legacy  {"hash":"e18e7ddbb95b765b9364a51d48e97faf13fa1b2f"}
    vpc  env:production  main    {"hash":"0ee3a3b7"}
    "#);
    let stack = world
        .run(&["stack", "show", "vpc", "--fields", "name", "--json"])
        .await
        .json();
    assert_eq!(stack["fields"], json!({"name": "vpc"}));
    let shown = world
        .run(&["stack", "show", "vpc", "--fields", "space name"])
        .await
        .ok();
    assert_eq!(shown, "space  root\nname   vpc\n");
}

#[tokio::test]
async fn nothing_is_no_line_on_stdout() {
    let ran = World::of(MockSpacelift::new("acme"))
        .await
        .run(&["stack", "list"])
        .await;
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "There are no stacks.\n")
    );
}

#[tokio::test]
async fn a_name_cannot_steer_the_terminal() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc").description("\x1b[2Jgone"));
    let text = World::of(account).await.run(&["stack", "show", "vpc"]).await.ok();
    assert!(text.contains("[2Jgone") && !text.contains('\x1b'), "{text}");
}

#[tokio::test]
async fn stacks_of_every_kind_are_made() {
    let world = World::of(MockSpacelift::new("acme")).await;
    for (vendor, needs) in [
        ("opentofu", &["--tool-version", "1.9.0"][..]),
        ("terraform", &["--workspace", "prod"]),
        ("terragrunt", &["--run-all"]),
        ("pulumi", &["--login-url", "s3://state", "--stack-name", "prod"]),
        (
            "cloudformation",
            &[
                "--template",
                "a.yaml",
                "--region",
                "eu-west-1",
                "--stack-name",
                "x",
                "--template-bucket",
                "b",
            ],
        ),
        ("kubernetes", &["--namespace", "shop"]),
        ("ansible", &["--playbook", "site.yml"]),
    ] {
        let create = [
            "stack",
            "create",
            vendor,
            "--vendor",
            vendor,
            "--repository",
            "acme/infra",
            "--json",
        ];
        let stack = world.run(&[&create[..], needs].concat()).await.json();
        assert_eq!((&stack["id"], &stack["vendor"]), (&json!(vendor), &json!(vendor)));
        assert_eq!(stack["repository"], "acme/infra");
    }
    let labelled = [
        "stack",
        "create",
        "App",
        "--repository",
        "acme/infra",
        "--label",
        "dependsOn:pulumi",
    ];
    world
        .run(
            &[
                &labelled[..],
                &["--autodeploy", "--slug", "app-1", "--branch", "trunk"],
            ]
            .concat(),
        )
        .await
        .ok();
    let app = world.account.stack("app-1").unwrap();
    assert_eq!(
        (app.labels.as_slice(), app.autodeploy, app.branch.as_str()),
        (&["dependsOn:pulumi".to_owned()][..], true, "trunk")
    );
}

#[tokio::test]
async fn a_kind_says_what_it_needs() {
    let world = World::of(MockSpacelift::new("acme")).await;
    let said = world
        .run(&[
            "stack",
            "create",
            "x",
            "--vendor",
            "ansible",
            "--repository",
            "a/b",
        ])
        .await
        .failed(2);
    assert!(said.contains("--playbook <FILE>"), "{said}");
}

#[tokio::test]
async fn deleting_needs_a_yes_where_nobody_can_be_asked() {
    let world = World::of(three()).await;
    let said = world.run(&["stack", "delete", "vpc"]).await.failed(2);
    assert!(said.starts_with("warning: db depends on `vpc`\n"), "{said}");
    assert!(
        said.ends_with("error: stdin is not a terminal: pass --yes\n"),
        "{said}"
    );
    assert!(world.account.stack("vpc").is_some());
    let ran = world.run(&["stack", "delete", "vpc", "--yes"]).await;
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "Deleted the stack `vpc`.\n")
    );
    assert!(
        ran.stderr.starts_with("warning: db depends on `vpc`\n"),
        "{}",
        ran.stderr
    );
    assert!(world.account.stack("vpc").is_none());
    // Nothing depends on it.
    world.run(&["stack", "delete", "db", "--yes"]).await.ok();
    let said = world.run(&["stack", "delete", "vpc", "--yes"]).await.failed(4);
    assert!(said.starts_with("error: stack `vpc` not found\n"), "{said}");
}

#[tokio::test]
async fn a_space_comes_and_goes() {
    let world = World::of(MockSpacelift::new("acme")).await;
    let create = [
        "space",
        "create",
        "sandbox",
        "--description",
        "Experiments",
        "--no-inherit",
        "--label",
        "a",
    ];
    let space = world.run(&[&create[..], &["--json"]].concat()).await.json();
    let id = space["id"].as_str().unwrap();
    assert_eq!(
        (&space["parent"], &space["inherit_entities"], &space["labels"]),
        (&json!("root"), &json!(false), &json!(["a"]))
    );
    let list = world.run(&["space", "list"]).await.ok();
    assert!(list.contains(id) && list.contains("Experiments"), "{list}");
    let details = world.run(&["space", "show", id]).await.ok();
    assert!(details.contains("inherits     no\n"), "{details}");
    assert_eq!(
        world
            .run(&["space", "delete", id, "--yes", "--json"])
            .await
            .json(),
        json!({"kind": "deletion", "version": 1, "what": "space", "id": id})
    );
    assert!(world.account.space(id).is_none());
}

#[tokio::test]
async fn a_contexts_secrets_come_from_the_environment_and_are_never_shown() {
    let world = World::of(MockSpacelift::new("acme"))
        .await
        .with("TOKEN", "hunter2");
    world.file("a.json", "{}");
    let create = [
        "context",
        "create",
        "Shared",
        "--variable",
        "REGION=eu=1",
        "--secret",
        "TOKEN",
    ];
    let said = world
        .run(&[&create[..], &["--file", "etc/a.json=a.json"]].concat())
        .await
        .ok();
    insta::assert_snapshot!(said, @r"
    id               shared
    name             Shared
    description      -
    space            root
    labels           -
    variable REGION  eu=1
    variable TOKEN   (write-only)
    file etc/a.json  (contents with -o json, in Base64)
    ");
    let stored = world.account.context("shared").unwrap();
    assert!(
        stored
            .config
            .iter()
            .any(|element| element.id == "TOKEN" && element.value == "hunter2")
    );
    let context = world.run(&["context", "show", "shared", "--json"]).await.json();
    assert!(!context.to_string().contains("hunter2"), "{context}");
    assert_eq!(context["config"].as_array().unwrap().len(), 3);
    world.run(&["context", "delete", "shared", "--yes"]).await.ok();
    assert!(world.account.contexts().is_empty());
}

#[tokio::test]
async fn a_secret_that_is_not_set_makes_no_context() {
    let world = World::of(MockSpacelift::new("acme")).await;
    let said = world
        .run(&["context", "create", "c", "--secret", "ONE", "--secret", "OTHER"])
        .await
        .failed(3);
    assert_eq!(
        said,
        "error: --secret names environment variables that are not set: ONE, OTHER\n"
    );
    assert!(world.account.contexts().is_empty());
}

#[tokio::test]
async fn a_blueprint_says_what_it_asks_for_and_becomes_a_stack() {
    let world = World::acme().await;
    insta::assert_snapshot!(world.run(&["blueprint", "list"]).await.ok(), @r"
    ID       NAME     STATE      SPACE         INPUTS                               DESCRIPTION
    bucket   bucket   DRAFT      platform      bucket_name                          Not ready yet
    service  service  PUBLISHED  applications  service_name, environment, replicas  A service on the platform, run after the platform's API
    ");
    insta::assert_snapshot!(world.run(&["blueprint", "show", "service"]).await.ok(), @r"
    id                  service
    name                service
    description         A service on the platform, run after the platform's API
    state               PUBLISHED
    space               applications
    labels              team:product
    input service_name  Name of the service
    input environment   Environment (one of production, staging; default staging)
    input replicas      Replicas (default 2)
    ");
    let deploy = [
        "blueprint",
        "deploy",
        "service",
        "--input",
        "service_name=checkout",
    ];
    let made = world.run(&[&deploy[..], &["--json"]].concat()).await;
    let made = crate::schemas::check(made, "blueprint_deployment");
    assert_eq!(made["stack"], "checkout");
    let run = world.account.runs_of("checkout").remove(0);
    assert_eq!(made["run"], run.run.as_str());
    let said = world
        .run(&["blueprint", "create-stack", "service"])
        .await
        .failed(4);
    assert!(said.contains("service_name"), "{said}");
}
