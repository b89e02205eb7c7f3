//! `spillway migrate native`.

use mock_spacelift::{Fault, MockSpacelift, NewStack};
use serde_json::{Value, json};

use crate::world::World;

/// `db` and `dns` natively depend on `vpc`, `app` on `db` with an output and on `dns`, and `web` on `db`, always.
pub(crate) async fn world() -> World {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("vpc"));
    account.add_stack(
        NewStack::named("db")
            .native_dependency("vpc")
            .label("depends-on:vpc"),
    );
    account.add_stack(NewStack::named("dns").native_dependency("vpc"));
    account.add_stack(NewStack::named("app").native_dependency("dns"));
    account.refer_to_output("app", "db", false);
    account.add_stack(NewStack::named("web").native_dependency("db"));
    let world = World::of(account).await;
    let [id] = &native(&world, "web").await[..] else {
        panic!("web has one dependency")
    };
    let always =
        "mutation ($id: ID!) { stackDependencyUpdate(input: {id: $id, triggerAlways: true}) { id } }";
    world
        .run(&["query", always, "--variable", &format!("id={}", id.1)])
        .await
        .ok();
    world
}

/// The stacks that a stack natively depends on, with the ids of the dependencies.
async fn native(world: &World, stack: &str) -> Vec<(String, String)> {
    let document = "query ($id: ID!) { stack(id: $id) { dependsOn { id dependsOnStackId } } }";
    let data = world
        .run(&["query", document, "--variable", &format!("id={stack}")])
        .await
        .json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    data["stack"]["dependsOn"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| (text(&edge["dependsOnStackId"]), text(&edge["id"])))
        .collect()
}

/// What each stack depends on, natively and by labels.
async fn dependencies(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for stack in world.account.stacks() {
        let mut upstream: Vec<String> = native(world, stack.id.as_str())
            .await
            .into_iter()
            .map(|(upstream, _)| upstream)
            .collect();
        upstream.sort();
        all.push(format!(
            "{}: {} | {}",
            stack.id,
            upstream.join(" "),
            stack.labels.join(" ")
        ));
    }
    all
}

const BEFORE: [&str; 5] = [
    "app: db dns | ",
    "db: vpc | depends-on:vpc",
    "dns: vpc | ",
    "vpc:  | ",
    "web: db | ",
];

