//! `spillway stack depend`.

use mock_spacelift::{Fault, MockSpacelift, NewStack};
use serde_json::{Value, json};

use crate::world::World;

/// Every setting of a stack that an update could lose.
const SETTINGS: &str = "{ stack(id: \"app\") { name description space repository branch namespace provider projectRoot \
    additionalProjectGlobs gitSparseCheckoutPaths administrative autodeploy autoretry githubActionDeploy \
    localPreviewEnabled protectFromDeletion enableWellKnownSecretMasking enableSensitiveOutputUpload runnerImage \
    afterApply beforeApply afterInit beforeInit afterPlan beforePlan afterPerform beforePerform afterDestroy \
    beforeDestroy afterRun vendorConfig { __typename ... on StackConfigVendorTerragrunt { terraformVersion \
    terragruntVersion useRunAll } } } }";

const CREATE: &str = "mutation { stackCreate(manageState: false, slug: \"app\", input: { name: \"The app\", \
    description: \"d\", space: \"root\", repository: \"infra\", branch: \"trunk\", namespace: \"acme\", \
    provider: GITLAB, projectRoot: \"app\", additionalProjectGlobs: [\"lib/*\"], gitSparseCheckoutPaths: [\"app\"], \
    administrative: true, autodeploy: true, autoretry: true, githubActionDeploy: true, \
    localPreviewEnabled: true, protectFromDeletion: true, enableWellKnownSecretMasking: true, \
    enableSensitiveOutputUpload: true, runnerImage: \"image\", afterApply: [\"1\"], beforeApply: [\"2\"], \
    afterInit: [\"3\"], beforeInit: [\"4\"], afterPlan: [\"5\"], beforePlan: [\"6\"], afterPerform: [\"7\"], \
    beforePerform: [\"8\"], afterDestroy: [\"9\"], beforeDestroy: [\"10\"], afterRun: [\"11\"], \
    labels: [\"env:prod\", \"depends-on:dns,vpc\"], vendorConfig: { terragrunt: { terraformVersion: \"1.5.7\", \
    terragruntVersion: \"0.5\", useRunAll: true, useSmartSanitization: true } } }) { id } }";

async fn world() -> World {
    let account = MockSpacelift::new("acme");
    for name in ["vpc", "dns", "db"] {
        account.add_stack(NewStack::named(name));
    }
    let world = World::of(account).await;
    world.run(&["query", CREATE]).await.ok();
    world
}

async fn settings(world: &World) -> Value {
    world.run(&["query", SETTINGS]).await.json()
}

fn labels(world: &World) -> Vec<String> {
    world.account.stack("app").unwrap().labels
}

fn updates(world: &World) -> usize {
    let requests = world.account.requests();
    requests
        .iter()
        .filter(|request| request.is("stackUpdate"))
        .count()
}

#[tokio::test]
async fn it_shows_first_and_changes_only_labels() {
    let world = world().await;
    let (before, said) = (
        settings(&world).await,
        world
            .run(&["stack", "depend", "app", "--on", "db", "--not-on", "vpc"])
            .await
            .ok(),
    );
    insta::assert_snapshot!(said, @r"
    update the labels of the stack `app`
      - depends-on:dns,vpc
      + depends-on:dns
      + depends-on:db

    Nothing was changed. Run with --apply to make this change.
    ");
    assert_eq!((updates(&world), labels(&world).len()), (0, 2));

    let change = [
        "stack", "depend", "app", "--on", "db", "--not-on", "vpc", "--apply",
    ];
    let said = world.run(&change).await.ok();
    assert!(
        said.ends_with("\nChanged. The next chain uses these labels.\n"),
        "{said}"
    );
    assert_eq!(labels(&world), ["env:prod", "depends-on:dns", "depends-on:db"]);
    assert_eq!(settings(&world).await, before);

    let said = world.run(&change).await.ok();
    assert_eq!(said, "Nothing to change: `app` already has these labels.\n");
    assert_eq!(updates(&world), 1);
}

#[tokio::test]
async fn programs_get_the_same() {
    let world = world().await;
    let change = ["stack", "depend", "app", "--on", "db,dns", "-o", "json"];
    let expected = |applied: bool| {
        json!({
            "kind": "stack_dependency_change", "version": 1, "stack": "app", "applied": applied, "added": ["db"],
            "removed": [], "labels_before": ["env:prod", "depends-on:dns,vpc"],
            "labels_after": ["env:prod", "depends-on:dns,vpc", "depends-on:db"], "problems": [],
        })
    };
    assert_eq!(world.run(&change).await.json(), expected(false));
    let change = [&change[..], &["--apply"]].concat();
    assert_eq!(world.run(&change).await.json(), expected(true));
}

#[tokio::test]
async fn a_cycle_is_refused_and_named() {
    let world = world().await;
    let said = world
        .run(&["stack", "depend", "vpc", "--on", "app", "--apply"])
        .await
        .failed(4);
    insta::assert_snapshot!(said, @r"
    error: this would close a dependency cycle: `vpc` -> `app` -> `vpc`
    No chain that reaches a cycle can run. Nothing was changed.
    hint: If the order is the other way round, remove a dependency of the cycle first: `spillway stack depend app --not-on vpc`
    ");
    assert_eq!(updates(&world), 0);
}

#[tokio::test]
async fn an_unknown_stack_is_refused_and_the_one_that_was_meant_is_named() {
    let world = world().await;
    for (stack, option, other, unknown, meant) in [
        ("apps", "--on", "db", "apps", "app"),
        ("app", "--on", "dbb", "dbb", "db"),
        ("app", "--not-on", "vpcc", "vpcc", "vpc"),
        ("db", "--on", "The_app", "The_app", "app"),
    ] {
        let said = world
            .run(&["stack", "depend", stack, option, other, "--apply"])
            .await
            .failed(4);
        assert_eq!(
            said,
            format!(
                "error: stack `{unknown}` not found\nIt does not exist, or the API key cannot see it.\n\
                 hint: Did you mean `{meant}`?\n"
            )
        );
    }
    let said = world
        .run(&["stack", "depend", "app", "--on", "app"])
        .await
        .failed(2);
    assert!(
        said.starts_with("error: `app` cannot depend on itself\n"),
        "{said}"
    );
    let said = world.run(&["stack", "depend", "app"]).await.failed(2);
    assert!(said.contains("--on <STACK>"), "{said}");
    assert_eq!(updates(&world), 0);
}

#[tokio::test]
async fn what_is_wrong_afterwards_is_told() {
    let world = world().await;
    world.account.add_stack(
        NewStack::named("web")
            .native_dependency("db")
            .label("depends-on:dns|state:FAILED"),
    );
    let ran = world.run(&["stack", "depend", "web", "--on", "db"]).await;
    assert_eq!(ran.status, 0);
    for part in [
        "it runs twice",
        "never because of `|state:FAILED`: write `depends-on:dns`",
    ] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_key_without_the_right_changes_nothing() {
    let world = world().await;
    world
        .account
        .fault(Fault::expired_tokens().on("stackUpdate").always());
    let said = world
        .run(&["stack", "depend", "app", "--on", "db", "--apply"])
        .await
        .failed(4);
    assert!(said.contains("not allowed"), "{said}");
    assert_eq!(labels(&world), ["env:prod", "depends-on:dns,vpc"]);
}
