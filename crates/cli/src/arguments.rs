//! What can be typed.

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::ask::{RunArguments, run};
use crate::audit_log::{AuditArguments, audit};
use crate::blueprints::{BlueprintsArguments, blueprints};
use crate::chains::{ChainArguments, ChainsArguments, chain, chains};
use crate::command::Done;
use crate::completions::{CompletionsArguments, completions};
use crate::contexts::{ContextsArguments, contexts};
use crate::control::{ControlArguments, control};
use crate::doctor::{DoctorArguments, doctor};
use crate::lint::{LintArguments, lint};
use crate::local::{DemoArguments, DevArguments, demo, dev};
use crate::mock::{MockArguments, mock};
use crate::plan::{PlanArguments, plan};
use crate::query::{QueryArguments, query};
use crate::redeliver::{RedeliverArguments, redeliver};
use crate::report::{ReportArguments, report};
use crate::runs::{RunsArguments, runs};
use crate::send::{SendArguments, send};
use crate::spaces::{SpacesArguments, spaces};
use crate::stacks::{StacksArguments, stacks};
use crate::steering::{
    DoneArguments, GoArguments, HaltArguments, ReleaseArguments, ScheduleArguments, WhyArguments, done, go,
    halt, release, schedule, why,
};
use crate::webhook::{WebhookArguments, webhook};

const EXIT_STATUS: &str = "Exit status:
  0  it was done
  1  it was done, and the outcome is bad: a chain failed or is refused, lint found errors,
     the audit log is broken
  2  the command line is wrong
  3  a setting is missing or wrong
  4  Spacelift, Temporal or S3 refused, or has no such thing
  5  Spacelift, Temporal or S3 could not be reached

The settings come from the environment; README.md lists them, and `spillway doctor` checks them.";

/// Runs Spacelift stacks in the order of their dependencies.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, propagate_version = true, after_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything on this machine: Temporal, a Spacelift account in memory, the webhook and a worker.
    Dev(DevArguments),
    /// Lets a run finish in an account in memory, and shows the chain that follows until it ends.
    Demo(DemoArguments),
    Run(RunArguments),
    Chains(ChainsArguments),
    Chain(ChainArguments),
    Why(WhyArguments),
    Done(DoneArguments),
    Release(ReleaseArguments),
    Halt(HaltArguments),
    Go(GoArguments),
    Schedule(ScheduleArguments),
    Send(SendArguments),
    MockSpacelift(MockArguments),
    Mock(ControlArguments),
    Plan(PlanArguments),
    Lint(LintArguments),
    Doctor(DoctorArguments),
    /// Looks after the audit log.
    Audit(AuditArguments),
    Report(ReportArguments),
    Redeliver(RedeliverArguments),
    /// Installs what makes Spacelift tell Spillway of its runs.
    Webhook(WebhookArguments),
    /// Lists, shows, triggers, confirms and discards runs.
    Runs(RunsArguments),
    /// Lists, shows, makes and deletes stacks.
    Stacks(StacksArguments),
    /// Lists, shows, makes and deletes spaces.
    Spaces(SpacesArguments),
    /// Lists, shows, makes and deletes contexts.
    Contexts(ContextsArguments),
    /// Lists and shows blueprints, and makes stacks from them.
    Blueprints(BlueprintsArguments),
    Query(QueryArguments),
    Completions(CompletionsArguments),
}

impl Command {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Dev(arguments) => dev(arguments),
            Self::Demo(arguments) => demo(&arguments),
            Self::Run(arguments) => run(arguments),
            Self::Chains(arguments) => chains(&arguments),
            Self::Chain(arguments) => chain(arguments),
            Self::Why(arguments) => why(&arguments),
            Self::Done(arguments) => done(arguments),
            Self::Release(arguments) => release(arguments),
            Self::Halt(arguments) => halt(&arguments),
            Self::Go(arguments) => go(&arguments),
            Self::Schedule(arguments) => schedule(&arguments),
            Self::Send(arguments) => send(&arguments),
            Self::MockSpacelift(arguments) => mock(&arguments),
            Self::Mock(arguments) => control(arguments),
            Self::Plan(arguments) => plan(arguments),
            Self::Lint(arguments) => lint(&arguments),
            Self::Doctor(arguments) => doctor(&arguments),
            Self::Audit(arguments) => audit(arguments),
            Self::Report(arguments) => report(&arguments),
            Self::Redeliver(arguments) => redeliver(&arguments),
            Self::Webhook(arguments) => webhook(arguments),
            Self::Runs(arguments) => runs(arguments),
            Self::Stacks(arguments) => stacks(arguments),
            Self::Spaces(arguments) => spaces(arguments),
            Self::Contexts(arguments) => contexts(arguments),
            Self::Blueprints(arguments) => blueprints(arguments),
            Self::Query(arguments) => query(arguments),
            Self::Completions(arguments) => completions(&arguments),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Write more to stderr: -v what happens, -vv everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 100)]
    verbose: u8,
}

impl Log {
    /// `RUST_LOG` wins where it is set.
    pub(crate) fn start(&self) {
        let default = match self.verbose {
            // The client's warnings say what is missing in a result.
            0 => "off,spacelift=warn",
            1 => "info",
            _ => "debug",
        };
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default)))
            .init();
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
