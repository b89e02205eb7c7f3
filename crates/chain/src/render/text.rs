//! The tree and the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{mark, names};
use crate::reason::with_reason;
use crate::{Chain, ChainRecord, ChainStack, CommitReason, Root, StackProgress, StackState};

/// How many stacks the table shows, running and failed ones first, and how many left-out ones. Temporal's UI requests
/// the whole text repeatedly, and the worker renders it again at every step.
pub const MARKDOWN_ROWS_MAX: usize = 100;

/// The deepest indentation of the tree. Deeper stacks stay in the last column, because a long chain would become a
/// triangle.
const INDENT_MAX: usize = 24;

pub(super) fn tree(chain: &Chain, record: Option<&ChainRecord>) -> String {
    let mut out = String::new();
    let root = &chain.root;
    let _ = write!(out, "{} (root", root.stack);
    if let Some(run) = &root.run {
        let _ = write!(out, ", run {run}");
    }
    let _ = match &root.commit {
        Some(commit) => writeln!(out, ", {} @ {})", root.branch, commit.short()),
        None => writeln!(out, ", {})", root.branch),
    };

    if let Some(before) = &root.retry_of {
        let _ = writeln!(out, "{}", retry_of(root, before.as_str()));
    }

    // Depth first, without recursion: a chain can be thousands of stacks deep.
    let children = children(chain);
    let mut open: Vec<(usize, String, bool)> = Vec::new();
    let push = |open: &mut Vec<(usize, String, bool)>, parent: Option<usize>, prefix: &str| {
        let of_parent = children.get(&parent).map_or(&[][..], Vec::as_slice);
        for (nth, &child) in of_parent.iter().enumerate().rev() {
            open.push((child, prefix.to_owned(), nth + 1 == of_parent.len()));
        }
    };
    push(&mut open, None, "");
    while let Some((at, prefix, is_last)) = open.pop() {
        let stack = &chain.stacks[at];
        out.push_str(&prefix);
        out.push_str(if is_last { "└─ " } else { "├─ " });
        stack_line(
            &mut out,
            stack,
            record.and_then(|record| record.progress().get(at)),
        );
        let deeper = if prefix.chars().count() >= INDENT_MAX * 3 {
            prefix
        } else {
            prefix + if is_last { "   " } else { "│  " }
        };
        push(&mut open, Some(at), &deeper);
    }

    summary(&mut out, chain, record);
    out
}

/// Which chain is retried, and why.
fn retry_of(root: &Root, before: &str) -> String {
    let reason = root.retry_reason.as_ref().map(|reason| reason.text.as_str());
    with_reason(&format!("Retry of {before}"), reason)
}

/// The stacks that are shown under each stack, and under the root.
fn children(chain: &Chain) -> BTreeMap<Option<usize>, Vec<usize>> {
    let number: BTreeMap<_, _> = chain
        .stacks
        .iter()
        .enumerate()
        .map(|(at, stack)| (&stack.id, at))
        .collect();
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (at, stack) in chain.stacks.iter().enumerate() {
        let last = stack
            .upstream
            .iter()
            .filter_map(|id| number.get(id).copied())
            .max();
        children.entry(last).or_default().push(at);
    }
    children
}

fn stack_line(out: &mut String, stack: &ChainStack, progress: Option<&StackProgress>) {
    if let Some(progress) = progress {
        let _ = write!(out, "{} ", mark(progress.state));
    }
    let _ = write!(out, "{}", stack.id);
    if let Some(sha) = &stack.commit.sha {
        let _ = write!(out, " @ {}", sha.short());
    } else {
        let _ = match &stack.tracked_commit {
            Some(sha) => write!(out, " @ {}, its tracked commit", sha.short()),
            None => write!(out, " @ tracked commit"),
        };
        out.push_str(match stack.commit.why {
            CommitReason::OtherRepository => " (another repository)",
            CommitReason::OtherBranch => " (another branch)",
            // Its policy follows.
            CommitReason::Label => "",
            _ => " (the root's is not known)",
        });
    }
    if stack.upstream.len() > 1 {
        let _ = write!(out, ", after {}", names(&stack.upstream));
    }
    if !stack.native_upstream.is_empty() {
        let all = names(&stack.native_upstream);
        let _ = write!(out, ", after {all} by Spacelift's own dependency");
    }
    if !stack.outside.is_empty() {
        let _ = write!(out, ", waits for {} if under way", names(&stack.outside));
    }
    if !stack.autodeploy {
        out.push_str(", needs confirmation");
    }
    if let Some(by) = &stack.locked_by {
        let _ = write!(out, ", locked by {by}");
    }
    if !stack.policy.is_default() {
        let _ = write!(out, ", by its labels {}", stack.policy);
    }
    if let Some(progress) = progress {
        let _ = write!(out, ": {}", words(progress));
    } else if let Some(reason) = &stack.skipped {
        let _ = write!(out, ": skipped, {reason}");
    }
    out.push('\n');
}

