//! `spillway chain show` and `spillway chain watch`.

use chain::{ChainId, render};
use clap::{Args, ValueEnum};
use temporal_client::WorkflowClient;

use super::View;
use super::text::text;
use super::wait::wait;
use crate::command::{Done, block_on};
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::style;
use crate::{temporal, web};

/// How many chains are looked through for the one that was meant.
const CHAINS_LOOKED_AT: usize = 50;

/// Show a chain: its stacks, their states, and what they wait for.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The id of the chain, as `spillway chain list` shows it.
    #[arg(value_name = "CHAIN", add = completion::chains())]
    id: String,
    /// Print a diagram instead.
    #[arg(long, value_enum, conflicts_with = "output")]
    diagram: Option<Diagram>,
    /// Print the link to its page in the Temporal UI, and open it where there is a browser.
    #[arg(long)]
    web: bool,
    #[command(flatten)]
    output: Output,
}

/// Follow a chain until it ends. The exit code is 1 if it does not succeed.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The id of the chain, as `spillway chain list` shows it.
    #[arg(value_name = "CHAIN", add = completion::chains())]
    id: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Diagram {
    Mermaid,
    Dot,
}

impl Diagram {
    async fn print(self, workflows: &WorkflowClient, id: &ChainId) -> Done {
        let Some(report) = workflows.chain(id).await? else {
            return Err(no_chain(workflows, id).await);
        };
        let Some(record) = &report.record else {
            return Err(Failure::rejected("the chain has no plan").into());
        };
        output::text(&match self {
            Self::Mermaid => render::record_mermaid(record),
            Self::Dot => render::record_dot(record),
        })?;
        Ok(Exit::Success)
    }
}

impl ShowArguments {
    pub(crate) fn run(self) -> Done {
        block_on(async {
            let workflows = temporal::connect().await?;
            let id = ChainId::of_workflow(&self.id);
            if self.web {
                return web::show(web::pages().await?.chain(&id));
            }
            if let Some(diagram) = self.diagram {
                return diagram.print(&workflows, &id).await;
            }
            let Some(view) = View::read(&workflows, &id).await? else {
                return Err(no_chain(&workflows, &id).await);
            };
            self.output
                .show(&view, || text(&view, style::width(), self.output.is_wide()))?;
            Ok(Exit::Success)
        })
    }
}

impl WatchArguments {
    pub(crate) fn run(self) -> Done {
        block_on(async {
            let workflows = temporal::connect().await?;
            let id = ChainId::of_workflow(&self.id);
            if workflows.chain_status(&id).await?.is_none() {
                return Err(no_chain(&workflows, &id).await);
            }
            wait(&workflows, &id, self.output).await
        })
    }
}

/// The error for a chain that does not exist. It names a chain with a similar id.
pub(super) async fn no_chain(workflows: &WorkflowClient, id: &ChainId) -> anyhow::Error {
    let chains = match workflows.chains(CHAINS_LOOKED_AT).await {
        Ok(chains) => chains,
        Err(error) => return error.into(),
    };
    let known = chains.iter().map(|chain| chain.id.as_str());
    Failure::rejected(format!("chain `{id}` not found"))
        .meaning("It does not exist, or Temporal has deleted it after its retention period.")
        .did_you_mean(id.as_str(), known, "`spillway chain list` lists the chains.")
        .into()
}
