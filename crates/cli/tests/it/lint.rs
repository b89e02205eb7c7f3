//! `spillway lint`.

use mock_spacelift::{MockSpacelift, NewStack};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn warnings_alone_are_no_failure() {
    insta::assert_snapshot!(World::acme().await.run(&["lint"]).await.ok(), @r"
    1 warning
      disabled  `legacy-shop` is disabled and left out of every chain

    19 stacks, 21 dependencies
    ");
}

fn wrong() -> MockSpacelift {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("a").depends_on("b"));
    account.add_stack(NewStack::named("b").depends_on("a"));
    account.add_stack(NewStack::named("c").depends_on("gone").depends_on("c"));
    account.add_stack(
        NewStack::named("d")
            .label("DependsOn a")
            .depends_on("a")
            .depends_on("a,b"),
    );
    account.add_stack(NewStack::named("e").depends_on("d").native_dependency("d"));
    account
}

#[tokio::test]
async fn errors_come_first_and_are_a_failure() {
    let ran = World::of(wrong()).await.run(&["lint"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout, @r"
    4 errors
      cycle             dependency cycle: `a` -> `b` -> `a`
      self_dependency   `c` depends on itself (label `dependsOn:c`)
      unreadable_label  `d`: label `DependsOn a`: it looks like a dependency, which is written `dependsOn:<stack id>`
      dangling          `c` depends on `gone`, which does not exist or is not visible (label `dependsOn:gone`)

    2 warnings
      also_native     `e` depends on `d` by label and also by Spacelift's own dependency: it runs twice
      duplicate_edge  `d` declares more than once that it depends on `a`

    5 stacks, 5 dependencies
    ");
}

#[tokio::test]
async fn programs_get_the_same() {
    let ran = World::of(wrong()).await.run(&["lint", "--json"]).await;
    assert_eq!(ran.status, 1);
    let report = ran.json();
    assert_eq!(
        (&report["stacks"], &report["errors"], &report["warnings"]),
        (&json!(5), &json!(4), &json!(2))
    );
    assert_eq!(
        report["problems"][0],
        json!({
            "severity": "error", "code": "cycle", "stacks": ["a", "b"], "meant": null,
            "message": "dependency cycle: `a` -> `b` -> `a`"
        })
    );
}

#[tokio::test]
async fn a_label_with_a_name_or_a_typing_mistake_names_the_id_that_was_meant() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("Core Network"));
    account.add_stack(NewStack::named("Data base").slug("rds-01"));
    account.add_stack(NewStack::named("web").label("depends-on:Core Network"));
    account.add_stack(
        NewStack::named("api")
            .depends_on("core_network")
            .depends_on("Data_Base"),
    );
    account.add_stack(
        NewStack::named("app")
            .depends_on("core-netwrok")
            .depends_on("elsewhere"),
    );
    account.add_stack(NewStack::named("old").label("depends-on:web|state:FAILED"));
    let ran = World::of(account).await.run(&["lint"]).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout, @r#"
    6 errors
      unreadable_label  `web`: label `depends-on:Core Network`: stack id "Core Network" has the character ' '; did you mean `core-network`?
      other_state       `old`: label `depends-on:web|state:FAILED`: Spillway runs a stack only after a run that finished, never because of `|state:FAILED`: write `depends-on:web`, or keep the trigger policy for this label and give it another word before the colon
      dangling          `api` depends on `Data_Base`, which does not exist or is not visible (label `dependsOn:Data_Base`); did you mean `rds-01`?
      dangling          `api` depends on `core_network`, which does not exist or is not visible (label `dependsOn:core_network`); did you mean `core-network`?
      dangling          `app` depends on `core-netwrok`, which does not exist or is not visible (label `dependsOn:core-netwrok`); did you mean `core-network`?
      dangling          `app` depends on `elsewhere`, which does not exist or is not visible (label `dependsOn:elsewhere`)

    6 stacks, 0 dependencies
    "#);
}

