//! The settings in the labels of a stack.

use chain::{ChainSettings, DependencyGraph, LabelGrammar, Problem, Severity, StackFacts, StackPolicy};

use crate::account::{id, root, stack};

/// The settings of labels, as labels write them, and the problems of the others.
#[track_caller]
fn check(labels: &[&str], expected: &str, unreadable: &[&str]) {
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let (policy, problems) = StackPolicy::of(&labels);
    assert_eq!(policy.to_string(), expected);
    let reasons: Vec<&str> = problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert_eq!(reasons, unreadable, "{labels:?}");
}

#[test]
fn every_key_is_read() {
    for text in [
        "on-failure=continue",
        "on-failure=stop",
        "no-change=skip",
        "no-change=run",
        "retries=3",
        "timeout=90s",
        "timeout=4h",
        "stuck-after=2d",
        "priority=-5",
        "ignore=true",
        "downstream=changed",
        "downstream=all",
        "commit=tracked",
        "optional=vpc",
    ] {
        check(&[&format!("spillway:{text}")], text, &[]);
    }
    check(&["spillway:ignore=false", "team:a", "dependsOn:vpc"], "", &[]);
    check(
        &[
            " spillway:retries = 2 ",
            "spillway:optional=b",
            "spillway:optional=a",
        ],
        "retries=2 optional=a optional=b",
        &[],
    );
    check(
        &["spillway:timeout=5400s", "spillway:stuck-after=60m"],
        "timeout=90m stuck-after=1h",
        &[],
    );
}

#[test]
fn unreadable_policy_labels_have_no_effect() {
    check(
        &["spillway:retry=3", "spillway:retries=2"],
        "retries=2",
        &[
            "`retry` is none of `on-failure`, `no-change`, `retries`, `timeout`, `stuck-after`, `priority`, `ignore`, \
             `downstream`, `optional`, `commit`, `on-completed` and `on-failed`",
        ],
    );
    // The same setting twice is not one too many.
    check(&["spillway:retries=2", "spillway:retries=2"], "retries=2", &[]);
    for (label, reason) in [
        (
            "spillway:ignore",
            "it is not of the form `spillway:<key>=<value>`",
        ),
        ("spillway:ignore=yes", "`yes` is neither `true` nor `false`"),
        ("spillway:retries=11", "`11` is not a number from 0 to 10"),
        ("spillway:retries=some", "`some` is not a number from 0 to 10"),
        (
            "spillway:timeout=soon",
            "`soon` is not a duration such as 30m, 4h or 2d",
        ),
        (
            "spillway:timeout=0m",
            "`0m` is not a duration such as 30m, 4h or 2d",
        ),
        (
            "spillway:timeout=9999999d",
            "`9999999d` is not a duration such as 30m, 4h or 2d",
        ),
        (
            "spillway:stuck-after=10",
            "`10` is not a duration such as 30m, 4h or 2d",
        ),
        ("spillway:priority=high", "`high` is not a whole number"),
        (
            "spillway:commit=root",
            "`root` is not `tracked`, the only value of `commit`",
        ),
        (
            "spillway:on-failure=go",
            "`go` is none of `skip-downstream`, `stop` and `continue`",
        ),
        ("spillway:no-change=stop", "`stop` is neither `run` nor `skip`"),
        ("spillway:optional=", "stack id is empty"),
    ] {
        check(&[label], "", &[reason]);
    }
    check(
        &["spillway:retries=1", "spillway:retries=2"],
        "retries=1",
        &["another label has a different value for `retries`"],
    );
}

fn graph(stacks: Vec<StackFacts>) -> DependencyGraph {
    DependencyGraph::build(stacks, &LabelGrammar::default())
}

#[test]
fn lint_reports_unreadable_policy_labels() {
    let graph = graph(vec![stack("vpc", &["spillway:retry=3"])]);
    let [problem @ Problem::UnreadablePolicy { .. }] = graph.problems() else {
        panic!("{:?}", graph.problems());
    };
    assert_eq!(
        (problem.code(), problem.severity()),
        ("unreadable_policy", Severity::Error)
    );
    let text = problem.to_string();
    assert!(
        text.starts_with("`vpc`: label `spillway:retry=3` is not used: `retry` is none of"),
        "{text}"
    );
}

#[test]
fn an_optional_dependency_can_be_absent() {
    let labels = [
        "dependsOn:gone",
        "dependsOn:vpc",
        "spillway:optional=gone",
        "spillway:optional=dns",
    ];
    let without = graph(vec![stack("vpc", &[]), stack("app", &labels)]);
    assert_eq!(without.problems(), []);
    let upstream = |graph: &DependencyGraph| {
        let upstream: Vec<String> = graph.upstream(&id("app")).map(ToString::to_string).collect();
        upstream.join(" ")
    };
    assert_eq!(upstream(&without), "vpc");
    let with = graph(vec![stack("vpc", &[]), stack("dns", &[]), stack("app", &labels)]);
    assert_eq!(upstream(&with), "dns vpc");
}

fn planned(stacks: Vec<StackFacts>) -> (String, String) {
    let chain = chain::plan(&graph(stacks), &root("vpc"), &ChainSettings::default()).unwrap();
    let stacks = chain.stacks.iter().map(|stack| {
        let upstream: Vec<&str> = stack.upstream.iter().map(chain::StackId::as_str).collect();
        format!("{}:{}", stack.id, upstream.join(" "))
    });
    let left_out = chain
        .left_out
        .iter()
        .map(|left_out| format!("-{} {}", left_out.id, left_out.reason.code()));
    let text = chain::render::text(&chain);
    (stacks.chain(left_out).collect::<Vec<_>>().join("; "), text)
}

#[test]
fn an_ignored_stack_never_runs_and_starts_nothing() {
    let db = stack("db", &["dependsOn:vpc", "spillway:ignore=true"]);
    let (stacks, _) = planned(vec![
        stack("vpc", &[]),
        stack("net", &["dependsOn:vpc"]),
        db,
        stack("app", &["dependsOn:db", "dependsOn:net"]),
    ]);
    assert_eq!(stacks, "net:; app:net; -db ignored");
    let (stacks, _) = planned(vec![
        stack("vpc", &["spillway:ignore=true"]),
        stack("db", &["dependsOn:vpc"]),
    ]);
    assert_eq!(stacks, "");
}

#[test]
fn a_plan_shows_differing_policies_and_their_reasons() {
    let (_, text) = planned(vec![
        stack("vpc", &[]),
        stack(
            "db",
            &[
                "dependsOn:vpc",
                "spillway:retries=2",
                "spillway:on-failure=continue",
            ],
        ),
    ]);
    assert!(
        text.contains("db @ 0ee3a3b, by its labels on-failure=continue retries=2\n"),
        "{text}"
    );
}
