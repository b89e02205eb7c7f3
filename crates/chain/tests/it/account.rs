//! An account in one line: `"vpc; db: vpc; !old: db; app: old db"`, where `app` depends on `old` and on `db`, and `old`
//! is disabled. A word that begins with a capital letter is a complete label.

use chain::{
    Chain, ChainSettings, CommitSha, DependencyGraph, LabelGrammar, Refusal, Root, StackFacts, StackId,
};

pub(crate) const COMMIT: &str = "0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb";

pub(crate) fn id(text: &str) -> StackId {
    text.parse().unwrap()
}

pub(crate) fn stack(name: &str, labels: &[&str]) -> StackFacts {
    StackFacts {
        id: id(name),
        name: name.to_uppercase(),
        space: None,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        disabled: false,
        locked_by: None,
        repository: "acme/infra".to_owned(),
        branch: "main".to_owned(),
        tracked_commit: CommitSha::new("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        autodeploy: true,
        native_dependencies: Vec::new(),
    }
}

pub(crate) fn stacks(account: &str) -> Vec<StackFacts> {
    account
        .split(';')
        .map(|line| {
            let (name, upstream) = line.split_once(':').unwrap_or((line, ""));
            let labels: Vec<String> = upstream
                .split_whitespace()
                .map(|word| {
                    let is_label = word.starts_with(char::is_uppercase);
                    if is_label {
                        word.to_owned()
                    } else {
                        format!("dependsOn:{word}")
                    }
                })
                .collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let name = name.trim();
            let disabled = name.starts_with('!');
            StackFacts {
                disabled,
                ..stack(name.trim_start_matches('!'), &labels)
            }
        })
        .collect()
}

pub(crate) fn graph(account: &str) -> DependencyGraph {
    DependencyGraph::build(stacks(account), &LabelGrammar::default())
}

pub(crate) fn root(stack: &str) -> Root {
    Root {
        run: Some("01JSPXRQR2F3Y06HD85YYXRSZ7".parse().unwrap()),
        commit: CommitSha::new(COMMIT),
        is_due: false,
        ..Root::requested("acme".parse().unwrap(), id(stack), "main")
    }
}

/// The plan after a run of the account's first stack.
pub(crate) fn plan(account: &str) -> Result<Chain, Refusal> {
    let stacks = stacks(account);
    let first = stacks[0].id.to_string();
    let graph = DependencyGraph::build(stacks, &LabelGrammar::default());
    chain::plan(&graph, &root(&first), &ChainSettings::default())
}

#[track_caller]
pub(crate) fn chain(account: &str) -> Chain {
    plan(account).unwrap()
}
