//! Mermaid and DOT.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::{Chain, ChainRecord, StackState};

const CLASSES: &[(StackState, &str)] = &[
    (StackState::Waiting, "#e8e8e8"),
    (StackState::Running, "#cfe2ff"),
    (StackState::Succeeded, "#d1e7dd"),
    (StackState::Failed, "#f8d7da"),
    (StackState::Skipped, "#fff3cd"),
];

pub(super) fn mermaid(chain: &Chain, record: Option<&ChainRecord>) -> String {
    let mut out = String::from("flowchart TD\n");
    if !runs_root(chain) {
        let _ = writeln!(out, "    root([\"{}\"])", mermaid_text(chain.root.stack.as_str()));
    }
    for (at, stack) in chain.stacks.iter().enumerate() {
        let class = state(record, at).map_or(String::new(), |state| format!(":::{state}"));
        let _ = writeln!(out, "    s{at}[\"{}\"]{class}", mermaid_text(stack.id.as_str()));
    }
    for_each_edge(chain, |from, to| {
        let from = from.map_or("root".to_owned(), |from| format!("s{from}"));
        let _ = writeln!(out, "    {from} --> s{to}");
    });
    if record.is_some() {
        for (state, colour) in CLASSES {
            let _ = writeln!(out, "    classDef {state} fill:{colour}");
        }
    }
    out
}

pub(super) fn dot(chain: &Chain, record: Option<&ChainRecord>) -> String {
    let mut out = String::from("digraph chain {\n    rankdir=LR;\n    node [shape=box];\n");
    let name =
        |at: Option<usize>| dot_text(at.map_or(chain.root.stack.as_str(), |at| chain.stacks[at].id.as_str()));
    if !runs_root(chain) {
        let _ = writeln!(out, "    {} [shape=oval];", name(None));
    }
    for at in 0..chain.stacks.len() {
        let colour = state(record, at).and_then(|state| CLASSES.iter().find(|(other, _)| *other == state));
        let _ = match colour {
            Some((state, colour)) => {
                writeln!(
                    out,
                    "    {} [style=filled, fillcolor=\"{colour}\", tooltip=\"{state}\"];",
                    name(Some(at))
                )
            }
            None => writeln!(out, "    {};", name(Some(at))),
        };
    }
    for_each_edge(chain, |from, to| {
        let _ = writeln!(out, "    {} -> {};", name(from), name(Some(to)));
    });
    out.push_str("}\n");
    out
}

fn state(record: Option<&ChainRecord>, at: usize) -> Option<StackState> {
    record?.progress().get(at).map(|stack| stack.state)
}

/// Whether the root is one of the stacks, since a person requested the chain. Then it is not drawn twice.
fn runs_root(chain: &Chain) -> bool {
    chain.stacks.iter().any(|stack| stack.id == chain.root.stack)
}

/// Every edge, by the numbers of its stacks. Stacks without an upstream in the chain have an edge from the root, unless it is
/// one of them.
fn for_each_edge(chain: &Chain, mut edge: impl FnMut(Option<usize>, usize)) {
    let number: BTreeMap<_, _> = chain
        .stacks
        .iter()
        .enumerate()
        .map(|(at, stack)| (&stack.id, at))
        .collect();
    let has_root = !runs_root(chain);
    for (to, stack) in chain.stacks.iter().enumerate() {
        if stack.upstream.is_empty() && has_root {
            edge(None, to);
        }
        stack
            .upstream
            .iter()
            .filter_map(|id| number.get(id))
            .for_each(|&from| edge(Some(from), to));
    }
}

fn mermaid_text(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;")
}

fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
