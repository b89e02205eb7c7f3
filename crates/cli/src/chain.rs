//! `spillway chain`: the chains that Temporal knows.

mod control;
mod list;
mod picture;
mod retry;
mod show;
mod start;
mod stop_runs;
mod text;
mod tree;
mod view;
mod wait;

use clap::{Args, Subcommand};

use crate::command::Done;
pub(crate) use control::ChainOrder;
use control::{ApproveArguments, CancelArguments, PauseArguments, ResumeArguments};
use retry::RetryArguments;
use show::{ShowArguments, WatchArguments};
use start::StartArguments;

pub(crate) use list::ListArguments;
pub(crate) use picture::Picture;
pub(crate) use retry::Retry;
pub(crate) use view::{State, View};

const EXAMPLES: &str = "Examples:
  spillway chain list
  spillway chain start core-network --wait
  spillway chain show chain:acme:01JSMHTFM9TXWW1XK4AZN1SA8K
  spillway chain watch chain:acme:01JSMHTFM9TXWW1XK4AZN1SA8K
  spillway chain pause chain:acme:01JSMHTFM9TXWW1XK4AZN1SA8K";

/// List, show, watch, start, retry, pause, resume and cancel chains.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChainArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(ListArguments),
    Show(ShowArguments),
    Watch(WatchArguments),
    Start(StartArguments),
    Retry(RetryArguments),
    Approve(ApproveArguments),
    Pause(PauseArguments),
    Resume(ResumeArguments),
    Cancel(CancelArguments),
}

pub(crate) fn chain(arguments: ChainArguments) -> Done {
    match arguments.action {
        Action::List(list) => list.run(),
        Action::Show(show) => show.run(),
        Action::Watch(watch) => watch.run(),
        Action::Start(start) => start.run(),
        Action::Retry(retry) => retry.run(),
        Action::Approve(approve) => approve.run(),
        Action::Pause(pause) => pause.run(),
        Action::Resume(resume) => resume.run(),
        Action::Cancel(cancel) => cancel.run(),
    }
}
