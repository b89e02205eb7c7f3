//! Stacks, with the mock account.

use chain::{RunState, StackId};
use mock_spacelift::{NewStack as MockStack, Pace};
use serde_json::json;
use spacelift::{ErrorKind, NewStack, Vendor, VendorConfig};

use crate::server::account;

fn id(text: &str) -> StackId {
    text.parse().unwrap()
}

fn opentofu() -> VendorConfig {
    VendorConfig::OpenTofu {
        version: Some("1.9.0".to_owned()),
        workspace: None,
    }
}

#[tokio::test]
async fn a_stack_has_what_the_graph_needs() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    mock.add_stack(
        MockStack::named("db")
            .depends_on("vpc")
            .label("tier:data")
            .repository("acme/infra")
            .branch("release")
            .commit("c0ffee")
            .autodeploy(false)
            .disabled()
            .native_dependency("vpc"),
    );
    mock.lock("db", "alice");

    let stack = client.stack(&id("db")).await.unwrap().unwrap();
    assert!(
        stack.labels.contains(&"dependsOn:vpc".to_owned()) && stack.labels.contains(&"tier:data".to_owned())
    );
    assert_eq!(
        (stack.namespace.as_deref(), stack.repository.as_str()),
        (Some("acme"), "infra")
    );
    assert_eq!(stack.branch, "release");
    assert_eq!(stack.tracked_commit.as_ref().unwrap().as_str(), "c0ffee");
    assert_eq!(
        (stack.autodeploy, stack.is_disabled, &stack.state),
        (false, true, &RunState::None)
    );
    assert_eq!(stack.lock.as_ref().unwrap().by, "alice");
    assert_eq!(
        stack
            .depends_on
            .iter()
            .map(|d| d.depends_on.as_str())
            .collect::<Vec<_>>(),
        ["vpc"]
    );
    assert_eq!(
        client
            .stacks()
            .await
            .unwrap()
            .into_iter()
            .find(|s| s.id == stack.id),
        Some(stack)
    );
    assert_eq!(client.stack(&id("nothing")).await.unwrap(), None);
}

#[tokio::test]
async fn a_stack_and_its_newest_runs_are_one_request() {
    let (mock, _server, client) = account().await;
    mock.pace(Pace::Manual);
    mock.add_stack(MockStack::named("vpc"));
    mock.add_stack(MockStack::named("db").native_dependency("vpc").autodeploy(false));
    let first = mock.push_commit("db", "c0ffee");
    mock.settle();
    client.confirm_run(&id("db"), &first, None).await.unwrap();
    mock.settle();
    let second = mock.push_commit("db", "facade");

    let before = mock.requests().len();
    let found = client.stack_with_runs(&id("db")).await.unwrap().unwrap();
    assert_eq!(mock.requests().len() - before, 1);
    assert_eq!(Some(found.stack.clone()), client.stack(&id("db")).await.unwrap());
    assert_eq!(found.stack.depends_on[0].depends_on, id("vpc"));
    assert_eq!(found.stack.state, RunState::Queued);
    assert_eq!(found.runs, client.runs(&id("db"), 10, None).await.unwrap());
    assert_eq!(
        found.runs.iter().map(|run| &run.id).collect::<Vec<_>>(),
        [&second, &first]
    );
    assert!(
        found.runs[1]
            .history
            .iter()
            .any(|transition| transition.state == RunState::Preparing),
        "{found:?}"
    );
    // The newest run is of the tracked commit, so both have its time.
    assert_eq!(found.stack.tracked_commit, found.runs[0].commit.sha);
    assert!(found.stack.tracked_commit_timestamp.is_some());
    assert_eq!(
        found.stack.tracked_commit_timestamp,
        found.runs[0].commit.timestamp
    );

    assert_eq!(client.stack_with_runs(&id("nothing")).await.unwrap(), None);
}

#[tokio::test]
async fn a_stack_without_runs_has_none() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    let found = client.stack_with_runs(&id("vpc")).await.unwrap().unwrap();
    assert_eq!((&found.stack.id, found.runs), (&id("vpc"), Vec::new()));
}

