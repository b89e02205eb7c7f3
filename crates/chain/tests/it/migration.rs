//! Native dependencies become labels, and labels become native dependencies.

use chain::migration::{EdgePlan, NativeDependency, Note, left_behind, to_labels, to_native};
use chain::{DependencyGraph, LabelGrammar, NoChange, StackFacts, StackId};

use crate::account::{id, stack, stacks};

fn native(dependent: &str, dependency: &str) -> NativeDependency {
    NativeDependency {
        id: format!("{dependent}/{dependency}"),
        dependent: id(dependent),
        dependency: id(dependency),
        references: 0,
        trigger_always: false,
    }
}

fn graph(mut stacks: Vec<StackFacts>, native: &[NativeDependency]) -> DependencyGraph {
    for edge in native {
        for stack in stacks.iter_mut().filter(|stack| stack.id == edge.dependent) {
            stack.native_dependencies.push(edge.dependency.clone());
        }
    }
    DependencyGraph::build(stacks, &LabelGrammar::default())
}

/// One line: the dependency, what happens to its label and to the native one, and the notes.
fn lines(plans: &[EdgePlan]) -> Vec<String> {
    let line = |plan: &EdgePlan| {
        let notes: Vec<&str> = plan.notes.iter().map(Note::code).collect();
        format!(
            "{} {} {:?} {:?} {}",
            plan.dependent,
            plan.label_text,
            plan.label,
            plan.native,
            notes.join(" ")
        )
        .trim_end()
        .to_owned()
    };
    plans.iter().map(line).collect()
}

#[track_caller]
fn check(
    stacks: Vec<StackFacts>,
    edges: &[NativeDependency],
    remove: bool,
    no_change: NoChange,
    expected: &[&str],
) {
    let graph = graph(stacks, edges);
    let plans = to_labels(&graph, edges, remove, no_change, &LabelGrammar::default());
    assert_eq!(lines(&plans), expected);
}

#[test]
fn a_native_dependency_becomes_a_label_and_is_removed_only_on_request() {
    let edges = [native("db", "vpc"), native("app", "db")];
    let account = || stacks("app; db; vpc");
    let run = NoChange::Run;
    check(
        account(),
        &edges,
        false,
        run,
        &[
            "app dependsOn:db Write Keep runs_twice",
            "db dependsOn:vpc Write Keep runs_twice",
        ],
    );
    check(
        account(),
        &edges,
        true,
        run,
        &["app dependsOn:db Write Remove", "db dependsOn:vpc Write Remove"],
    );
    // A second time, and after the labels were written.
    let edges = [native("db", "vpc")];
    check(
        stacks("db: vpc; vpc"),
        &edges,
        false,
        run,
        &["db dependsOn:vpc Keep Keep runs_twice"],
    );
    check(
        stacks("db: vpc; vpc"),
        &edges,
        true,
        run,
        &["db dependsOn:vpc Keep Remove"],
    );
    check(stacks("db: vpc; vpc"), &[], true, run, &[]);
}

#[test]
fn dependencies_that_a_label_cannot_express_stay() {
    let run = NoChange::Run;
    let outputs = |references| NativeDependency {
        references,
        ..native("app", "db")
    };
    let only = |edge: NativeDependency, account: Vec<StackFacts>, no_change, expected| {
        check(account, &[edge], true, no_change, &[expected]);
    };
    only(
        outputs(2),
        stacks("app; db"),
        run,
        "app dependsOn:db None Keep outputs",
    );
    only(
        outputs(1),
        stacks("app: db; db"),
        run,
        "app dependsOn:db Keep Keep outputs label_too_much",
    );
    only(
        native("app", "gone"),
        stacks("app"),
        run,
        "app dependsOn:gone None Keep unknown_stack",
    );
    only(
        native("app", "db"),
        stacks("app; db: app"),
        run,
        "app dependsOn:db None Keep cycle",
    );
    let labelled = |label| vec![stack("app", &[label]), stack("db", &[])];
    only(
        native("app", "db"),
        labelled("Depends_on:x"),
        run,
        "app dependsOn:db None Keep unreadable_label",
    );
    // Such a label is only ignored.
    only(
        native("app", "db"),
        labelled("depends-on:x|state:FAILED"),
        run,
        "app depends-on:db Write Remove",
    );
    let ignored = |app: &[&str], db: &[&str]| vec![stack("app", app), stack("db", db)];
    let ignore = &["spillway:ignore=true"][..];
    only(
        native("app", "db"),
        ignored(ignore, &[]),
        run,
        "app dependsOn:db None Keep ignored",
    );
    only(
        native("app", "db"),
        ignored(&[], ignore),
        run,
        "app dependsOn:db None Keep ignored",
    );
    let always = || NativeDependency {
        trigger_always: true,
        ..native("app", "db")
    };
    only(
        always(),
        stacks("app; db"),
        run,
        "app dependsOn:db Write Remove triggers_always",
    );
    only(
        always(),
        stacks("app; db"),
        NoChange::Skip,
        "app dependsOn:db None Keep skips_without_change",
    );
    let runs = || vec![stack("app", &["spillway:no-change=run"]), stack("db", &[])];
    only(
        always(),
        runs(),
        NoChange::Skip,
        "app dependsOn:db Write Remove triggers_always",
    );
    let skips = || vec![stack("app", &["spillway:no-change=skip"]), stack("db", &[])];
    only(
        always(),
        skips(),
        run,
        "app dependsOn:db None Keep skips_without_change",
    );
}

