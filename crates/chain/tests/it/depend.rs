//! A person adds and removes dependencies of one stack.

use chain::depend::{depend, relabel};
use chain::{LabelGrammar, StackId};

use crate::account::{id, stacks};

fn ids(text: &str) -> Vec<StackId> {
    text.split_whitespace().map(id).collect()
}

/// The labels after the change and the remaining problems, or why the change is refused.
fn changed(account: &str, stack: &str, on: &str, not_on: &str) -> String {
    let grammar = LabelGrammar::default();
    let (on, not_on) = (ids(on), ids(not_on));
    match depend(stacks(account), &id(stack), &on, &not_on, &grammar) {
        Ok(change) => {
            assert_eq!(relabel(&change.before, &on, &not_on, &grammar), change.after);
            assert_eq!(
                change.before != change.after,
                !(change.added.is_empty() && change.removed.is_empty())
            );
            // The second time, nothing changes.
            assert_eq!(relabel(&change.after, &on, &not_on, &grammar), change.after);
            let problems = change.problems.iter().map(|problem| format!("; {problem}"));
            change.after.join(" ") + &problems.collect::<String>()
        }
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn dependencies_are_added_and_removed() {
    for (account, on, not_on, expected) in [
        ("app; vpc", "vpc", "", "dependsOn:vpc"),
        ("app: vpc; vpc", "vpc", "", "dependsOn:vpc"),
        (
            "app: vpc; vpc; dns; db",
            "dns db",
            "vpc",
            "dependsOn:dns dependsOn:db",
        ),
        ("app: vpc; vpc", "", "vpc", ""),
        ("app; vpc", "", "vpc", ""),
        // A dependency on a missing stack can be removed.
        ("app: gone", "", "gone", ""),
        (
            "app; vpc",
            "vpc",
            "vpc",
            "! `vpc` is in both `--on` and `--not-on`",
        ),
        ("app; vpc", "app", "", "! `app` cannot depend on itself"),
        ("app: app; vpc", "", "app", ""),
        ("app; vpc", "gone", "", "! stack `gone` not found"),
        ("app; vpc", "", "gone", "! stack `gone` not found"),
        ("vpc; dns", "dns", "", "! stack `app` not found"),
    ] {
        assert_eq!(changed(account, "app", on, not_on), expected, "{account}");
    }
}

#[test]
fn a_dependency_that_closes_a_cycle_is_refused_and_names_it() {
    for (account, on, not_on, expected) in [
        (
            "app; db: app",
            "db",
            "",
            "! this would close a dependency cycle: `app` -> `db` -> `app`",
        ),
        (
            "app; db: vpc; vpc: app",
            "db",
            "",
            "! this would close a dependency cycle: `app` -> `db` -> `vpc` -> `app`",
        ),
        // A cycle elsewhere is no obstacle and is not reported.
        ("app; a: b; b: a; vpc", "vpc", "", "dependsOn:vpc"),
        // An existing cycle can be removed.
        ("app: db; db: app", "", "db", ""),
    ] {
        assert_eq!(changed(account, "app", on, not_on), expected, "{account}");
    }
}

#[test]
fn native_dependencies_count_for_cycles_and_are_reported() {
    let grammar = LabelGrammar::default();
    let mut account = stacks("app; db; vpc");
    account[1].native_dependencies = vec![id("app")];
    account[0].native_dependencies = vec![id("vpc")];
    let error = depend(account.clone(), &id("app"), &ids("db"), &[], &grammar).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this would close a dependency cycle: `app` -> `db` -> `app`"
    );
    let change = depend(account, &id("app"), &ids("vpc"), &[], &grammar).unwrap();
    let problems: Vec<String> = change.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["`app` depends on `vpc` by label and also by Spacelift's own dependency: it runs twice"]
    );
}
