//! A chain in the terminal: a tree of its stacks that fits the width, then the totals.

use std::collections::BTreeSet;

use chain::schedule::StackPhase;
use chain::{CommitSha, StackState};
use unicode_width::UnicodeWidthStr;

use super::View;
use super::tree::{Place, in_tree_order};
use super::view::Stack;
use crate::style::{DIM, painted, style_of};
use crate::table::{plain, wrapped};
use crate::time::took;

/// The narrowest lines of a text below a stack.
const DETAIL_MIN: usize = 16;

/// One line of the tree.
struct Line<'a> {
    /// The branches of the tree, the mark and the id.
    tree: String,
    /// The branches of the tree in further lines of the stack.
    below: String,
    phase: String,
    commit: String,
    duration: String,
    run: &'a str,
    detail: String,
}

/// The whole chain.
pub(super) fn text(view: &View, width: Option<usize>, is_wide: bool) -> String {
    let mut lines = vec![head(view, is_wide)];
    lines.extend(stacks(view, width, is_wide).into_iter().flatten());
    lines.extend(notes(view));
    lines.push(String::new());
    lines.push(totals(view));
    lines.join("\n")
}

/// The chain in at most this many lines. If there are more stacks, the active ones are kept.
pub(super) fn frame(view: &View, width: usize, height: usize) -> Vec<String> {
    let mut foot = vec![String::new()];
    let totals = totals(view);
    let mut totals = totals.lines();
    foot.extend(totals.next().map(str::to_owned));
    foot.extend(totals.flat_map(|line| wrapped(line, width)));
    // The head is one line, and so is that of the cursor.
    let room = height.saturating_sub(2 + foot.len()).max(1);
    let mut lines = vec![head(view, false)];
    lines.extend(in_room(view, stacks(view, Some(width), false), room));
    lines.extend(foot);
    lines
}

