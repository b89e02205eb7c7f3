//! `spillway chain list`.

use std::collections::{BTreeMap, BTreeSet};

use chain::StackId;
use chain::render::names;
use chain::schedule::StackPhase;
use clap::Args;
use futures::StreamExt;
use temporal_client::WorkflowClient;

use super::view::Stack;
use super::{State, View};
use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::json::Time;
use crate::output::Output;
use crate::progress::during;
use crate::table::Table;
use crate::temporal;
use crate::time::{shown, took};

/// How many chains are asked for their state at the same time. One whose worker is gone answers only after a time-out.
const AT_ONCE: usize = 10;

/// How many reasons are shown of one chain, and how many stacks of one reason.
const NOTES_MAX: usize = 3;
const NAMES_MAX: usize = 3;

const NO_CHAINS: &str = "There are no chains yet. A chain begins when a run that Spillway did not trigger has finished, or with \
                         `spillway chain start`.";

/// List chains: open ones first, then the others, the latest first.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The maximum number of chains.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

impl ListArguments {
    pub(crate) fn run(self) -> Done {
        block_on(async {
            let workflows = temporal::connect().await?;
            let limit = usize::try_from(self.limit)?;
            let summaries = during("Reading the chains", workflows.chains(limit)).await?;
            let now = Time::now();
            let mut reports = futures::stream::iter(summaries)
                .map(async |summary| (workflows.report(&summary.id, summary.status).await, summary.id))
                .buffered(AT_ONCE);
            let mut chains = Vec::new();
            let mut unreadable = Vec::new();
            while let Some((report, chain)) = during("Reading the chains", reports.next()).await {
                match report {
                    Ok(report) => chains.push(View::of(&report, now)),
                    Err(error) => unreadable.push((chain, anyhow::Error::new(error))),
                }
            }
            during("Reading the schedule", explain(&workflows, &mut chains)).await;
            self.output
                .list(&chains, &table(&chains, self.output.is_wide()), NO_CHAINS)?;
            for (chain, error) in &unreadable {
                crate::output::warning(&format!("{chain}: {}", crate::failure::in_one_line(error)));
            }
            Ok(Exit::of(unreadable.is_empty()))
        })
    }
}

/// Adds what the stacks of open chains wait for. If the schedule cannot answer, the chains are shown without it.
async fn explain(workflows: &WorkflowClient, chains: &mut [View]) {
    let open = chains.iter().filter(|chain| !chain.state.is_over());
    let accounts: BTreeSet<_> = open.filter_map(|chain| chain.id.account()).collect();
    for account in &accounts {
        let Ok(Some(schedule)) = workflows.schedule_report(account).await else {
            continue;
        };
        for chain in chains.iter_mut().filter(|chain| !chain.state.is_over()) {
            chain.explain(&schedule);
        }
    }
}

/// What keeps a chain from going on, in a few words: a person, a lock, a freeze.
fn notes(chain: &View) -> Vec<String> {
    if chain.state.is_over() {
        return Vec::new();
    }
    if let Some(reason) = &chain.waits_for_approval {
        return vec![format!("needs an approval: {}", reason.text)];
    }
    let pause = chain.last_order.iter().filter(|_| chain.state == State::Paused);
    let mut notes: Vec<String> = pause.map(|order| order.text.clone()).collect();
    let person = |stack: &Stack| stack.phase == Some(StackPhase::WaitsForPerson);
    let mut by_reason: BTreeMap<&str, Vec<StackId>> = BTreeMap::new();
    for stack in &chain.stacks {
        let is_held = matches!(stack.phase, Some(StackPhase::Held | StackPhase::Halted));
        match &stack.message {
            _ if person(stack) => by_reason.entry("").or_default().push(stack.id.clone()),
            Some(message) if is_held => by_reason.entry(message).or_default().push(stack.id.clone()),
            _ => {}
        }
    }
    let hidden = by_reason.len().saturating_sub(NOTES_MAX);
    notes.extend(by_reason.into_iter().take(NOTES_MAX).map(|(reason, stacks)| {
        let (names, is_one) = (some_of(&stacks), stacks.len() == 1);
        match reason {
            "" if is_one => format!("{names} waits for a person"),
            "" => format!("{names} wait for a person"),
            reason => format!("{names}: {reason}"),
        }
    }));
    if hidden > 0 {
        notes.push(format!("… and {hidden} more"));
    }
    notes
}

/// The first names of many.
fn some_of(stacks: &[StackId]) -> String {
    match stacks.split_at_checked(NAMES_MAX) {
        Some((first, rest)) if !rest.is_empty() => {
            let first: Vec<&str> = first.iter().map(StackId::as_str).collect();
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => names(stacks),
    }
}

fn table(chains: &[View], is_wide: bool) -> Table {
    let mut table = Table::with_head(["chain", "root", "state", "stacks", "started", "duration", "by"])
        .only_wide(["by"])
        .only_if_fits(["duration", "started"])
        .below_if_narrow("stacks");
    for chain in chains {
        let notes = notes(chain);
        let mut stacks = chain.counts.to_string();
        if is_wide {
            stacks = [&[stacks], notes.as_slice()].concat().join("; ");
        }
        table.row([
            chain.id.as_str(),
            chain.root.stack.as_str(),
            &chain.state.to_string(),
            &stacks,
            &chain.started_at.map(shown).unwrap_or_default(),
            &chain.duration_s.map(took).unwrap_or_default(),
            chain.by.as_deref().unwrap_or_default(),
        ]);
        if !is_wide {
            for note in &notes {
                table.note(note);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use chain::StackState;

    use super::*;

    #[test]
    fn what_keeps_a_chain_from_going_on_is_noted_once() {
        let stack = |id: &str, phase, message: &str| Stack {
            phase: Some(phase),
            message: Some(message.to_owned()),
            ..Stack::without_run(id, StackState::Waiting)
        };
        let view = View {
            state: State::Running,
            stacks: vec![
                stack("a", StackPhase::Held, "the account is frozen by bob"),
                stack("b", StackPhase::WaitsForPerson, "its run 01J waits for a person"),
                stack("c", StackPhase::Held, "the account is frozen by bob"),
                stack("d", StackPhase::WaitsForUpstream, "after a"),
                stack("e", StackPhase::Held, "the stack is locked by alice"),
            ],
            ..View::planning("root".parse().unwrap())
        };
        assert_eq!(
            notes(&view),
            [
                "b waits for a person",
                "a and c: the account is frozen by bob",
                "e: the stack is locked by alice"
            ]
        );
        let over = View {
            state: State::Failed,
            ..view
        };
        assert!(notes(&over).is_empty());
    }

    #[test]
    fn only_the_first_of_many_stacks_are_named() {
        let ids = |text: &str| text.split(' ').map(|id| id.parse().unwrap()).collect::<Vec<_>>();
        for (stacks, expected) in [
            ("a", "a"),
            ("a b c", "a, b and c"),
            ("a b c d e", "a, b, c and 2 more"),
        ] {
            assert_eq!(some_of(&ids(stacks)), expected);
        }
    }
}
