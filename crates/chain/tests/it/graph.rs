//! Finds problems in the dependencies of an account.

use chain::{DependencyGraph, LabelGrammar, Problem, Severity, StackId};

use crate::account::{graph, id, stack, stacks};

#[track_caller]
fn check(account: &str, expected: &[&str]) {
    check_graph(&graph(account), expected);
}

#[track_caller]
fn check_graph(graph: &DependencyGraph, expected: &[&str]) {
    let problems: Vec<String> = graph
        .problems()
        .iter()
        .map(|problem| format!("{}: {problem}", problem.severity()))
        .collect();
    assert_eq!(problems, expected);
}

#[test]
fn neighbours() {
    let graph = graph("app: vpc db; db: vpc; vpc; lone");
    let ids = |ids: Vec<&StackId>| ids.into_iter().map(StackId::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!(ids(graph.upstream(&id("app")).collect()), "db vpc");
    assert_eq!(ids(graph.downstream(&id("vpc")).collect()), "app db");
    assert_eq!(ids(graph.downstream(&id("lone")).collect()), "");
    assert_eq!(ids(graph.upstream(&id("nowhere")).collect()), "");
    assert_eq!(graph.stack(&id("db")).unwrap().name, "DB");
    assert_eq!(graph.stack(&id("nowhere")), None);
    let all: Vec<_> = graph.stacks().iter().map(|stack| stack.id.as_str()).collect();
    assert_eq!(all, ["app", "db", "lone", "vpc"]);
    assert_eq!(graph.problems(), []);
}

#[test]
fn a_stack_is_found_by_its_name_unless_several_have_it() {
    let mut account = stacks("core-network; a; b");
    account[0].name = "Core Network".to_owned();
    account[1].name = "Twin".to_owned();
    account[2].name = "twin".to_owned();
    let graph = DependencyGraph::build(account, &LabelGrammar::default());
    for (name, expected) in [
        ("Core Network", Some("core-network")),
        ("core_network", Some("core-network")),
        ("twin", None),
        ("core", None),
        ("", None),
        ("--", None),
    ] {
        assert_eq!(graph.named(name).map(StackId::as_str), expected, "{name}");
    }
}

#[test]
fn cycles_are_reported_in_full() {
    check("a: b; b: a", &["error: dependency cycle: `a` -> `b` -> `a`"]);
    check(
        "b: c; c: a; a: b; d: a",
        &["error: dependency cycle: `a` -> `b` -> `c` -> `a`"],
    );
    check(
        "a: b; b: a; c: d; d: c; a2: a",
        &[
            "error: dependency cycle: `a` -> `b` -> `a`",
            "error: dependency cycle: `c` -> `d` -> `c`",
        ],
    );
    // Two cycles that share a stack.
    check(
        "a: b c; b: a; c: a",
        &[
            "error: dependency cycle: `a` -> `b` -> `a`",
            "error: dependency cycle: `a` -> `c` -> `a`",
        ],
    );
    // Two that share an edge: c -> a.
    check(
        "a: b c; b: c; c: a",
        &[
            "error: dependency cycle: `a` -> `b` -> `c` -> `a`",
            "error: dependency cycle: `a` -> `c` -> `a`",
        ],
    );
}

#[test]
fn listing_the_cycles_of_a_dense_graph_ends() {
    // Each of 12 stacks depends on every other: there are 66 cycles of only two stacks.
    let names: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            let others: Vec<_> = names.iter().filter(|other| *other != name).cloned().collect();
            format!("{name}: {}", others.join(" "))
        })
        .collect();
    let graph = graph(&lines.join("; "));
    let (cycles, rest): (Vec<_>, Vec<_>) = graph
        .problems()
        .iter()
        .partition(|problem| matches!(problem, Problem::Cycle { .. }));
    assert_eq!(cycles.len(), 50);
    let [Problem::MoreCycles { stacks }] = rest[..] else {
        panic!("{rest:?}")
    };
    assert_eq!(stacks.len(), 12);
}

#[test]
fn a_long_chain_does_not_overflow_the_call_stack() {
    let mut lines = vec!["s0: s99999".to_owned()];
    lines.extend((1..100_000).map(|n| format!("s{n}: s{}", n - 1)));
    let graph = graph(&lines.join("; "));
    let [Problem::Cycle { stacks }] = graph.problems() else {
        panic!("one cycle")
    };
    assert_eq!(stacks.len(), 100_000);
}

#[test]
fn self_dependencies() {
    check(
        "a: a b; b",
        &["error: `a` depends on itself (label `dependsOn:a`)"],
    );
}