/// The stacks in at most this many lines, the active ones first of all.
fn in_room(view: &View, stacks: Vec<Vec<String>>, room: usize) -> Vec<String> {
    if stacks.iter().map(Vec::len).sum::<usize>() <= room {
        return stacks.into_iter().flatten().collect();
    }
    let is_active = |stack: &Stack| matches!(stack.state, StackState::Running | StackState::Failed);
    let order = in_tree_order(view);
    let mut by_interest: Vec<usize> = (0..stacks.len()).collect();
    by_interest.sort_by_key(|&at| !order.get(at).is_some_and(|place| is_active(place.stack)));
    let mut left = room - 1;
    let fits = |at: &usize| {
        let rest = left.checked_sub(stacks.get(*at).map_or(0, Vec::len));
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let kept: BTreeSet<usize> = by_interest.into_iter().take_while(fits).collect();
    let hidden = stacks.len() - kept.len();
    let shown = stacks.into_iter().enumerate().filter(|(at, _)| kept.contains(at));
    let mut lines: Vec<String> = shown.flat_map(|(_, lines)| lines).collect();
    lines.push(painted(&format!("… and {hidden} more"), DIM));
    lines
}

/// The line below the stacks. For a chain without stacks it is everything.
pub(super) fn totals(view: &View) -> String {
    let state = view.state.to_string();
    let mut text = painted(&state, style_of(&state).bold());
    if !view.stacks.is_empty() {
        text += &format!(": {}", view.counts);
    }
    if let Some(duration) = view.duration_s {
        text += &format!(", {}", took(duration));
    }
    if let Some(reason) = &view.reason {
        text += &format!("\n{}", plain(&reason.text));
    }
    text
}

fn head(view: &View, is_wide: bool) -> String {
    let root = &view.root;
    let mut text = format!(
        "{}  {}",
        painted(root.stack.as_str(), style_of("").bold()),
        root.branch
    );
    if let Some(commit) = &root.commit {
        text += &format!(" @ {}", commit.short());
    }
    if is_wide && let Some(run) = &root.run {
        text += &format!(", run {run}");
    }
    if let Some(by) = &view.by {
        text += &format!(", by {}", plain(by));
    }
    text
}

fn notes(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(before) = &view.retry_of {
        let reason = view.retry_reason.as_ref();
        let reason = reason.map_or_else(String::new, |reason| format!(": {}", plain(&reason.text)));
        lines.push(String::new());
        lines.push(format!("Retry of {before}{reason}"));
    }
    if let Some(order) = &view.last_order
        && view.reason.as_ref() != Some(order)
    {
        lines.push(String::new());
        lines.push(format!("Last order: {}", plain(&order.text)));
    }
    if let Some(reason) = &view.downstream {
        lines.push(String::new());
        lines.push(format!("Downstream: {}", plain(&reason.text)));
    }
    if let Some(reason) = &view.waits_for_approval {
        lines.push(String::new());
        lines.push(format!("Waits for approval: {}", plain(&reason.text)));
        lines.push(format!(
            "Run `spillway chain approve {}` to let it begin.",
            view.id
        ));
    }
    if !view.left_out.is_empty() {
        lines.push(String::new());
        lines.push("Left out:".to_owned());
        for left_out in &view.left_out {
            lines.push(format!(
                "  {}: {}",
                left_out.id,
                plain(&left_out.reason.to_string())
            ));
        }
    }
    lines
}

/// The lines of each stack. What it waits for or why it failed is below it where there is no room beside it.
fn stacks(view: &View, width: Option<usize>, is_wide: bool) -> Vec<Vec<String>> {
    let lines: Vec<Line<'_>> = in_tree_order(view)
        .into_iter()
        .map(
            |Place {
                 stack,
                 branches,
                 below,
             }| Line {
                tree: format!("{branches}{} {}", mark(stack.state), stack.id),
                below,
                phase: phase(stack),
                commit: stack
                    .commit
                    .as_ref()
                    .map(CommitSha::short)
                    .unwrap_or_default()
                    .to_owned(),
                duration: stack.duration_s.map(took).unwrap_or_default(),
                run: stack.run.as_ref().map_or("", chain::RunId::as_str),
                detail: detail(stack),
            },
        )
        .collect();
    let widest = |cell: &dyn Fn(&Line<'_>) -> usize| lines.iter().map(cell).max().unwrap_or_default();
    let tree = widest(&|line| line.tree.chars().count());
    let phase = widest(&|line| line.phase.chars().count());
    let commit = widest(&|line| line.commit.chars().count());
    let duration = widest(&|line| line.duration.chars().count());
    let run = if is_wide {
        widest(&|line| line.run.chars().count())
    } else {
        0
    };
    let columns = [tree, phase, commit, duration, run];
    let used: usize = columns
        .iter()
        .filter(|&&width| width > 0)
        .map(|width| width + 2)
        .sum();
    let width = width.filter(|_| !is_wide);
    lines
        .iter()
        .map(|line| {
            let mut text = padded(&line.tree, &line.tree, tree);
            let style = style_of(&line.phase);
            text += &padded(&line.phase, &painted(&line.phase, style), phase);
            text += &padded(&line.commit, &line.commit, commit);
            text += &padded(&line.duration, &line.duration, duration);
            text += &padded(line.run, line.run, run);
            match width {
                Some(width) if used + line.detail.width() > width => {
                    let room = width.saturating_sub(line.below.width()).max(DETAIL_MIN);
                    let below = wrapped(&line.detail, room);
                    let below = below.iter().map(|text| format!("{}{text}", line.below));
                    [text.trim_end().to_owned()].into_iter().chain(below).collect()
                }
                _ => vec![(text + &line.detail).trim_end().to_owned()],
            }
        })
        .collect()
}

/// A cell with its padding. A column without any text takes no space.
fn padded(plain: &str, shown: &str, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    let blanks = width.saturating_sub(plain.chars().count()) + 2;
    format!("{shown}{}", " ".repeat(blanks))
}

fn mark(state: StackState) -> &'static str {
    match state {
        StackState::Waiting => "·",
        StackState::Running => "▶",
        StackState::Succeeded => "✓",
        StackState::Failed => "✗",
        StackState::Skipped => "↷",
    }
}

/// The state, or what a stack that runs does or waits for.
pub(super) fn phase(stack: &Stack) -> String {
    let phase = match stack.phase {
        Some(StackPhase::Applying) => "applying",
        Some(StackPhase::Queued) => "queued",
        Some(StackPhase::Triggering) => "triggering",
        Some(StackPhase::WaitsForPerson) => "unconfirmed",
        Some(StackPhase::WaitsForWorker) => "no worker",
        Some(StackPhase::Held) => "held",
        Some(StackPhase::Paused) => "paused",
        Some(StackPhase::Halted) => "halted",
        _ => return stack.state.to_string(),
    };
    phase.to_owned()
}

pub(super) fn detail(stack: &Stack) -> String {
    let text = state_detail(stack);
    match stack.failed_runs.len() {
        0 => text,
        failed if text.is_empty() => format!("after {failed} failed"),
        failed => format!("{text}, after {failed} failed"),
    }
}

fn state_detail(stack: &Stack) -> String {
    let reason = stack.reason.as_ref().map(|reason| reason.text.as_str());
    match (reason, &stack.message) {
        (Some(reason), _) => plain(reason),
        // The state says so.
        (None, _) if matches!(stack.phase, Some(StackPhase::Running | StackPhase::Applying)) => String::new(),
        (None, Some(message)) => plain(message),
        (None, None) if stack.state == StackState::Waiting && !stack.upstream.is_empty() => {
            format!("after {}", chain::render::names(&stack.upstream))
        }
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    /// `db` failed, and `app`, which waits for it and for `dns`, is skipped.
    fn view() -> View {
        let stack = |id: &str, state, reason: Option<&str>, upstream: &[&str]| Stack {
            reason: reason.map(|text| chain::Reason::new(chain::ReasonCode::RunFailed, text)),
            upstream: upstream.iter().map(|id| id.parse().unwrap()).collect(),
            ..Stack::without_run(id, state)
        };
        let locked = "the stack is locked by alice, who repairs it";
        View {
            stacks: vec![
                Stack {
                    phase: Some(StackPhase::Held),
                    message: Some(locked.to_owned()),
                    ..stack("db", StackState::Waiting, None, &[])
                },
                stack("dns", StackState::Failed, Some("its run ended as FAILED"), &[]),
                stack(
                    "app",
                    StackState::Skipped,
                    Some("`dns` failed upstream"),
                    &["db", "dns"],
                ),
                stack("jobs", StackState::Waiting, None, &["db"]),
            ],
            ..View::planning("network".parse().unwrap())
        }
    }

    #[track_caller]
    fn check(width: usize, expected: &str) {
        let lines: Vec<String> = stacks(&view(), Some(width), false).concat();
        let lines: Vec<String> = lines.iter().map(|line| strip_str(line).to_string()).collect();
        assert_eq!(lines.join("\n"), expected.trim_start_matches('\n'), "{width}");
    }

    #[test]
    fn a_reason_without_room_beside_its_stack_is_below_it() {
        check(
            80,
            "
├─ · db       held     the stack is locked by alice, who repairs it
│  └─ · jobs  waiting  after db
└─ ✗ dns      failed   its run ended as FAILED
   └─ ↷ app   skipped  `dns` failed upstream",
        );
        check(
            46,
            "
├─ · db       held
│  │  the stack is locked by alice, who
│  │  repairs it
│  └─ · jobs  waiting  after db
└─ ✗ dns      failed   its run ended as FAILED
   └─ ↷ app   skipped  `dns` failed upstream",
        );
    }

    #[test]
    fn a_frame_has_no_more_lines_than_the_terminal() {
        let view = view();
        for (height, shown) in [(12, "db dns app jobs"), (7, "dns"), (5, "")] {
            let frame = frame(&view, 44, height);
            assert!(frame.len() < height, "{height}: {frame:#?}");
            let text = frame.join("\n");
            for stack in ["db", "dns", "app", "jobs"] {
                let is_shown = shown.split(' ').any(|id| id == stack);
                assert_eq!(text.contains(&format!(" {stack} ")), is_shown, "{height}: {text}");
            }
        }
    }
}
