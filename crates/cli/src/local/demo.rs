//! `spillway demo`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use chain::{ChainId, ChainResult, RunId, RunState};
use clap::Args;
use mock_spacelift::MockSpacelift;
use orchestrator::contract::ChainReport;

use super::outcome::Outcome;
use super::picture::Picture;
use super::system::{Ports, System, Temporal};
use super::{Done, block_on};
use crate::output;

/// The stack whose run begins the demonstration.
const ROOT: &str = "core-network";
/// How long a run stays in a state.
const PACE: Duration = Duration::from_millis(250);
/// How often the picture is drawn.
const FRAME: Duration = Duration::from_millis(150);

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Use a Temporal server that runs already.
    #[arg(long, value_name = "HOST:PORT")]
    temporal_address: Option<String>,
    /// Make the next run of this stack fail, and show what is skipped.
    #[arg(long, value_name = "STACK")]
    fail: Option<String>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn demo(arguments: &DemoArguments) -> Done {
    block_on(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let temporal = match arguments.temporal_address.clone() {
            Some(address) => Temporal::Running { address },
            None => Temporal::Own {
                port: None,
                ui_port: None,
                database: None,
            },
        };
        let system = System::start(
            Ports {
                temporal,
                webhook: any,
                spacelift: any,
            },
            MockSpacelift::acme(),
            PACE,
        )
        .await?;
        let shown = show(&system, arguments).await;
        system.stop().await?;
        shown
    })
}

async fn show(system: &System, arguments: &DemoArguments) -> Done {
    if let Some(stack) = &arguments.fail {
        let known = system.spacelift.stacks();
        anyhow::ensure!(
            known.iter().any(|known| known.id.as_str() == stack),
            "there is no stack `{stack}` in the account; there are: {}",
            known
                .iter()
                .map(|known| known.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
        system.spacelift.fail_next(stack);
    }
    let run = system.spacelift.push(ROOT);
    let chain = ChainId::of_root_run(&system.account, &run);
    if !arguments.json {
        output::line(&format!(
            "Somebody pushed to `{ROOT}`. When its run {run} has finished, its chain starts.\n"
        ));
    }
    let mut picture = Picture::new(!arguments.json);
    let report = loop {
        if let Some(state) = bad_end(system, &run) {
            bail!("run {run} of `{ROOT}` ended as {state}, so no chain starts");
        }
        let report = system.orchestrator.chain(&chain).await?;
        if let Some(report) = report {
            if let Some(stack) = &arguments.fail
                && let Some(record) = &report.record
                && !record
                    .chain()
                    .stacks
                    .iter()
                    .any(|member| member.id.as_str() == stack)
            {
                bail!("`{stack}` is not downstream of `{ROOT}`, so the chain never runs it");
            }
            picture.draw(&report);
            if report.result.is_over() {
                break report;
            }
            confirm_what_waits(system);
        }
        tokio::time::sleep(FRAME).await;
    };
    if arguments.json {
        output::json(&Outcome::of(&report))?;
    } else {
        output::line(&closing(&report));
    }
    let wanted = if arguments.fail.is_some() {
        ChainResult::Failed
    } else {
        ChainResult::Succeeded
    };
    Ok(if report.result == wanted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The state in which a run ended, if it did not finish well.
fn bad_end(system: &System, run: &RunId) -> Option<RunState> {
    system
        .spacelift
        .run(run)
        .map(|run| run.state)
        .filter(|state| state.is_terminal() && !state.succeeded())
}

/// In the demonstration somebody confirms at once what waits for a confirmation.
fn confirm_what_waits(system: &System) {
    for run in system.spacelift.runs() {
        if run.state == RunState::Unconfirmed {
            system.spacelift.confirm(&run.run, "alice");
        }
    }
}

fn closing(report: &ChainReport) -> String {
    let counts = report
        .record
        .as_ref()
        .map(|record| record.counts().to_string())
        .unwrap_or_default();
    match report.result {
        ChainResult::Succeeded => {
            format!("\nEvery stack ran once, after everything that it depends on: {counts}.")
        }
        ChainResult::Failed => {
            format!("\nA stack failed, and what lies downstream of it was skipped: {counts}.")
        }
        _ => match &report.reason {
            Some(reason) => format!("\nThe chain did not run: {reason}."),
            None => format!("\nThe chain did not end as it should: {counts}."),
        },
    }
}