#[test]
fn dangling_dependencies() {
    check(
        "a: nowhere b; b",
        &[
            "error: `a` depends on `nowhere`, which does not exist or is not visible (label `dependsOn:nowhere`)",
        ],
    );
}

#[test]
fn unreadable_labels() {
    check(
        "a: DependsOn:b b; b",
        &[
            "error: `a`: label `DependsOn:b`: it looks like a dependency, which is written `dependsOn:<stack id>`",
        ],
    );
}

#[test]
fn a_label_that_names_another_state_is_reported_and_not_used() {
    let labels = |labels: &[&str]| vec![stack("a", labels), stack("b", &[]), stack("c", &[])];
    let of = |all: &[&str]| DependencyGraph::build(labels(all), &LabelGrammar::default());
    let graph = of(&["depends-on:b", "depends-on:c|state:FAILED"]);
    assert_eq!(graph.upstream(&id("a")).collect::<Vec<_>>(), [&id("b")]);
    let [problem] = graph.problems() else {
        panic!("{:?}", graph.problems());
    };
    assert_eq!(
        (problem.code(), problem.severity()),
        ("other_state", Severity::Error)
    );
    assert!(
        problem.to_string().contains("never because of `|state:FAILED`"),
        "{problem}"
    );
    // The list also names a stack to wait for.
    let codes = |graph: &DependencyGraph| graph.problems().iter().map(Problem::code).collect::<Vec<_>>();
    assert_eq!(codes(&of(&["depends-on:b,c|state:FAILED"])), ["unreadable_label"]);
}

#[test]
fn duplicates() {
    check(
        "a: b b; b",
        &["warning: `a` declares more than once that it depends on `b`"],
    );
    check(
        "a: b; b; a: c; c",
        &["error: `a` is listed more than once; only the first is used"],
    );
    let graph = graph("a: b; b; a: c; c");
    assert_eq!(graph.upstream(&id("a")).collect::<Vec<_>>(), [&id("b")]);
}

#[test]
fn disabled_stacks_that_matter() {
    check(
        "!a; b: a; !c: b; !lone; d",
        &[
            "warning: `a` is disabled and left out of every chain",
            "warning: `c` is disabled and left out of every chain",
        ],
    );
}

#[test]
fn native_dependencies() {
    let mut account = stacks("a: b; b; c; d: e; e");
    let native = |from: &str| vec![id(from)];
    account[0].native_dependencies = native("b");
    account[2].native_dependencies = native("a");
    account[4].native_dependencies = native("d");
    check_graph(
        &DependencyGraph::build(account, &LabelGrammar::default()),
        &[
            "error: dependency cycle: `d` -> `e` -> `d`",
            "error: `d` depends on `e` by label, and Spacelift's own dependency says the opposite: they would start \
             each other forever",
            "warning: `a` depends on `b` by label and also by Spacelift's own dependency: it runs twice",
        ],
    );
}

#[test]
fn other_label_prefixes_can_be_configured() {
    let stacks = vec![
        stack("a", &["after:b", "dependsOn:c"]),
        stack("b", &[]),
        stack("c", &[]),
    ];
    let graph = DependencyGraph::build(stacks, &"after".parse().unwrap());
    assert_eq!(graph.upstream(&id("a")).collect::<Vec<_>>(), [&id("b")]);
}

#[test]
fn every_problem_has_its_code_in_json() {
    let mut account = stacks("a: a b b nowhere Depends_on:b; b: c; c: b; !d: e; e; e");
    account[1].native_dependencies = vec![id("c")];
    let graph = DependencyGraph::build(account, &LabelGrammar::default());
    let mut codes = Vec::new();
    for problem in graph.problems() {
        let json = serde_json::to_value(problem).unwrap();
        assert_eq!(json["code"], problem.code());
        assert_eq!(&serde_json::from_value::<Problem>(json).unwrap(), problem);
        assert!(!problem.stacks().is_empty());
        codes.push(problem.code());
    }
    assert_eq!(
        codes,
        [
            "cycle",
            "self_dependency",
            "unreadable_label",
            "dangling",
            "duplicate_stack",
            "against_native",
            "also_native",
            "duplicate_edge",
            "disabled",
        ]
    );
    let severities: Vec<_> = graph.problems().iter().map(Problem::severity).collect();
    assert!(severities.is_sorted(), "errors come first");
    assert_eq!(
        severities
            .iter()
            .filter(|severity| **severity == Severity::Warning)
            .count(),
        3
    );
}
