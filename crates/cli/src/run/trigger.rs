//! `spillway run trigger`.

use chain::{CommitSha, RunType, StackId};
use clap::{Args, ValueEnum};
use spacelift::{Spacelift, TriggerRun};

use crate::command::Done;
use crate::completion;
use crate::output::Output;
use crate::pair::pair;
use crate::progress::during;

#[derive(Debug, Args)]
pub(crate) struct TriggerArguments {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// The commit to run [default: the tracked commit].
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,
    /// The type of run: a tracked run plans and applies, a proposed run only plans.
    #[arg(long = "type", value_enum, default_value = "tracked")]
    run_type: Kind,
    /// An environment variable for this run, visible to everyone who can see the run. Can be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// Metadata for notification policies.
    #[arg(long, value_name = "TEXT")]
    metadata: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Tracked,
    Proposed,
}

impl TriggerArguments {
    pub(super) async fn run(self, spacelift: &Spacelift) -> Done {
        let trigger = TriggerRun {
            run_type: match self.run_type {
                Kind::Tracked => RunType::Tracked,
                Kind::Proposed => RunType::Proposed,
            },
            commit: self.commit,
            environment: self.environment,
            metadata: self.metadata,
        };
        let run = during("Triggering the run", spacelift.trigger_run(&self.stack, &trigger)).await;
        let run = super::known(spacelift, &self.stack, run).await?;
        super::became(&self.stack, &run, self.output)
    }
}