#[tokio::test]
async fn it_shows_what_would_happen_to_each_dependency() {
    let world = world().await;
    let said = world.run(&["migrate", "native", "--remove-native"]).await.ok();
    insta::assert_snapshot!(said, @r"
    `app` depends on `db`
      stays as it is
      note: it passes 1 output, and labels cannot. Spillway waits for this dependency
    `app` depends on `dns`
      stays as it is
      note: it stays because the one on `db` stays: Spacelift starts this stack, and must know all its dependencies
    `db` depends on `vpc`
      remove Spacelift's own dependency
    `dns` depends on `vpc`
      write the label `dependsOn:vpc`
      remove Spacelift's own dependency
    `web` depends on `db`
      write the label `dependsOn:db`
      remove Spacelift's own dependency
      note: it always triggers, as Spillway does

    Nothing was changed. Run with --apply to make these changes: labels written: 2, dependencies of Spacelift removed: 3.
    ");
    assert_eq!(dependencies(&world).await, BEFORE);
}

#[tokio::test]
async fn labels_are_written_and_native_dependencies_stay_until_they_are_removed_stack_by_stack() {
    let world = world().await;
    let said = world.run(&["migrate", "native", "--apply"]).await.ok();
    insta::assert_snapshot!(said, @r"
    `app` depends on `db`
      stays as it is
      note: it passes 1 output, and labels cannot. Spillway waits for this dependency
    `app` depends on `dns`
      stays as it is
      note: it stays because the one on `db` stays: Spacelift starts this stack, and must know all its dependencies
    `db` depends on `vpc`
      stays as it is
      note: while both exist, the stack runs twice
    `dns` depends on `vpc`
      wrote the label `dependsOn:vpc`
      note: while both exist, the stack runs twice
    `web` depends on `db`
      wrote the label `dependsOn:db`
      note: it always triggers, as Spillway does
      note: while both exist, the stack runs twice

    Done: labels written: 2, dependencies of Spacelift removed: 0.
    ");
    let written = [
        "app: db dns | ",
        "db: vpc | depends-on:vpc",
        "dns: vpc | dependsOn:vpc",
        "vpc:  | ",
        "web: db | dependsOn:db",
    ];
    assert_eq!(dependencies(&world).await, written);
    let remove = [
        "migrate",
        "native",
        "--remove-native",
        "--apply",
        "--stack",
        "app",
        "--stack",
        "db",
    ];
    world.run(&remove).await.ok();
    let mut removed = written.map(str::to_owned);
    removed[1] = "db:  | depends-on:vpc".to_owned();
    assert_eq!(dependencies(&world).await, removed);
    // A second time there is nothing left to do.
    let said = world.run(&remove).await.ok();
    assert!(said.ends_with("\nNothing to change.\n"), "{said}");
    assert_eq!(dependencies(&world).await, removed);
}

#[tokio::test]
async fn everything_goes_there_and_back() {
    let world = world().await;
    world
        .run(&["migrate", "native", "--remove-native", "--apply"])
        .await
        .ok();
    assert_eq!(
        dependencies(&world).await,
        [
            "app: db dns | ",
            "db:  | depends-on:vpc",
            "dns:  | dependsOn:vpc",
            "vpc:  | ",
            "web:  | dependsOn:db",
        ]
    );
    let undo = ["migrate", "native", "--undo"];
    let said = world.run(&undo).await.ok();
    assert!(
        said.ends_with("dependencies of Spacelift created: 3, labels removed: 3.\n"),
        "{said}"
    );
    let said = world.run(&[&undo[..], &["--apply"]].concat()).await.ok();
    insta::assert_snapshot!(said, @r"
    `db` depends on `vpc`
      created Spacelift's own dependency
      removed `vpc` from the labels
    `dns` depends on `vpc`
      created Spacelift's own dependency
      removed `vpc` from the labels
    `web` depends on `db`
      created Spacelift's own dependency
      removed `db` from the labels

    Done: dependencies of Spacelift created: 3, labels removed: 3.
    ");
    let mut back = BEFORE.map(str::to_owned);
    // Nobody remembers which labels were there before.
    back[1] = "db: vpc | ".to_owned();
    assert_eq!(dependencies(&world).await, back);
    assert_eq!(world.run(&undo).await.ok(), "There are no dependency labels.\n");
}

#[tokio::test]
async fn what_is_no_dependency_stays_a_label() {
    let account = MockSpacelift::new("acme");
    account.add_stack(NewStack::named("a").depends_on("b"));
    account.add_stack(NewStack::named("b").depends_on("a"));
    account.add_stack(
        NewStack::named("c")
            .depends_on("gone")
            .label("spillway:optional=a"),
    );
    let world = World::of(account).await;
    let said = world.run(&["migrate", "native", "--undo", "--apply"]).await.ok();
    insta::assert_snapshot!(said, @r"
    `a` depends on `b`
      stays as it is
      note: it is part of a dependency cycle: `a` -> `b` -> `a`
    `b` depends on `a`
      stays as it is
      note: it is part of a dependency cycle: `b` -> `a` -> `b`
    `c` depends on `a`
      stays as it is
      note: `spillway:optional` allows the stack to be missing, and Spacelift does not
    left as it is: `c` depends on `gone`, which does not exist or is not visible (label `dependsOn:gone`)

    Nothing to change.
    ");
    assert_eq!(
        dependencies(&world).await,
        [
            "a:  | dependsOn:b",
            "b:  | dependsOn:a",
            "c:  | dependsOn:gone spillway:optional=a"
        ]
    );
}

#[tokio::test]
async fn programs_get_what_was_done() {
    let world = world().await;
    let migrate = [
        "migrate",
        "native",
        "--stack",
        "dns",
        "--remove-native",
        "-o",
        "json",
    ];
    let expected = |done: bool| {
        json!({
            "kind": "migration", "version": 1, "direction": "to_labels", "applied": done, "left_behind": [],
            "dependencies": [{
                "dependent": "dns", "dependency": "vpc", "label": "dependsOn:vpc", "label_step": "write",
                "label_done": done, "native_step": "remove", "native_done": done, "notes": [], "error": null,
            }],
        })
    };
    assert_eq!(world.run(&migrate).await.json(), expected(false));
    let apply = [&migrate[..], &["--apply"]].concat();
    assert_eq!(world.run(&apply).await.json(), expected(true));
    let always = world
        .run(&["migrate", "native", "--stack", "web", "-o", "json"])
        .await
        .json();
    let codes: Vec<&Value> = always["dependencies"][0]["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| &note["code"])
        .collect();
    assert_eq!(codes, ["triggers_always", "runs_twice"]);
}

#[tokio::test]
async fn a_native_dependency_is_not_removed_where_the_label_was_not_written() {
    let world = world().await;
    world
        .account
        .fault(Fault::expired_tokens().on("stackUpdate").always());
    let ran = world
        .run(&["migrate", "native", "--remove-native", "--apply"])
        .await;
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(
        ran.stdout.contains("not done: the API key is not allowed"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.starts_with("error: not every change could be made\n"),
        "{}",
        ran.stderr
    );
    let mut after = BEFORE.map(str::to_owned);
    // Its label was there already.
    after[1] = "db:  | depends-on:vpc".to_owned();
    assert_eq!(dependencies(&world).await, after);

    world.account.clear_faults();
    world.account.fault(Fault::status(503).on("stackUpdate").always());
    let ran = world.run(&["migrate", "native", "--apply"]).await;
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stdout.contains("not done: not tried"), "{}", ran.stdout);
}

#[tokio::test]
async fn an_unknown_stack_is_named() {
    let world = world().await;
    for command in [&["migrate", "native"][..], &["export", "terraform"]] {
        let said = world
            .run(&[command, &["--stack", "dsn"]].concat())
            .await
            .failed(4);
        assert!(said.ends_with("hint: Did you mean `dns`?\n"), "{said}");
    }
    let world = World::of(MockSpacelift::new("acme")).await;
    assert_eq!(
        world.run(&["migrate", "native"]).await.ok(),
        "There are no dependencies of Spacelift's own.\n"
    );
}