/// As Masterpoint's module labels an account.
#[tokio::test]
async fn an_administrative_stack_that_would_run_the_whole_account_is_a_warning() {
    let account = MockSpacelift::new("acme");
    for name in ["a", "b", "c"] {
        account.add_stack(NewStack::named(name).label("depends-on:spacelift-automation-default"));
    }
    account.add_stack(NewStack::named("d"));
    let world = World::of(account).await;
    let create = |labels: &str| {
        format!(
            "mutation {{ stackCreate(manageState: true, input: {{ name: \"spacelift-automation-default\", repository: \
             \"infra\", branch: \"main\", administrative: true, labels: [{labels}] }}) {{ id }} }}"
        )
    };
    world.run(&["query", &create("")]).await.ok();
    insta::assert_snapshot!(world.run(&["lint"]).await.ok(), @r"
    1 warning
      administrative_upstream  `spacelift-automation-default` is administrative, and 3 of 4 stacks depend on it: each run of it runs them all. If it only makes the stacks, give it the label `spillway:ignore=true`; `spillway:downstream=changed` runs only the stacks that a run of it changed

    5 stacks, 3 dependencies
    ");
    world
        .account
        .delete_stack("spacelift-automation-default")
        .unwrap();
    let ignored = create("\"spillway:ignore=true\"");
    world.run(&["query", &ignored]).await.ok();
    assert_eq!(
        world.run(&["lint"]).await.ok(),
        "5 stacks, 3 dependencies: no problems\n"
    );
}

#[tokio::test]
async fn an_account_without_problems_says_so() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc"));
    account.add_stack(NewStack::named("db").depends_on("vpc"));
    let said = World::of(account).await.run(&["lint"]).await.ok();
    assert_eq!(said, "2 stacks, 1 dependency: no problems\n");
}

#[tokio::test]
async fn a_misspelt_prefix_is_a_warning() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc"));
    account.add_stack(
        NewStack::named("db")
            .label("dependOn:vpc")
            .label("dependency:vpc")
            .label("dependabot:on"),
    );
    let report = World::of(account).await.run(&["lint", "-o", "json"]).await.json();
    let found: Vec<_> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["message"])
        .collect();
    assert_eq!(
        found,
        [
            "`db`: the label `dependOn:vpc` is not a dependency; did you mean `dependsOn:<stack id>`?",
            "`db`: the label `dependency:vpc` is not a dependency; did you mean `dependsOn:<stack id>`?",
        ]
    );
    assert_eq!(report["warnings"], 2);
}

#[tokio::test]
async fn labels_that_send_messages_are_checked_against_the_sinks() {
    let account = MockSpacelift::new("acme");
    account.add_stack(
        NewStack::named("app")
            .label("spillway:on-completed=smoke-test")
            .label("spillway:on-failed=pagr")
            .label("slack:#infra:planning,failed"),
    );
    let world = World::of(account).await;
    insta::assert_snapshot!(world.run(&["lint"]).await.ok(), @r"
    1 warning
      sinks_not_set  labels of 1 stack name sinks, and no sinks are set here; set SPILLWAY_SINKS_FILE as for the worker to check them

    1 stack, 0 dependencies
    ");
    let world = world.with(
        "SPILLWAY_SINKS",
        "[pager]\nkind = 'webhook'\nurl = '$NOT_HERE'\n[smoke-test]\nkind = 'webhook'\nurl = '$NOT_HERE'",
    );
    let ran = world.run(&["lint"]).await;
    assert_eq!(ran.status, 1);
    insta::assert_snapshot!(ran.stdout, @r"
    1 error
      unknown_sink  `app`: a label names the sink `pagr`, which does not exist; did you mean `pager`?

    1 warning
      no_slack_sink  `app`: the label `slack:#infra:planning,failed` sends nothing: there is no sink of the kind `slack`

    1 stack, 0 dependencies
    ");
    let world = world.with(
        "SPILLWAY_SINKS",
        "[pager]\nkind = 'slack'\ntoken = '$NOT_HERE'\nchannel = '#x'",
    );
    insta::assert_snapshot!(world.run(&["lint"]).await.stdout, @r"
    2 errors
      unknown_sink  `app`: a label names the sink `pagr`, which does not exist; did you mean `pager`?
      unknown_sink  `app`: a label names the sink `smoke-test`, which does not exist

    1 warning
      silent_state  `app`: the label `slack:#infra:planning,failed` names PLANNING: messages are sent when a run ends or waits for a person

    1 stack, 0 dependencies
    ");
}
