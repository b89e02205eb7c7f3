//! What runs after a run, in which order, on which commit, and what is left out.

use chain::{
    Chain, ChainSettings, CommitReason, CommitSha, Problem, Refusal, SpaceId, StackFacts, UnknownUpstream,
};

use crate::account::{COMMIT, chain, graph, id, plan, root, stacks};

/// One line for each stack: what it waits for, what it looks at outside of the chain, how much waits for it.
fn lines(chain: &Chain) -> Vec<String> {
    let join = |ids: &[chain::StackId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let stacks = chain.stacks.iter().map(|stack| {
        let outside = if stack.outside.is_empty() {
            String::new()
        } else {
            format!(" ({})", join(&stack.outside))
        };
        format!(
            "{}:{}{} [{}]",
            stack.id,
            prefixed(&join(&stack.upstream)),
            outside,
            stack.remaining
        )
    });
    let left_out = chain
        .left_out
        .iter()
        .map(|left_out| format!("-{} {}", left_out.id, left_out.reason.code()));
    stacks.chain(left_out).collect()
}

fn prefixed(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" {text}")
    }
}

/// The chain after a run of the account's first stack.
#[track_caller]
fn check(account: &str, expected: &[&str]) {
    assert_eq!(lines(&chain(account)), expected, "{account}");
}

#[track_caller]
fn check_refused(account: &str, expected: &str, code: &str) {
    let refusal = plan(account).unwrap_err();
    assert_eq!((refusal.to_string().as_str(), refusal.code()), (expected, code));
    assert_eq!(serde_json::to_value(&refusal).unwrap()["code"], code);
}

#[test]
fn dependents_run_after_the_root() {
    check("vpc", &[]);
    check("vpc; other; lone: other", &[]);
    check("vpc; db: vpc; app: db", &["db: [1]", "app: db [0]"]);
}

#[test]
fn a_diamond_runs_its_join_once() {
    check(
        "vpc; db: vpc; dns: vpc; app: db dns",
        &["db: [1]", "dns: [1]", "app: db dns [0]"],
    );
}

#[test]
fn the_longest_path_comes_first() {
    check(
        "vpc; a: vpc; b: vpc; c: b; d: c",
        &["b: [2]", "c: b [1]", "a: [0]", "d: c [0]"],
    );
}

#[test]
fn upstream_outside_the_chain_is_not_run() {
    check("vpc; app: vpc iam; iam: org; org", &["app: (iam) [0]"]);
    // The root is not outside, and neither is its upstream.
    check("vpc: org; org; app: vpc org", &["app: (org) [0]"]);
}

#[test]
fn a_disabled_stack_is_left_out() {
    check(
        "vpc; db: vpc; !old: db; app: old",
        &["db: [1]", "app: db (old) [0]", "-old disabled"],
    );
    check("vpc; !old: vpc; app: old", &["app: (old) [0]", "-old disabled"]);
    check(
        "vpc; a: vpc; b: vpc; !x: a b; !y: x; app: y",
        &[
            "a: [1]",
            "b: [1]",
            "app: a b (y) [0]",
            "-x disabled",
            "-y disabled",
        ],
    );
    // The root has just run, even if it is disabled now.
    check("!vpc; db: vpc", &["db: [0]"]);
    // A stack that is not reached does not matter.
    check("vpc; db: vpc; !old", &["db: [0]"]);
}

#[test]
fn a_stack_with_an_unreadable_label_is_left_out() {
    check(
        "vpc; db: vpc DependsOn:dns; dns; app: db",
        &["app: (db) [0]", "-db unreadable_label"],
    );
    // This includes one that was not reached, if the label contains the name of one that was.
    check("vpc; db: DependsOn:vpc", &["-db unreadable_label"]);
    check(
        "vpc; db: vpc; app: Depends_on:dns,db",
        &["db: [0]", "-app unreadable_label"],
    );
    check("vpc; db: vpc; app: DependsOn:dns", &["db: [0]"]);
    // The root's own labels do not matter for its dependents.
    check("vpc: DependsOn:vpc; db: vpc", &["db: [0]"]);
    // Each has one reason.
    check("vpc; !db: vpc DependsOn:x", &["-db disabled"]);
}

#[test]
fn dependents_of_an_unknown_stack_are_skipped() {
    let chain = chain("vpc; db: vpc nowhere; app: db; other: vpc; lone: nobody");
    assert_eq!(lines(&chain), ["db: [1]", "app: db [0]", "other: [0]"]);
    let skipped = chain
        .stacks
        .iter()
        .map(|stack| stack.skipped.as_ref().map(|why| why.text.as_str()));
    assert_eq!(
        skipped.collect::<Vec<_>>(),
        [
            Some("its upstream `nowhere` does not exist or is not visible (label `dependsOn:nowhere`)"),
            Some("`db`, upstream of it, depends on a stack that does not exist or is not visible"),
            None
        ]
    );
}