#[tokio::test]
async fn the_listing_has_the_state_and_the_time_of_the_commit() {
    let (mock, _server, client) = account().await;
    mock.pace(Pace::Manual);
    mock.add_stack(MockStack::named("vpc").autodeploy(false));
    let run = mock.push("vpc");
    let listed = async || client.stacks().await.unwrap().remove(0);
    assert_eq!(listed().await.state, RunState::Queued);
    mock.settle();
    let stack = listed().await;
    assert_eq!(stack.state, RunState::Unconfirmed);
    let run = client.run(&id("vpc"), &run).await.unwrap().unwrap();
    assert!(stack.tracked_commit_timestamp.is_some());
    assert_eq!(stack.tracked_commit_timestamp, run.commit.timestamp);
}

#[tokio::test]
async fn every_stack_of_a_large_account_is_read() {
    let (mock, _server, client) = account().await;
    let mut expected: Vec<_> = (0..120).map(|number| format!("stack-{number:03}")).collect();
    for name in &expected {
        mock.add_stack(MockStack::named(name));
    }
    let ids = |stacks: Vec<spacelift::Stack>| {
        let mut ids: Vec<_> = stacks.into_iter().map(|stack| stack.id.to_string()).collect();
        ids.sort();
        ids
    };
    expected.sort();
    assert_eq!(ids(client.stacks().await.unwrap()), expected);
    let pages = mock
        .requests()
        .iter()
        .filter(|request| request.is("SearchStacks"))
        .count();
    assert_eq!(pages, 3);
    assert_eq!(
        mock.requests()
            .iter()
            .filter(|request| request.is("ApiKeyUser"))
            .count(),
        1
    );
    assert_eq!(
        client.stacks_with(&"id".parse().unwrap()).await.unwrap().len(),
        120
    );
}

#[tokio::test]
async fn chosen_fields_of_a_stack() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    let stack = client
        .stack_with(&id("vpc"), &"id, vendorConfig { __typename }".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(stack.unwrap()["id"], json!("vpc"));
    assert_eq!(
        client
            .stack_with(&id("nothing"), &"id".parse().unwrap())
            .await
            .unwrap(),
        None
    );
    let error = client
        .stack_with(&id("vpc"), &"noSuchField".parse().unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(&error.kind, ErrorKind::Refused { message } if message.contains("noSuchField")),
        "{error}"
    );
}

#[tokio::test]
async fn stacks_of_every_kind_are_created_and_deleted() {
    let (_mock, _server, client) = account().await;
    let text = |text: &str| text.to_owned();
    for (name, config, vendor) in [
        ("tofu", opentofu(), Vendor::OpenTofu),
        (
            "terraform",
            VendorConfig::Terraform {
                version: None,
                workspace: None,
            },
            Vendor::Terraform,
        ),
        (
            "terragrunt",
            VendorConfig::Terragrunt {
                terraform_version: None,
                terragrunt_version: None,
                run_all: true,
            },
            Vendor::Terragrunt,
        ),
        (
            "pulumi",
            VendorConfig::Pulumi {
                login_url: text("s3://a"),
                stack_name: text("b"),
            },
            Vendor::Pulumi,
        ),
        (
            "cloudformation",
            VendorConfig::CloudFormation {
                entry_template_file: text("a.yaml"),
                region: text("eu-west-1"),
                stack_name: text("a"),
                template_bucket: text("b"),
            },
            Vendor::CloudFormation,
        ),
        (
            "kubernetes",
            VendorConfig::Kubernetes {
                namespace: text("default"),
                kubectl_version: None,
            },
            Vendor::Kubernetes,
        ),
        (
            "ansible",
            VendorConfig::Ansible {
                playbook: text("site.yml"),
            },
            Vendor::Ansible,
        ),
    ] {
        let mut new = NewStack::new(name, "root".parse().unwrap(), "infra", "main", config);
        new.autodeploy = name.len() % 2 == 0;
        let made = client.create_stack(&new).await.unwrap();
        assert_eq!(
            (made.id.as_str(), made.vendor, made.autodeploy),
            (name, Some(vendor), new.autodeploy)
        );
        assert_eq!(client.stack(&made.id).await.unwrap(), Some(made));
    }
    assert!(client.delete_stack(&id("tofu")).await.unwrap());
    assert_eq!(client.stack(&id("tofu")).await.unwrap(), None);
    assert!(!client.delete_stack(&id("tofu")).await.unwrap());
}

