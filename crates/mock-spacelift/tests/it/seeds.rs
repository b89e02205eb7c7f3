//! Accounts from TOML.

use std::collections::BTreeSet;

use mock_spacelift::{MockSpacelift, Seed};

use crate::receiver::Receiver;

/// The error of an invalid seed.
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
    assert_eq!(mock.stacks().len(), 19);
    assert_eq!(depends_on("core-network"), "");
    assert_eq!(depends_on("database"), "core-network encryption-keys");
    assert_eq!(depends_on("cluster"), "core-network identity");
    assert_eq!(depends_on("platform-api"), "database cluster artifact-registry");
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
    // Every stack that a label names exists.
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

#[test]
fn one_push_to_the_built_in_company_starts_three_roots_whose_chains_meet() {
    let mock = MockSpacelift::acme();
    mock.push_to("acme/landing-zone");
    let roots: Vec<_> = mock.runs().into_iter().map(|run| run.stack).collect();
    assert_eq!(
        roots.iter().map(chain::StackId::as_str).collect::<Vec<_>>(),
        ["artifact-registry", "encryption-keys", "identity"]
    );
    // What is downstream of each of them.
    let downstream = |root: &str| {
        let mut reached = BTreeSet::from([root.to_owned()]);
        loop {
            let before = reached.len();
            for stack in mock.stacks() {
                let labels = stack
                    .labels
                    .iter()
                    .filter_map(|label| label.strip_prefix("dependsOn:"));
                let upstream: Vec<&str> = labels.flat_map(|ids| ids.split(',')).collect();
                if upstream.iter().any(|id| reached.contains(*id)) {
                    reached.insert(stack.id.to_string());
                }
            }
            if reached.len() == before {
                return reached;
            }
        }
    };
    let chains: Vec<_> = roots.iter().map(|root| downstream(root.as_str())).collect();
    for meeting in ["platform-api", "storefront", "backoffice"] {
        assert!(
            chains.iter().all(|chain| chain.contains(meeting)),
            "{meeting}: {chains:?}"
        );
    }
}

#[test]
fn a_seed_attaches_policies() {
    let seed = r#"
account = "a"

[[stack]]
name = "x"
repository = "a/b"

[[stack]]
name = "y"
repository = "a/c"

[[policy]]
name = "p"
type = "TRIGGER"
attached_to = ["x"]
body = """
package spacelift
trigger["y"] { true }
"""
"#;
    let mock = MockSpacelift::seeded(seed.parse().unwrap()).unwrap();
    mock.push("x");
    mock.settle();
    let by: Vec<_> = mock.runs().into_iter().map(|run| run.triggered_by).collect();
    assert_eq!(by, [None, Some("p".to_owned())]);
}

#[tokio::test]
async fn the_example_of_the_readme_sends_finished_runs() {
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
fn a_mistake_in_a_seed_is_reported_with_its_place() {
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