#[test]
fn unknown_stacks_can_be_ignored() {
    let graph = graph("vpc; db: nowhere nowhere,vpc; app: nowhere vpc; other: nobody");
    let settings = ChainSettings {
        unknown_upstream: UnknownUpstream::Ignore,
        ..ChainSettings::default()
    };
    let chain = chain::plan(&graph, &root("vpc"), &settings).unwrap();
    assert_eq!(lines(&chain), ["app: [0]", "db: [0]", "-nowhere unknown"]);
    assert_eq!(
        chain.left_out[0].reason.to_string(),
        "it does not exist or is not visible; needed by `app` `db`"
    );
}

#[test]
fn native_dependencies_delay_stacks_but_make_none_due() {
    let mut account = stacks("vpc; a: vpc; b: vpc; far: vpc; between; other");
    let native = |names: &[&str]| names.iter().map(|name| id(name)).collect();
    account[2].native_dependencies = native(&["a"]);
    account[3].native_dependencies = native(&["between"]);
    account[4].native_dependencies = native(&["b", "other"]);
    let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
    let chain = chain::plan(&graph, &root("vpc"), &ChainSettings::default()).unwrap();
    assert_eq!(lines(&chain), ["a: [2]", "b: [1]", "far: [0]"]);
    let native: Vec<_> = chain
        .stacks
        .iter()
        .map(|stack| stack.native_upstream.clone())
        .collect();
    assert_eq!(native, [vec![], vec![id("a")], vec![id("b")]]);
}

#[test]
fn a_cycle_of_labels_and_native_dependencies_is_refused() {
    let mut account = stacks("vpc; a: vpc b; b");
    account[2].native_dependencies = vec![id("a")];
    let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
    let refusal = chain::plan(&graph, &root("vpc"), &ChainSettings::default()).unwrap_err();
    assert_eq!(refusal.to_string(), "dependency cycle: `a` -> `b` -> `a`");
}

#[test]
fn only_a_reachable_cycle_is_refused() {
    check_refused(
        "vpc; a: vpc b; b: a",
        "dependency cycle: `a` -> `b` -> `a`",
        "cycle",
    );
    check_refused("a: b; b: a", "dependency cycle: `a` -> `b` -> `a`", "cycle");
    check_refused(
        "vpc; x: vpc; a: x b; b: c; c: a",
        "dependency cycle: `a` -> `b` -> `c` -> `a`",
        "cycle",
    );
    check_refused("vpc; a: vpc a", "stack `a` depends on itself", "self_dependency");
    check_refused("a: a", "stack `a` depends on itself", "self_dependency");
    // A disabled stack is part of the cycle until the cycle is changed.
    check_refused(
        "vpc; !a: vpc b; b: a",
        "dependency cycle: `a` -> `b` -> `a`",
        "cycle",
    );
    check("vpc; db: vpc; a: b; b: a; c: c", &["db: [0]"]);
    check("vpc: a; db: vpc; a: b; b: a", &["db: [0]"]);
}

#[test]
fn an_unknown_root_is_refused() {
    let refusal = chain::plan(&graph("vpc"), &root("gone"), &ChainSettings::default()).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownRoot { stack: id("gone") });
    assert_eq!(
        refusal.to_string(),
        "stack `gone` does not exist or is not visible"
    );
}

#[test]
fn a_chain_that_is_too_large_is_refused() {
    let graph = graph("vpc; a: vpc; b: vpc; !c: vpc");
    let settings = |stacks_max, bytes_max| ChainSettings {
        stacks_max,
        bytes_max,
        ..ChainSettings::default()
    };
    let plan = |settings| chain::plan(&graph, &root("vpc"), &settings);
    let chain = plan(settings(2, 9_999)).unwrap();
    assert_eq!(
        plan(settings(1, 9_999)),
        Err(Refusal::TooManyStacks {
            stacks: 2,
            stacks_max: 1
        })
    );
    // The limit is part of the chain. With four digits its length does not vary.
    let bytes = serde_json::to_vec(&chain).unwrap().len();
    let bytes_max = u32::try_from(bytes).unwrap();
    assert!(plan(settings(2, bytes_max)).is_ok());
    let bytes_max = bytes_max - 1;
    assert_eq!(
        plan(settings(2, bytes_max)),
        Err(Refusal::TooLarge { bytes, bytes_max })
    );
}

