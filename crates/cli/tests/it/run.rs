//! `spillway run`.

use chain::{RunState, RunType};
use mock_spacelift::{MockSpacelift, NewStack, Pace};
use serde_json::json;

use crate::world::World;

fn one(autodeploy: bool) -> MockSpacelift {
    let account = MockSpacelift::new("acme");
    account.pace(Pace::Manual);
    account.add_stack(NewStack::named("vpc").commit("0ee3a3b7").autodeploy(autodeploy));
    account
}

#[tokio::test]
async fn a_run_is_triggered_as_one_says() {
    let world = World::of(one(true)).await;
    let trigger = [
        "run",
        "trigger",
        "vpc",
        "--commit",
        "abc1234",
        "--env",
        "A=1",
        "--env",
        "B=x=y",
        "--metadata",
        "me",
    ];
    let said = world.run(&trigger).await.ok();
    let run = world.account.runs().remove(0);
    assert_eq!(said, format!("Run {} of `vpc` is QUEUED.\n", run.run));
    assert_eq!(run.run_type, RunType::Tracked);
    assert_eq!(run.commit.unwrap().as_str(), "abc1234");
    assert_eq!(
        run.environment,
        [("A", "1"), ("B", "x=y")].map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
    assert_eq!(run.metadata, ["me"]);
    world
        .run(&["run", "trigger", "vpc", "--type", "proposed"])
        .await
        .ok();
    assert_eq!(world.account.runs()[1].run_type, RunType::Proposed);
}

#[tokio::test]
async fn what_waits_is_confirmed_or_discarded() {
    let world = World::of(one(false)).await;
    for (verb, state) in [("confirm", RunState::Confirmed), ("discard", RunState::Discarded)] {
        let run = world.account.push("vpc");
        world.account.settle();
        let decide = ["run", verb, "vpc", run.as_str(), "--reason", "looked at it"];
        let said = world.run(&decide).await.ok();
        assert_eq!(said, format!("Run {run} of `vpc` is {state}.\n"));
        assert_eq!(world.account.run(&run).unwrap().state, state);
        let shown = world.run(&["run", "show", "vpc", run.as_str()]).await.ok();
        assert!(shown.contains("looked at it"), "{shown}");
        world.account.settle();
        let again = world.run(&decide).await.failed(4);
        assert!(
            again.starts_with(&format!("error: run {run} of `vpc` cannot be {verb}ed: it is ")),
            "{again}"
        );
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let world = World::of(one(true)).await;
    let (first, second) = (world.account.push("vpc"), world.account.trigger("vpc", "alice"));
    world.account.settle();
    let list = world.run(&["run", "list", "vpc"]).await.ok();
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("ID "), "{list}");
    assert!(
        lines[1].starts_with(second.as_str()) && lines[1].contains("  alice  "),
        "{list}"
    );
    assert!(
        lines[2].starts_with(first.as_str()) && lines[2].contains("  push  "),
        "{list}"
    );
    let json = world
        .run(&["run", "list", "vpc", "--limit", "1", "--json"])
        .await
        .json();
    assert_eq!(json["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &json["items"][0]["id"],
            &json["items"][0]["state"],
            &json["items"][0]["finished"]
        ),
        (&json!(second), &json!("FINISHED"), &json!(true))
    );
    let fields = world
        .run(&["run", "list", "vpc", "--fields", "id type", "--json"])
        .await
        .json();
    assert_eq!(
        fields["items"][1]["fields"],
        json!({"id": first, "type": "TRACKED"})
    );
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let world = World::of(one(true)).await;
    let said = world.run(&["run", "list", "vcp"]).await.failed(4);
    assert_eq!(
        said,
        "error: stack `vcp` not found\nIt does not exist, or the API key cannot see it.\nhint: Did you mean `vpc`?\n"
    );
    let said = world
        .run(&["run", "show", "vpc", "01JSMHTFM9TXWW1XK4AZN1SA8K"])
        .await
        .failed(4);
    assert!(
        said.starts_with("error: run `vpc/01JSMHTFM9TXWW1XK4AZN1SA8K` not found\n"),
        "{said}"
    );
}

#[tokio::test]
async fn a_run_that_is_queued_names_the_run_that_blocks_it() {
    let world = World::of(one(false)).await;
    let first = world.account.push("vpc");
    world.account.settle();
    let second = world.account.push("vpc");
    let said = world
        .run(&["run", "confirm", "vpc", second.as_str()])
        .await
        .failed(4);
    assert_eq!(
        said,
        format!(
            "error: run {second} of `vpc` cannot be confirmed: it is QUEUED\n\
             It waits for run {first}, which is UNCONFIRMED.\n\
             hint: `spillway run show vpc {first}` shows that run.\n"
        )
    );
}
