//! The stacks of a chain as a tree.

use std::collections::BTreeMap;

use super::View;
use super::view::Stack;

/// How deep the tree is indented. Deeper stacks are indented like the last.
const DEPTH_MAX: usize = 12;

/// A stack in the tree.
pub(super) struct Place<'a> {
    pub(super) stack: &'a Stack,
    /// The branches before it, and those in further lines of it.
    pub(super) branches: String,
    pub(super) below: String,
}

/// The stacks as a tree: each under the upstream stack that comes last, with the branches drawn before it.
pub(super) fn in_tree_order(view: &View) -> Vec<Place<'_>> {
    let number: BTreeMap<_, _> = view
        .stacks
        .iter()
        .enumerate()
        .map(|(at, stack)| (&stack.id, at))
        .collect();
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (at, stack) in view.stacks.iter().enumerate() {
        let last = stack
            .upstream
            .iter()
            .filter_map(|id| number.get(id).copied())
            .max();
        children.entry(last).or_default().push(at);
    }
    let mut lines = Vec::new();
    // Depth first, without recursion: a chain can be thousands of stacks deep.
    let mut open: Vec<(usize, String, usize, bool)> = Vec::new();
    let push = |open: &mut Vec<_>, parent: Option<usize>, prefix: &str, depth: usize| {
        let of_parent = children.get(&parent).map_or(&[][..], Vec::as_slice);
        for (nth, &child) in of_parent.iter().enumerate().rev() {
            open.push((child, prefix.to_owned(), depth, nth + 1 == of_parent.len()));
        }
    };
    push(&mut open, None, "", 0);
    while let Some((at, prefix, depth, is_last)) = open.pop() {
        let branch = if is_last { "└─ " } else { "├─ " };
        let branches = format!("{prefix}{branch}");
        let deeper = match depth {
            DEPTH_MAX.. => prefix,
            _ => prefix + if is_last { "   " } else { "│  " },
        };
        let stem = if children.contains_key(&Some(at)) {
            "│  "
        } else {
            "   "
        };
        lines.push(Place {
            stack: &view.stacks[at],
            branches,
            below: format!("{deeper}{stem}"),
        });
        push(&mut open, Some(at), &deeper, depth + 1);
    }
    lines
}
