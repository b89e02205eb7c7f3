//! The stacks that a merge would run, for a comment on a pull request.

use std::fmt::Write as _;

use super::text::cell;
use crate::{Chain, ChainStack, CommitReason};

/// How many stacks the table shows, since comments have a limit.
const ROWS_MAX: usize = 100;

pub(super) fn markdown(chain: &Chain) -> String {
    let mut out = String::new();
    let root = cell(chain.root.stack.as_str());
    let count = chain.stacks.len();
    let _ = match count {
        0 => writeln!(out, "**Nothing else runs after `{root}`.**"),
        1 => writeln!(out, "**1 stack runs after `{root}`:**"),
        _ => writeln!(out, "**{count} stacks run after `{root}`:**"),
    };
    if count > 0 {
        out.push_str("\n| stack | after | commit | |\n|---|---|---|---|\n");
    }
    for stack in chain.stacks.iter().take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            cell(stack.id.as_str()),
            after(stack, &root),
            commit(stack),
            cell(&notes(stack).join(", "))
        );
    }
    if let Some(hidden) = count.checked_sub(ROWS_MAX).filter(|hidden| *hidden > 0) {
        let _ = writeln!(out, "\n… and {hidden} more");
    }
    if let Some(reason) = &chain.downstream {
        let _ = writeln!(out, "\n{}", cell(&reason.text));
    }
    if let Some(reason) = &chain.needs_approval {
        let _ = writeln!(out, "\nThe chain waits for approval: {}", cell(&reason.text));
    }
    if !chain.left_out.is_empty() {
        out.push_str("\nLeft out:\n\n");
        for left_out in chain.left_out.iter().take(ROWS_MAX) {
            let (id, reason) = (cell(left_out.id.as_str()), cell(&left_out.reason.to_string()));
            let _ = writeln!(out, "- `{id}`: {reason}");
        }
    }
    out
}

fn after(stack: &ChainStack, root: &str) -> String {
    let upstream = stack.upstream.iter().chain(&stack.native_upstream);
    let upstream: Vec<String> = upstream
        .map(|other| format!("`{}`", cell(other.as_str())))
        .collect();
    if upstream.is_empty() {
        format!("`{root}`")
    } else {
        upstream.join(", ")
    }
}

fn commit(stack: &ChainStack) -> &'static str {
    match stack.commit.why {
        CommitReason::SameRepositoryAndBranch => "the merged one",
        CommitReason::OtherRepository => "its own: another repository",
        CommitReason::OtherBranch => "its own: another branch",
        CommitReason::RootCommitUnknown => "its own",
        CommitReason::Label => "its own: its label says so",
    }
}

fn notes(stack: &ChainStack) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &stack.skipped {
        notes.push(format!("skipped: {reason}"));
    }
    if !stack.autodeploy {
        notes.push("needs confirmation".to_owned());
    }
    notes.extend(stack.locked_by.as_ref().map(|by| format!("locked by {by}")));
    if !stack.policy.is_default() {
        notes.push(format!("labels: {}", stack.policy));
    }
    notes
}
