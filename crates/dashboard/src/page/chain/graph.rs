//! The graph of a chain. Stacks that have not run are drawn from the start.

use chain::ChainRecord;

use super::{edges, row};
use crate::layout::layout;
use crate::page::ShownState;
use crate::page::drawing::{Drawing, Node, place};
use crate::words::{counted, cut, duration};

/// A root that has run stands before everything that waits for nothing else in the chain. A root that belongs to the
/// chain is among its stacks.
pub(super) fn drawing(record: &ChainRecord, chosen: &str, chain_path: &str) -> Drawing {
    let chain = record.chain();
    let shift = usize::from(!chain.root.is_due);
    let count = chain.stacks.len() + shift;
    let mut edges: Vec<(usize, usize)> = edges(record)
        .into_iter()
        .map(|(from, to)| (from + shift, to + shift))
        .collect();
    if shift == 1 {
        let mut is_first = vec![true; count];
        for &(_, to) in &edges {
            is_first[to] = false;
        }
        edges.extend((1..count).filter(|&to| is_first[to]).map(|to| (0, to)));
    }
    let drawn = layout(count, &edges);
    let node = |at: usize| {
        let (x, y) = drawn.nodes[at];
        (place(x), place(y), drawn.edges_of(&edges, at))
    };
    let mut nodes = Vec::with_capacity(count);
    if shift == 1 {
        let (x, y, own) = node(0);
        nodes.push(Node {
            x,
            y,
            class: "root",
            mark: "◆",
            name: cut(chain.root.stack.as_str(), Drawing::NAME_MAX),
            id: chain.root.stack.to_string(),
            below: "root".to_owned(),
            path: None,
            is_chosen: false,
            edges: own,
        });
    }
    for (at, (stack, progress)) in chain.stacks.iter().zip(record.progress()).enumerate() {
        let (x, y, own) = node(at + shift);
        let state = ShownState::of_stack(progress);
        let took = progress.started_at_ms.zip(progress.finished_at_ms);
        nodes.push(Node {
            x,
            y,
            class: state.class(),
            mark: state.mark(),
            name: cut(stack.id.as_str(), Drawing::NAME_MAX),
            id: stack.id.to_string(),
            below: match took {
                Some((from, until)) => format!("{} · {}", state.words(), duration(until - from)),
                None => state.words().to_owned(),
            },
            path: Some(row::path(chain_path, &stack.id)),
            is_chosen: stack.id.as_str() == chosen,
            edges: own,
        });
    }
    let words = format!(
        "The graph of {}, from left to right in the order in which they run",
        counted(chain.stacks.len(), "stack", "stacks")
    );
    Drawing::new(drawn, nodes, words)
}