/// Spacelift starts `app` after `db`, and would no longer wait for `dns`.
#[test]
fn if_one_dependency_of_a_stack_stays_all_stay() {
    let outputs = NativeDependency {
        references: 1,
        ..native("app", "db")
    };
    let edges = [
        native("app", "dns"),
        outputs,
        native("app", "vpc"),
        native("db", "vpc"),
    ];
    check(
        stacks("app: vpc; db; dns; vpc"),
        &edges,
        true,
        NoChange::Run,
        &[
            "app dependsOn:db None Keep outputs",
            "app dependsOn:dns None Keep together",
            "app dependsOn:vpc Keep Keep together label_too_much",
            "db dependsOn:vpc Write Remove",
        ],
    );
}

#[test]
fn labels_go_back_to_native_dependencies() {
    let edges = [native("db", "vpc")];
    let mut account = stacks("app: db vpc; db: vpc; vpc; a: b; b: a; c: gone c Depends_on:vpc");
    account[0].labels.push("spillway:optional=c".to_owned());
    let graph = graph(account, &edges);
    let back = |names: &str| {
        let stacks: Vec<StackId> = names.split_whitespace().map(id).collect();
        let left: Vec<_> = left_behind(&graph, &stacks).map(chain::Problem::code).collect();
        let plans = to_native(&graph, &stacks, &edges, &LabelGrammar::default());
        (lines(&plans), left)
    };
    let (plans, left) = back("app db vpc");
    assert_eq!(
        plans,
        [
            "app spillway:optional=c Keep None optional",
            "app dependsOn:db Keep None together",
            "app dependsOn:vpc Keep None together",
            "db dependsOn:vpc Remove Keep",
        ]
    );
    assert!(left.is_empty());
    let (plans, left) = back("a c");
    assert_eq!(plans, ["a dependsOn:b Keep None cycle"]);
    assert_eq!(left, ["self_dependency", "unreadable_label", "dangling"]);
}

/// Each run of `admin` would otherwise run every stack.
#[test]
fn labels_that_spillway_does_not_follow_stay_labels() {
    let mut account = stacks("app: admin db; db: admin; admin");
    account[2].labels.push("spillway:ignore=true".to_owned());
    let graph = graph(account, &[]);
    let plans = to_native(&graph, &[id("app"), id("db")], &[], &LabelGrammar::default());
    assert_eq!(
        lines(&plans),
        [
            "app dependsOn:admin Keep None ignored",
            "app dependsOn:db Remove Create",
            "db dependsOn:admin Keep None ignored",
        ]
    );
    let export = chain::terraform::terraform(&graph, &[]);
    assert_eq!(
        (export.resources, export.left_out.len()),
        (1, 2),
        "{}",
        export.text
    );
    assert!(
        export.left_out[0].contains("Spillway ignores `admin`"),
        "{:?}",
        export.left_out
    );
}

#[test]
fn migrating_there_and_back_changes_nothing() {
    let grammar = LabelGrammar::default();
    let edges = [native("db", "vpc"), native("app", "db"), native("app", "vpc")];
    let before = stacks("app; db; vpc");
    let there = to_labels(
        &graph(before.clone(), &edges),
        &edges,
        true,
        NoChange::Run,
        &grammar,
    );
    let mut labelled = before.clone();
    for plan in &there {
        let stack = labelled
            .iter_mut()
            .find(|stack| stack.id == plan.dependent)
            .unwrap();
        stack.labels = chain::label::with(&stack.labels, &plan.dependency, &grammar);
    }
    let all: Vec<StackId> = before.iter().map(|stack| stack.id.clone()).collect();
    let back = to_native(&graph(labelled.clone(), &[]), &all, &[], &grammar);
    let pairs = |edges: Vec<(StackId, StackId)>| edges.into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        pairs(
            back.iter()
                .map(|plan| (plan.dependent.clone(), plan.dependency.clone()))
                .collect()
        ),
        pairs(
            edges
                .iter()
                .map(|edge| (edge.dependent.clone(), edge.dependency.clone()))
                .collect()
        ),
    );
    for plan in &back {
        let stack = labelled
            .iter_mut()
            .find(|stack| stack.id == plan.dependent)
            .unwrap();
        stack.labels = chain::label::without(&stack.labels, &plan.dependency, &grammar);
    }
    assert_eq!(labelled, before);
}

#[test]
fn a_cycle_is_listed_in_full() {
    let edge = native("app", "db");
    let graph = graph(stacks("app; db: mid; mid: app"), std::slice::from_ref(&edge));
    let plans = to_labels(&graph, &[edge], true, NoChange::Run, &LabelGrammar::default());
    let cycle = Note::Cycle {
        stacks: ["app", "db", "mid"].map(id).to_vec(),
    };
    assert_eq!(plans[0].notes, [cycle]);
}

#[test]
fn an_unreadable_label_of_another_stack_prevents_nothing() {
    check(
        vec![stack("app", &[]), stack("db", &[]), stack("x", &["Depends_on:y"])],
        &[native("app", "db")],
        true,
        NoChange::Run,
        &["app dependsOn:db Write Remove"],
    );
}
