//! The command line.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::audit_log::{AuditArguments, ReportArguments, audit};
use crate::blueprint::{BlueprintArguments, blueprint};
use crate::chain::{ChainArguments, ListArguments, chain};
use crate::codec_server::{CodecServerArguments, codec_server};
use crate::command::Done;
use crate::completion::{CompletionArguments, completion};
use crate::context::{ContextArguments, context};
use crate::dashboard::{DashboardArguments, dashboard};
use crate::destroy_plan::{DestroyPlanArguments, destroy_plan};
use crate::doctor::{DoctorArguments, doctor};
use crate::exit::{self, Exit};
use crate::export::{ExportArguments, export};
use crate::failure;
use crate::freeze::{FreezeArguments, ThawArguments, freeze, thaw};
use crate::generate::{GenerateArguments, generate};
use crate::halt::{GoArguments, HaltArguments};
use crate::impact::{ImpactArguments, impact};
use crate::lint::{LintArguments, lint};
use crate::local::{DemoArguments, DevArguments, demo, dev};
use crate::migrate::{MigrateArguments, migrate};
use crate::mock::{MockArguments, ServeArguments, mock};
use crate::output::{self, WriteError};
use crate::plan::{PlanArguments, plan};
use crate::profile::ProfileArguments;
use crate::query::{QueryArguments, query};
use crate::request::{RequestArguments, request};
use crate::run::{RunArguments, run};
use crate::schedule::{ScheduleArguments, schedule};
use crate::sink::SinkArguments;
use crate::space::{SpaceArguments, space};
use crate::stack::{DoneArguments, ReleaseArguments, StackArguments, WhyArguments, stack};
use crate::waiting::{WaitingArguments, waiting};
use crate::webhook::{ReplayArguments, SendArguments, WebhookArguments, webhook};

const SETTINGS: &str = "Settings are read from the environment and spillway.toml. docs/settings.md lists them, and \
`spillway doctor` checks them.";

/// Run Spacelift stacks in the order of their dependencies.
#[derive(Debug, Parser)]
#[command(name = "spillway", bin_name = "spillway", version, after_help = format!("{}\n\n{SETTINGS}", exit::table()))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) log: Log,
    #[command(flatten)]
    profile: ProfileArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Chain(ChainArguments),
    #[command(alias = "stacks")]
    Stack(StackArguments),
    #[command(alias = "runs")]
    Run(RunArguments),
    Request(RequestArguments),
    Schedule(ScheduleArguments),
    Halt(HaltArguments),
    Go(GoArguments),
    Freeze(FreezeArguments),
    Thaw(ThawArguments),
    Waiting(WaitingArguments),
    Plan(PlanArguments),
    Impact(ImpactArguments),
    DestroyPlan(DestroyPlanArguments),
    Lint(LintArguments),
    Doctor(DoctorArguments),
    Migrate(MigrateArguments),
    Export(ExportArguments),
    Audit(AuditArguments),
    #[command(alias = "sinks")]
    Sink(SinkArguments),
    Webhook(WebhookArguments),
    #[command(alias = "spaces")]
    Space(SpaceArguments),
    #[command(alias = "contexts")]
    Context(ContextArguments),
    #[command(alias = "blueprints")]
    Blueprint(BlueprintArguments),
    Query(QueryArguments),
    Dashboard(DashboardArguments),
    CodecServer(CodecServerArguments),
    Dev(DevArguments),
    Demo(DemoArguments),
    Mock(MockArguments),
    #[command(alias = "completions")]
    Completion(CompletionArguments),
    #[command(hide = true)]
    Generate(GenerateArguments),
    // Older spellings.
    #[command(hide = true)]
    Chains(ListArguments),
    #[command(hide = true)]
    Why(WhyArguments),
    #[command(hide = true)]
    Done(DoneArguments),
    #[command(hide = true)]
    Release(ReleaseArguments),
    #[command(hide = true)]
    Send(SendArguments),
    #[command(hide = true)]
    Redeliver(ReplayArguments),
    #[command(hide = true)]
    Report(ReportArguments),
    #[command(hide = true)]
    MockSpacelift(ServeArguments),
}

