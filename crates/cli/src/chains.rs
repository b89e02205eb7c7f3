//! `spillway chains` and `spillway chain`: the chains that Temporal knows.

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use chain::schedule::Control;
use chain::{ChainId, ChainResult, render};
use clap::{Args, Subcommand, ValueEnum};
use orchestrator::Orchestrator;
use orchestrator::contract::ChainReport;
use serde::Serialize;

use crate::command::{Done, block_on};
use crate::local::Outcome;
use crate::table::Table;
use crate::{output, temporal};

/// Lists the newest chains, those under way and those that ended.
#[derive(Debug, Args)]
pub(crate) struct ChainsArguments {
    /// How many.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Shows, pauses, resumes and cancels one chain.
#[derive(Debug, Args)]
pub(crate) struct ChainArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Shows where a chain stands.
    Show {
        /// As `spillway chains` lists it.
        id: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Starts nothing new until the chain is resumed; what runs, runs on.
    Pause { id: String },
    /// Goes on with a paused chain.
    Resume { id: String },
    /// Starts nothing new ever again; what runs, runs on.
    Cancel { id: String },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Dot,
    Json,
}

#[derive(Debug, Serialize)]
struct Listed {
    id: ChainId,
    result: Option<ChainResult>,
    stacks: String,
    started: Option<jiff::Timestamp>,
    ended: Option<jiff::Timestamp>,
}

pub(crate) fn chains(arguments: &ChainsArguments) -> Done {
    block_on(async {
        let orchestrator = temporal::connect().await?;
        let mut listed = Vec::new();
        for summary in orchestrator.chains(arguments.limit).await? {
            // A chain whose workflow was terminated has no outcome, and no worker may be there to answer.
            let report = orchestrator.report(&summary.id, summary.status).await.ok();
            let counts =
                |report: &ChainReport| report.record.as_ref().map(|record| record.counts().to_string());
            listed.push(Listed {
                stacks: report.as_ref().and_then(counts).unwrap_or_default(),
                result: report.map(|report| report.result),
                id: summary.id,
                started: summary.started.and_then(time),
                ended: summary.closed.and_then(time),
            });
        }
        if arguments.json {
            output::json(&listed)?;
        } else if listed.is_empty() {
            output::line("There are no chains yet.");
        } else {
            let mut table = Table::with_head(["chain", "result", "stacks", "started", "took"]);
            for chain in &listed {
                let took = chain
                    .started
                    .zip(chain.ended)
                    .map(|(from, to)| format!("{:#}", to.duration_since(from)));
                let started = chain
                    .started
                    .map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
                table.row([
                    chain.id.as_str(),
                    &chain.result.map(|result| result.to_string()).unwrap_or_default(),
                    &chain.stacks,
                    &started.unwrap_or_default(),
                    &took.unwrap_or_default(),
                ]);
            }
            output::line(&table.render());
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(crate) fn chain(arguments: ChainArguments) -> Done {
    block_on(async {
        let orchestrator = temporal::connect().await?;
        match arguments.action {
            Action::Show { id, format } => show(&orchestrator, &ChainId::of_workflow(&id), format).await,
            Action::Pause { id } => control(&orchestrator, &id, Control::Pause, "Paused").await,
            Action::Resume { id } => control(&orchestrator, &id, Control::Resume, "Resumed").await,
            Action::Cancel { id } => control(&orchestrator, &id, Control::Cancel, "Cancelled").await,
        }
    })
}

async fn show(orchestrator: &Orchestrator, id: &ChainId, format: Format) -> Done {
    let Some(report) = orchestrator.chain(id).await? else {
        bail!("there is no chain `{id}`; `spillway chains` lists them");
    };
    if let Format::Json = format {
        output::json(&Outcome::of(&report))?;
        return Ok(ExitCode::SUCCESS);
    }
    match (&report.record, &report.reason) {
        (Some(record), _) => output::line(
            match format {
                Format::Mermaid => render::record_mermaid(record),
                Format::Dot => render::record_dot(record),
                Format::Text | Format::Json => render::record_text(record),
            }
            .trim_end(),
        ),
        (None, Some(reason)) => output::line(&format!("{}: {reason}", report.result)),
        (None, None) => output::line(&report.result.to_string()),
    }
    Ok(ExitCode::SUCCESS)
}

async fn control(orchestrator: &Orchestrator, id: &str, control: Control, done: &str) -> Done {
    if !orchestrator
        .control(&ChainId::of_workflow(id), control, &crate::steering::operator())
        .await?
    {
        bail!("no chain `{id}` is under way; `spillway chains` lists them");
    }
    output::line(&format!("{done} {id}"));
    Ok(ExitCode::SUCCESS)
}

fn time(time: SystemTime) -> Option<jiff::Timestamp> {
    // Whole seconds are what people compare.
    let time = jiff::Timestamp::try_from(time).ok()?;
    jiff::Timestamp::from_second(time.as_second()).ok()
}