#[test]
fn the_plan_says_which_commit_and_why() {
    let mut account = stacks("vpc; same: vpc; branch: vpc; repo: vpc; both: vpc; tracked: vpc");
    account[2].branch = "release".to_owned();
    account[3].repository = "acme/app".to_owned();
    account[4] = StackFacts {
        repository: "acme/app".to_owned(),
        branch: "release".to_owned(),
        ..account[4].clone()
    };
    account[5].labels.push("spillway:commit=tracked".to_owned());
    let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
    let choices = |root| {
        let chain = chain::plan(&graph, &root, &ChainSettings::default()).unwrap();
        let choices = chain.stacks.into_iter().map(|stack| {
            assert!(stack.tracked_commit.is_some());
            (stack.id.to_string(), stack.commit.sha, stack.commit.why)
        });
        choices.collect::<Vec<_>>()
    };
    let own = |stack: &str, why| (stack.to_owned(), None, why);
    assert_eq!(
        choices(root("vpc")),
        [
            own("both", CommitReason::OtherRepository),
            own("branch", CommitReason::OtherBranch),
            own("repo", CommitReason::OtherRepository),
            (
                "same".to_owned(),
                CommitSha::new(COMMIT),
                CommitReason::SameRepositoryAndBranch
            ),
            own("tracked", CommitReason::Label),
        ]
    );
    let unknown = choices(chain::Root {
        commit: None,
        ..root("vpc")
    });
    assert_eq!(unknown[3], own("same", CommitReason::RootCommitUnknown));
    // The branch is that of the run, and the stack may have changed its branch since.
    let elsewhere = choices(chain::Root {
        branch: "release".to_owned(),
        ..root("vpc")
    });
    assert_eq!(elsewhere[1].2, CommitReason::SameRepositoryAndBranch);
    assert_eq!(elsewhere[3].2, CommitReason::OtherBranch);
}

#[test]
fn a_plan_contains_each_stacks_properties() {
    let mut account = stacks("vpc; db: vpc");
    let space: Option<SpaceId> = Some("prod".parse().unwrap());
    account[1].space.clone_from(&space);
    account[1].locked_by = Some("alice".to_owned());
    account[1].autodeploy = false;
    let graph = chain::DependencyGraph::build(account, &chain::LabelGrammar::default());
    let chain = chain::plan(&graph, &root("vpc"), &ChainSettings::default()).unwrap();
    let db = &chain.stacks[0];
    assert_eq!((db.name.as_str(), &db.space), ("DB", &space));
    assert_eq!((db.locked_by.as_deref(), db.autodeploy), (Some("alice"), false));
    assert_eq!(chain.root, root("vpc"));
    assert_eq!(chain.version, 1);
}

#[test]
fn problems_of_planned_stacks_are_reported_once() {
    let chain = chain("vpc; db: vpc vpc nowhere; !old: vpc; other: db2 db2; db2");
    assert_eq!(
        chain.problems,
        [Problem::DuplicateEdge {
            dependent: id("db"),
            dependency: id("vpc")
        }]
    );
}

#[test]
fn a_recorded_chain_can_be_read_again() {
    let chain = chain("vpc; db: vpc vpc nowhere; !old: db; app: old DependsOn:x");
    let json = chain::render::json(&chain).unwrap();
    assert_eq!(serde_json::from_str::<Chain>(&json).unwrap(), chain);
    // Settings that did not exist when a chain was recorded have their defaults.
    let older: ChainSettings = serde_json::from_str(r#"{"on_failure":"stop"}"#).unwrap();
    assert_eq!(
        older,
        ChainSettings {
            on_failure: chain::OnFailure::Stop,
            ..ChainSettings::default()
        }
    );
}

#[test]
fn a_stack_that_is_skipped_from_the_beginning_is_not_run() {
    let chain = chain("vpc; db: vpc; app: vpc nowhere");
    let runs = chain.runs().map(|stack| stack.id.as_str());
    assert_eq!(runs.collect::<Vec<_>>(), ["db"]);
    assert_eq!(chain.stacks.len(), 2);
}

#[test]
fn the_reason_of_a_commit_is_told() {
    for (reason, expected) in [
        (
            CommitReason::SameRepositoryAndBranch,
            "the root's commit: same repository and branch",
        ),
        (CommitReason::Label, "its own tracked commit: its label says so"),
    ] {
        assert_eq!(reason.to_string(), expected);
    }
}

#[test]
fn more_cycles_than_are_listed_refuse_only_the_chains_that_reach_them() {
    let names: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
    let tangle = names.iter().map(|name| {
        let others: Vec<_> = names.iter().filter(|other| *other != name).cloned().collect();
        format!("{name}: {}", others.join(" "))
    });
    let tangle = tangle.collect::<Vec<_>>().join("; ");
    let planned = |account: &str| chain::plan(&graph(account), &root("vpc"), &ChainSettings::default());
    assert!(planned(&format!("vpc; db: vpc; {tangle}")).is_ok());
    let reached = planned(&format!("vpc; db: vpc; {tangle} vpc"));
    assert!(matches!(reached, Err(Refusal::Cycle { .. })), "{reached:?}");
}
