//! The ids that a shell completes. There are none if Spacelift or Temporal does not answer in time.

use std::time::Duration;

use chain::RunState;
use clap::builder::StyledStr;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use spacelift::FoundRun;

use crate::command::spacelift;
use crate::{profile, temporal};

/// How long a person waits for candidates.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many chains, and how many runs, are candidates.
const CANDIDATES_MAX: usize = 50;

/// The stacks of the account.
pub(crate) fn stacks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        ask(async {
            let stacks = spacelift().await?.stacks().await?;
            let candidate = |stack: spacelift::Stack| candidate(stack.id.as_str(), &stack.name);
            Ok(stacks.into_iter().map(candidate).collect())
        })
    })
}

/// The newest chains.
pub(crate) fn chains() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        ask(async {
            let chains = temporal::connect().await?.chains(CANDIDATES_MAX).await?;
            let candidates = chains.iter().map(|chain| {
                let state = format!("{:?}", chain.status).to_lowercase();
                candidate(chain.id.as_str(), &state)
            });
            Ok(candidates.collect())
        })
    })
}

/// The open runs of the stack that is on the command line.
pub(crate) fn runs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        ask(async {
            let states = RunState::ALL.iter().filter(|state| !state.is_terminal());
            let states: Vec<RunState> = states.cloned().collect();
            let runs = spacelift().await?.search_runs(&states, CANDIDATES_MAX).await?;
            let is_named = |found: &FoundRun| std::env::args_os().any(|word| word == found.stack.as_str());
            let candidate = |found: FoundRun| candidate(found.run.id.as_str(), found.run.state.as_str());
            Ok(runs.into_iter().filter(is_named).map(candidate).collect())
        })
    })
}

/// The profiles.
pub(crate) fn profiles() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let names = profile::names().unwrap_or_default();
        names.iter().map(CompletionCandidate::new).collect()
    })
}

fn candidate(id: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty() && help != id).then(|| StyledStr::from(crate::table::plain(help)));
    CompletionCandidate::new(id).help(help)
}

/// The candidates, or none if they are not there in time or cannot be read.
fn ask(work: impl Future<Output = anyhow::Result<Vec<CompletionCandidate>>>) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
    // A name that is still being resolved must not hold up the shell.
    runtime.shutdown_background();
    answer.ok().and_then(Result::ok).unwrap_or_default()
}