/// A stack's state in words.
fn words(progress: &StackProgress) -> String {
    let mut words = progress.state.to_string();
    if let Some(run) = &progress.run {
        let _ = write!(words, ", run {run}");
    }
    if !progress.failed_runs.is_empty() {
        let _ = write!(words, " after {} failed", progress.failed_runs.len());
    }
    if let Some(reason) = &progress.reason {
        let _ = write!(words, ", {reason}");
    }
    if let Some(note) = &progress.note {
        let _ = write!(words, ", {note}");
    }
    words.replace(['\n', '\r'], " ")
}

fn summary(out: &mut String, chain: &Chain, record: Option<&ChainRecord>) {
    match record {
        Some(record) => {
            let _ = writeln!(
                out,
                "\n{}{}",
                record.counts(),
                if record.is_paused() { ", paused" } else { "" }
            );
            if let Some(reason) = record.cancelled().or(record.ordered()) {
                let _ = writeln!(out, "{reason}");
            }
            if let Some(reason) = record.unapproved() {
                let _ = writeln!(out, "waits for approval: {reason}");
            }
        }
        None if chain.stacks.is_empty() => out.push_str("\nnothing to run\n"),
        None => {
            let (count, parallel) = (chain.stacks.len(), chain.settings.parallel_runs);
            let plural = if count == 1 { "" } else { "s" };
            let _ = writeln!(
                out,
                "\n{count} stack{plural}, {parallel} at a time, on failure: {}",
                chain.settings.on_failure
            );
            if let Some(reason) = &chain.needs_approval {
                let _ = writeln!(out, "it would wait for approval: {reason}");
            }
        }
    }
    if let Some(reason) = &chain.downstream {
        let _ = writeln!(out, "{reason}");
    }
    if !chain.left_out.is_empty() {
        out.push_str("\nleft out:\n");
        for left_out in &chain.left_out {
            let _ = writeln!(out, "  {}: {}", left_out.id, left_out.reason);
        }
    }
    if !chain.problems.is_empty() {
        out.push_str("\nproblems:\n");
        for problem in &chain.problems {
            let _ = writeln!(out, "  {}: {problem}", problem.severity());
        }
    }
}

pub(super) fn markdown(record: &ChainRecord) -> String {
    let mut out = String::new();
    let chain = record.chain();
    let paused = if record.is_paused() { ", paused" } else { "" };
    let _ = writeln!(
        out,
        "**After `{}`:** {}{paused}",
        cell(chain.root.stack.as_str()),
        record.counts()
    );
    if let Some(before) = &chain.root.retry_of {
        let retry = retry_of(&chain.root, &format!("`{before}`"));
        let _ = writeln!(out, "\n{}", cell(&retry));
    }
    if let Some(reason) = record.unapproved() {
        let text = cell(&reason.text);
        let _ = writeln!(
            out,
            "\n**Waits for approval:** {text}. `spillway chain approve` lets it begin."
        );
    }
    if let Some(reason) = record.cancelled().or(record.ordered()) {
        let _ = writeln!(out, "\n{}", cell(&reason.text));
    }
    if let Some(reason) = &chain.downstream {
        let _ = writeln!(out, "\n{}", cell(&reason.text));
    }
    let all = record.progress();
    let is_first = |stack: &&StackProgress| {
        all.len() <= MARKDOWN_ROWS_MAX || matches!(stack.state, StackState::Running | StackState::Failed)
    };
    let first = all.iter().filter(is_first);
    let rows = first.chain(all.iter().filter(|stack| !is_first(stack)));
    if !all.is_empty() {
        out.push_str("\n| | stack | state |\n|---|---|---|\n");
    }
    for stack in rows.take(MARKDOWN_ROWS_MAX) {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} |",
            mark(stack.state),
            cell(stack.id.as_str()),
            cell(&words(stack))
        );
    }
    more(&mut out, all.len());
    if !chain.left_out.is_empty() {
        out.push_str("\nLeft out:\n\n");
        for left_out in chain.left_out.iter().take(MARKDOWN_ROWS_MAX) {
            let (id, reason) = (cell(left_out.id.as_str()), cell(&left_out.reason.to_string()));
            let _ = writeln!(out, "- `{id}`: {reason}");
        }
        more(&mut out, chain.left_out.len());
    }
    out
}

/// How many of `count` are not shown.
fn more(out: &mut String, count: usize) {
    if let Some(hidden) = count.checked_sub(MARKDOWN_ROWS_MAX).filter(|&hidden| hidden > 0) {
        let _ = writeln!(out, "\n… and {hidden} more");
    }
}

/// A text that cannot end a table cell or begin a new line.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
