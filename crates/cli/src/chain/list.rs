//! `spillway chain list`.

use std::collections::BTreeSet;

use chain::schedule::StackPhase;
use clap::Args;
use futures::StreamExt;
use temporal_client::WorkflowClient;

use super::View;
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
                .list(&chains, &table(&chains), "There are no chains yet.")?;
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

/// How many stacks are in each state, and what waits for a person.
fn stacks(chain: &View) -> String {
    let counts = chain.counts;
    if chain.waits_for_approval.is_some() {
        return format!("{counts}; needs an approval");
    }
    let waiting = chain.stacks.iter();
    let waiting = waiting.filter(|stack| stack.phase == Some(StackPhase::WaitsForPerson));
    let waiting: Vec<_> = waiting.map(|stack| &stack.id).collect();
    match waiting.as_slice() {
        [] => counts.to_string(),
        [stack] => format!("{counts}; {stack} waits for a person"),
        several => format!("{counts}; {} stacks wait for a person", several.len()),
    }
}

fn table(chains: &[View]) -> Table {
    let mut table = Table::with_head(["chain", "root", "state", "stacks", "started", "duration", "by"])
        .only_wide(["by"])
        .only_if_fits(["duration", "started"]);
    for chain in chains {
        table.row([
            chain.id.as_str(),
            chain.root.stack.as_str(),
            &chain.state.to_string(),
            &stacks(chain),
            &chain.started_at.map(shown).unwrap_or_default(),
            &chain.duration_s.map(took).unwrap_or_default(),
            chain.by.as_deref().unwrap_or_default(),
        ]);
    }
    table
}