impl Command {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Chain(arguments) => chain(arguments),
            Self::Stack(arguments) => stack(arguments),
            Self::Run(arguments) => run(arguments),
            Self::Request(arguments) => request(arguments),
            Self::Schedule(arguments) => schedule(&arguments),
            Self::Halt(arguments) => arguments.run(),
            Self::Go(arguments) => arguments.run(),
            Self::Freeze(arguments) => freeze(arguments),
            Self::Thaw(arguments) => thaw(&arguments),
            Self::Waiting(arguments) => waiting(&arguments),
            Self::Plan(arguments) => plan(arguments),
            Self::Impact(arguments) => impact(arguments),
            Self::DestroyPlan(arguments) => destroy_plan(&arguments),
            Self::Lint(arguments) => lint(&arguments),
            Self::Doctor(arguments) => doctor(&arguments),
            Self::Migrate(arguments) => migrate(arguments),
            Self::Export(arguments) => export(arguments),
            Self::Audit(arguments) => audit(arguments),
            Self::Sink(arguments) => arguments.run(),
            Self::Webhook(arguments) => webhook(arguments),
            Self::Space(arguments) => space(arguments),
            Self::Context(arguments) => context(arguments),
            Self::Blueprint(arguments) => blueprint(arguments),
            Self::Query(arguments) => query(arguments),
            Self::Dashboard(arguments) => dashboard(arguments),
            Self::CodecServer(arguments) => codec_server(arguments),
            Self::Dev(arguments) => dev(arguments),
            Self::Demo(arguments) => demo(&arguments),
            Self::Mock(arguments) => mock(arguments),
            Self::Completion(arguments) => completion(&arguments),
            Self::Generate(arguments) => generate(&arguments),
            Self::Chains(arguments) => arguments.run(),
            Self::Why(arguments) => arguments.run(),
            Self::Done(arguments) => arguments.run(),
            Self::Release(arguments) => arguments.run(),
            Self::Send(arguments) => arguments.run(),
            Self::Redeliver(arguments) => arguments.run(),
            Self::Report(arguments) => arguments.run(),
            Self::MockSpacelift(arguments) => arguments.run(),
        }
    }
}

/// Prints the error in the command line, or the requested help.
pub(crate) fn explain(mut error: clap::Error) -> ExitCode {
    suggest_only_visible(&mut error);
    let printed = error.print();
    if !error.use_stderr() {
        // The help, or the version, is a result.
        return match printed.and_then(|()| std::io::stdout().flush()) {
            Ok(()) => Exit::Success.into(),
            Err(error) => failure::report(&WriteError::from(error).into(), false),
        };
    }
    let is_run = std::env::args().nth(1).is_some_and(|noun| noun == "run");
    if let Some(ContextValue::String(stack)) = error.get(ContextKind::InvalidSubcommand).filter(|_| is_run) {
        // `run` was a verb once.
        output::hint(&format!(
            "`spillway chain start {stack}` triggers a stack and its dependents."
        ));
    }
    Exit::Usage.into()
}

/// Old spellings still work, and are not suggested.
fn suggest_only_visible(error: &mut clap::Error) {
    let kind = ContextKind::SuggestedSubcommand;
    let Some(ContextValue::Strings(names)) = error.remove(kind) else {
        return;
    };
    let visible = visible_names(&Arguments::command());
    let names: Vec<String> = names.into_iter().filter(|name| visible.contains(name)).collect();
    if !names.is_empty() {
        error.insert(kind, ContextValue::Strings(names));
    }
}

fn visible_names(command: &clap::Command) -> BTreeSet<String> {
    let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    visible
        .flat_map(|inner| {
            let mut names = visible_names(inner);
            names.insert(inner.get_name().to_owned());
            names
        })
        .collect()
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Print the causes of an error and log to stderr: -v the main steps, -vv everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 100)]
    verbose: u8,
}

impl Log {
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

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
