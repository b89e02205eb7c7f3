//! In which order stacks would be destroyed, and what prevents it.

use chain::teardown::{StackRemoval, Teardown, TeardownError, teardown};

use crate::account::{graph, id, stack, stacks};

fn planned(account: &str, first: &str) -> Result<Teardown, TeardownError> {
    teardown(&graph(account), &id(first), |_| StackRemoval::default())
}

#[track_caller]
fn check(account: &str, first: &str, expected: &str) {
    let steps = planned(account, first).unwrap().steps;
    let steps = steps.iter().map(|step| {
        let after: Vec<&str> = step.after.iter().map(chain::StackId::as_str).collect();
        format!("{}: {}", step.stack, after.join(" "))
    });
    assert_eq!(steps.collect::<Vec<_>>().join("; "), expected);
}

#[test]
fn dependents_are_destroyed_first() {
    check("vpc", "vpc", "vpc: ");
    check(
        "vpc; db: vpc; dns: vpc; app: db dns; other",
        "vpc",
        "app: ; db: app; dns: app; vpc: db dns",
    );
    check("vpc; db: vpc; app: db", "db", "app: ; db: app");
}

#[test]
fn a_cycle_has_no_destroy_order() {
    assert_eq!(
        planned("vpc; a: vpc b; b: a", "vpc").unwrap_err().to_string(),
        "dependency cycle: `b` -> `a` -> `b`"
    );
    let unknown = TeardownError::UnknownStack { stack: id("gone") };
    assert_eq!(planned("vpc", "gone"), Err(unknown));
}

#[test]
fn a_stack_whose_label_is_not_followed_is_an_obstacle() {
    let planned = planned("vpc; app: DependsOn:vpc; db: vpc", "vpc").unwrap();
    let steps: Vec<&str> = planned.steps.iter().map(|step| step.stack.as_str()).collect();
    assert_eq!(steps, ["db", "vpc"]);
    let named = |at: usize| {
        planned.steps[at]
            .obstacles
            .iter()
            .any(|text| text.contains("`app` may depend on it"))
    };
    assert_eq!((named(0), named(1)), (false, true));
}

#[test]
fn obstacles_are_listed_with_their_commands() {
    let mut account = stacks("vpc; !off: vpc");
    account[0].locked_by = Some("alice".to_owned());
    account.push(chain::StackFacts {
        native_dependencies: vec![id("vpc")],
        ..stack("native", &[])
    });
    let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
    let planned = teardown(&graph, &id("vpc"), |stack| StackRemoval {
        is_protected: stack.as_str() == "native",
        destroy: (stack.as_str() != "off").then_some("tofu destroy"),
    })
    .unwrap();
    assert_eq!(
        planned.text(),
        r#"1. native
   in the way: it is protected from deletion
   spacectl stack task --id native "tofu destroy"
   spillway stack delete native
2. off
   in the way: no command is known that destroys everything: do that by hand first
   in the way: it is disabled, so tasks cannot run
   spillway stack delete off
3. vpc, after native and off
   in the way: it is locked by alice
   spacectl stack task --id vpc "tofu destroy"
   spillway stack delete vpc
"#
    );
    assert_eq!(
        planned.mermaid(),
        "flowchart TD
    s0[\"native<br/>it is protected from deletion\"]
    s1[\"off<br/>no command is known that destroys everything: do that by hand first<br/>it is disabled, so tasks cannot run\"]
    s2[\"vpc<br/>it is locked by alice\"]
    s0 --> s2
    s1 --> s2
"
    );
}
