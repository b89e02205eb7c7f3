//! Accounts from TOML.

use mock_spacelift::{MockSpacelift, Seed};

use crate::receiver::Receiver;

/// The message of a seed that cannot be planted.
fn refused(text: &str) -> String {
    match text.parse::<Seed>() {
        Ok(seed) => MockSpacelift::seeded(seed).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_built_in_company_has_a_diamond_a_manual_stack_and_several_repositories() {
    let mock = MockSpacelift::acme();
    let depends_on = |id: &str| {
        let labels = mock.stack(id).unwrap().labels;
        labels
            .iter()
            .filter_map(|label| label.strip_prefix("dependsOn:"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(mock.stacks().len(), 16);
    assert_eq!(depends_on("core-network"), "");
    assert_eq!(depends_on("database"), "core-network");
    assert_eq!(depends_on("cluster"), "core-network");
    assert_eq!(depends_on("platform-api"), "database cluster");
    assert!(!mock.stack("backoffice").unwrap().autodeploy);
    assert!(mock.stack("legacy-shop").unwrap().disabled);
    assert_ne!(
        mock.stack("monitoring").unwrap().repository,
        mock.stack("cluster").unwrap().repository
    );
    assert_eq!(
        mock.stack("database").unwrap().tracked_commit,
        mock.stack("cluster").unwrap().tracked_commit
    );
    assert_eq!(
        (
            mock.spaces().len(),
            mock.contexts().len(),
            mock.blueprints().len()
        ),
        (5, 3, 2)
    );
    // Whatever a label names exists.
    let ids: Vec<String> = mock.stacks().iter().map(|stack| stack.id.to_string()).collect();
    for stack in mock.stacks() {
        for upstream in depends_on(stack.id.as_str())
            .split([' ', ','])
            .filter(|id| !id.is_empty())
        {
            assert!(
                ids.iter().any(|id| id == upstream),
                "{} depends on {upstream}",
                stack.id
            );
        }
    }
}

#[tokio::test]
async fn the_example_of_the_readme_tells_of_finished_runs() {
    let readme = include_str!("../../README.md");
    let (_, example) = readme.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```\n").unwrap();
    let receiver = Receiver::start().await;
    let example = example.replace("http://127.0.0.1:9000/", &receiver.url);
    let mock = MockSpacelift::seeded(example.parse().unwrap()).unwrap();
    assert_eq!(mock.stack("database").unwrap().labels, ["dependsOn:vpc"]);
    mock.push("vpc");
    mock.settle();
    mock.wait_until("a delivery", |mock| !mock.deliveries().is_empty())
        .await;
    assert_eq!(receiver.states(), ["FINISHED"]);
}

#[test]
fn a_mistake_is_answered_with_its_place() {
    let unknown =
        refused("account = \"a\"\n[[stack]]\nname = \"x\"\nrepository = \"a/b\"\nautodploy = true\n");
    assert!(
        unknown.contains("line 5") && unknown.contains("unknown field `autodploy`"),
        "{unknown}"
    );
    let missing = refused("account = \"a\"\n[[stack]]\nname = \"x\"\n");
    assert!(missing.contains("missing field `repository`"), "{missing}");
    let kind =
        refused("account = \"a\"\n[[stack]]\nname = \"x\"\nrepository = \"a/b\"\nautodeploy = \"yes\"\n");
    assert!(
        kind.contains("autodeploy") && kind.contains("expected a boolean"),
        "{kind}"
    );
    let stack = "name = \"x\"\nrepository = \"a/b\"\n";
    let table = [
        (
            format!("account = \"a\"\n[[stack]]\n{stack}space = \"moon\"\n"),
            "seed: [[stack]] `x`: space `moon` not found",
        ),
        (
            format!("account = \"a\"\n[[stack]]\n{stack}[[stack]]\n{stack}"),
            "seed: [[stack]] `x`: could not persist stack: stack with this slug already exists for this account",
        ),
        (
            format!("account = \"a\"\n[[stack]]\n{stack}native_depends_on = [\"y\"]\n"),
            "seed: [[stack]] `x`: stack `y` not found",
        ),
        (
            format!("account = \"a\"\n[[stack]]\n{stack}contexts = [\"c\"]\n"),
            "seed: [[stack]] `x`: context `c` not found",
        ),
        (
            "account = \"a\"\n[[space]]\nid = \"s\"\nparent = \"moon\"\n".to_owned(),
            "seed: [[space]] `s`: parent space not found",
        ),
        (
            "account = \"\"\n".to_owned(),
            "seed: `account`: account name is empty",
        ),
    ];
    for (seed, expected) in table {
        assert_eq!(refused(&seed), expected);
    }
}
