//! `spillway runs trigger`.

use anyhow::Context;
use chain::{CommitSha, RunType, StackId};
use clap::{Args, ValueEnum};
use spacelift::{Spacelift, TriggerRun};

use crate::command::Done;
use crate::pairs::pair;
use crate::progress::during;

#[derive(Debug, Args)]
pub(crate) struct TriggerArguments {
    /// The stack's id.
    #[arg(value_name = "STACK")]
    stack: StackId,
    /// The commit to run [default: the one that the stack tracks].
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,
    /// A tracked run plans and applies, a proposed one only plans.
    #[arg(long = "type", value_enum, default_value = "tracked")]
    run_type: Kind,
    /// A variable for this run alone; whoever sees the run sees it. May be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// A line that notification policies can pass on with every event of the run.
    #[arg(long, value_name = "TEXT")]
    metadata: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
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
        super::became(&self.stack, &run.with_context(super::of(&self.stack))?, self.json)
    }
}
