//! `spillway lint`.

use mock_spacelift::{MockSpacelift, NewStack};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn warnings_alone_are_no_failure() {
    insta::assert_snapshot!(World::acme().await.run(&["lint"]).await.ok(), @r"
    1 warning
      disabled  `legacy-shop` is disabled, and left out of every chain

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
      duplicate_edge  `d` says more than once that it depends on `a`

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
            "severity": "error", "code": "cycle", "stacks": ["a", "b"],
            "message": "dependency cycle: `a` -> `b` -> `a`"
        })
    );
}

#[tokio::test]
async fn an_account_without_problems_says_so() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc"));
    account.add_stack(NewStack::named("db").depends_on("vpc"));
    let said = World::of(account).await.run(&["lint"]).await.ok();
    assert_eq!(said, "2 stacks, 1 dependency, nothing wrong\n");
}