#[tokio::test]
async fn labels_change_and_nothing_else() {
    let (_mock, _server, client) = account().await;
    let mut new = NewStack::new("app", "root".parse().unwrap(), "infra", "main", opentofu());
    new.labels = vec!["a".to_owned()];
    new.description = Some("what users see".to_owned());
    new.project_root = Some("app".to_owned());
    new.autodeploy = true;
    let made = client.create_stack(&new).await.unwrap();
    let fields =
        "description projectRoot autodeploy vendorConfig { ... on StackConfigVendorOpenTofu { version } }";
    let fields = fields.parse().unwrap();
    let before = client.stack_with(&made.id, &fields).await.unwrap();

    let add = |mut labels: Vec<String>| {
        labels.push("dependsOn:vpc".to_owned());
        labels
    };
    let changed = client.relabel_stack(&made.id, add).await.unwrap();
    assert_eq!(changed.labels, ["a", "dependsOn:vpc"]);
    assert_eq!(client.stack_with(&made.id, &fields).await.unwrap(), before);
    assert_eq!(before.unwrap()["vendorConfig"]["version"], json!("1.9.0"));
    let error = client.relabel_stack(&id("nothing"), add).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn labels_that_stay_are_not_written() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    let stack = client.relabel_stack(&id("vpc"), |labels| labels).await.unwrap();
    assert_eq!(stack.id, id("vpc"));
    assert!(!mock.requests().iter().any(|request| request.is("StackUpdate")));
}

#[tokio::test]
async fn a_stack_is_locked_and_unlocked() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    let lock = client.lock_stack(&id("vpc"), Some("maintenance")).await.unwrap();
    assert_eq!(lock.note.as_deref(), Some("maintenance"));
    assert_eq!(client.stack(&id("vpc")).await.unwrap().unwrap().lock, Some(lock));
    client.unlock_stack(&id("vpc")).await.unwrap();
    assert_eq!(client.stack(&id("vpc")).await.unwrap().unwrap().lock, None);
}

#[tokio::test]
async fn dependencies_are_created_listed_and_deleted() {
    let (mock, _server, client) = account().await;
    mock.add_stack(MockStack::named("vpc"));
    mock.add_stack(MockStack::named("db"));
    let made = client
        .create_stack_dependency(&id("db"), &id("vpc"))
        .await
        .unwrap();
    assert_eq!((&made.stack, &made.depends_on), (&id("db"), &id("vpc")));
    assert_eq!((made.references, made.trigger_always), (0, false));
    assert_eq!(
        client.stack_dependencies(&id("db")).await.unwrap(),
        std::slice::from_ref(&made)
    );
    let error = client
        .create_stack_dependency(&id("vpc"), &id("db"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");

    mock.refer_to_output("db", "vpc", false);
    let document =
        "mutation ($id: ID!) { stackDependencyUpdate(input: {id: $id, triggerAlways: true}) { id } }";
    client.execute(document, &json!({"id": made.id})).await.unwrap();
    let changed = client.stack_dependencies(&id("db")).await.unwrap().remove(0);
    assert_eq!((changed.references, changed.trigger_always), (1, true));

    assert!(client.delete_stack_dependency(&made.id).await.unwrap());
    assert_eq!(client.stack_dependencies(&id("db")).await.unwrap(), []);
    let error = client.stack_dependencies(&id("nothing")).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound { .. }), "{error}");
}
