//! `spillway demo`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::bail;
use chain::{ChainId, RunId, RunState};
use clap::Args;
use mock_spacelift::{MockSpacelift, Push};

use super::system::{Ports, System, Temporal};
use super::{Done, block_on};
use crate::chain::{Picture, State, View};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// The stack whose run starts the first chain.
const ROOT: &str = "core-network";
/// The repository of several stacks whose dependents meet.
const REPOSITORY: &str = "acme/landing-zone";
/// How long a run stays in a state.
const PACE: Duration = Duration::from_millis(250);
/// How often the picture is drawn.
const FRAME: Duration = Duration::from_millis(150);

/// Simulate two pushes in an account in memory, and show the chains that they start. The first push runs one stack, and the
/// second runs three stacks whose dependents meet.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Use this Temporal server instead of starting one.
    #[arg(long, value_name = "HOST:PORT")]
    temporal_address: Option<String>,
    /// Make the next run of this stack fail, and stop after the first push.
    #[arg(long, value_name = "STACK")]
    fail: Option<String>,
    #[command(flatten)]
    output: Output,
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
        let ids: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
        if !ids.contains(&stack.as_str()) {
            let all = format!("The stacks are {}.", ids.join(", "));
            return Err(Failure::usage(format!("the account has no stack `{stack}`"))
                .did_you_mean(stack, ids, &all)
                .into());
        }
        system.spacelift.fail_next(stack);
    }
    let run = system.spacelift.push(ROOT);
    let chain = ChainId::of_root_run(&system.account, &run);
    let is_text = arguments.output.is_text();
    if is_text {
        output::line(&format!(
            "Simulating a push to `{ROOT}`. When its run {run} has finished, its chain starts.\n"
        ))?;
    }
    let view = watch(system, &run, &chain, arguments.output, arguments.fail.as_deref()).await?;
    if is_text {
        output::line(&closing(&view))?;
    } else {
        arguments.output.show(&view, String::new)?;
    }
    let wanted = if arguments.fail.is_some() {
        State::Failed
    } else {
        State::Succeeded
    };
    if view.state != wanted {
        return Ok(Exit::BadOutcome);
    }
    if is_text && arguments.fail.is_none() {
        return push_to_several(system, arguments.output).await;
    }
    Ok(Exit::Success)
}

/// Draws the chain of a run until it has ended and its audit log is written. `fails` has to be one of its stacks.
async fn watch(
    system: &System,
    root: &RunId,
    chain: &ChainId,
    output: Output,
    fails: Option<&str>,
) -> anyhow::Result<View> {
    let mut picture = Picture::new(output);
    let view = loop {
        if let Some(state) = bad_end(system, root) {
            bail!("run {root} ended as {state}, so no chain starts");
        }
        if let Some(view) = View::read(&system.workflows, chain).await? {
            if let Some(stack) = fails
                && !view.stacks.is_empty()
                && !view.stacks.iter().any(|member| member.id.as_str() == stack)
            {
                return Err(Failure::usage(format!(
                    "`{stack}` does not depend on `{ROOT}`, so the chain never runs it"
                ))
                .into());
            }
            if view.state.is_over() {
                break view;
            }
            picture.draw(&view)?;
        }
        confirm_what_waits(system);
        tokio::time::sleep(FRAME).await;
    };
    system.workflows.end_of_chain(chain).await?;
    picture.draw(&view)?;
    picture.finish(&view)?;
    Ok(view)
}

/// One push that starts the runs of several stacks: their chains share the runs of what depends on more than one of them.
async fn push_to_several(system: &System, output: Output) -> Done {
    let before = runs_of_stacks(system);
    let roots = system.spacelift.push_to(Push::to(REPOSITORY));
    let stack_of = |root: &RunId| system.spacelift.run(root).map(|run| run.stack.to_string());
    let names: Vec<String> = roots
        .iter()
        .map(|root| format!("`{}`", stack_of(root).unwrap_or_default()))
        .collect();
    output::line(&format!(
        "\nSimulating one push to the repository `{REPOSITORY}`, which starts {} stacks: {}.\n",
        names.len(),
        names.join(", ")
    ))?;
    let mut succeeded = true;
    for (root, name) in roots.iter().zip(&names) {
        let chain = ChainId::of_root_run(&system.account, root);
        output::line(&format!("The chain of {name}:"))?;
        let view = watch(system, root, &chain, output, None).await?;
        output::line("")?;
        succeeded &= view.state == State::Succeeded;
    }
    let after = runs_of_stacks(system);
    let twice: Vec<&str> = after
        .iter()
        .filter(|(stack, runs)| *runs - before.get(*stack).unwrap_or(&0) > 1)
        .map(|(stack, _)| stack.as_str())
        .collect();
    output::line(&if twice.is_empty() {
        format!("{} chains met, and every stack ran once.", roots.len())
    } else {
        format!("These stacks ran more than once: {}.", twice.join(", "))
    })?;
    Ok(Exit::of(succeeded && twice.is_empty()))
}

/// How many runs each stack has.
fn runs_of_stacks(system: &System) -> BTreeMap<String, usize> {
    let mut runs = BTreeMap::new();
    for run in system.spacelift.runs() {
        *runs.entry(run.stack.to_string()).or_default() += 1;
    }
    runs
}

/// The state in which a run ended, if it did not finish well.
fn bad_end(system: &System, run: &RunId) -> Option<RunState> {
    system
        .spacelift
        .run(run)
        .map(|run| run.state)
        .filter(|state| state.is_terminal() && !state.succeeded())
}

/// Confirms every run that waits for a confirmation.
fn confirm_what_waits(system: &System) {
    for run in system.spacelift.runs() {
        if run.state == RunState::Unconfirmed {
            system.spacelift.confirm(&run.run, "alice");
        }
    }
}

fn closing(view: &View) -> String {
    match (view.state, &view.reason) {
        (State::Succeeded, _) => "\nEvery stack ran once, after everything that it depends on.".to_owned(),
        (State::Failed, _) => "\nA stack failed, and its dependents were skipped.".to_owned(),
        (_, Some(reason)) => format!("\nThe chain did not run: {reason}."),
        (state, None) => format!("\nThe chain is {state}."),
    }
}
