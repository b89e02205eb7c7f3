//! Completion in shells: `spillway completion` prints what a shell reads at its start, and the shell then asks this
//! program for candidates, ids included.

mod bash;
mod candidates;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Elvish, Fish, Powershell, Shells, Zsh};

use crate::command::Done;
use crate::exit::Exit;
use crate::output;
use bash::Bash;
pub(crate) use candidates::{chains, profiles, runs, stacks};

/// The variable with which a shell asks for candidates.
const ASKED: &str = "_SPILLWAY_COMPLETE";

const SHELLS: Shells<'static> = Shells(&[&Bash, &Elvish, &Fish, &Powershell, &Zsh]);

const EXAMPLES: &str = "Examples:
  echo 'source <(spillway completion bash)' >> ~/.bashrc
  echo 'source <(spillway completion zsh)' >> ~/.zshrc
  echo 'spillway completion fish | source' >> ~/.config/fish/config.fish

The shell runs `spillway` for the ids of stacks, chains and open runs, so `spillway` has to be in the PATH, with its \
settings in the environment or in a profile. Without an answer within two seconds there are no ids.";

/// Print the completion script of a shell. It completes commands, options, and ids.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionArguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn completion(arguments: &CompletionArguments) -> Done {
    let mut script = Vec::new();
    if let Some(shell) = SHELLS.completer(&arguments.shell.to_string()) {
        shell.write_registration(ASKED, "spillway", "spillway", "spillway", &mut script)?;
    }
    output::text(&String::from_utf8(script)?)?;
    Ok(Exit::Success)
}

/// Whether a shell asks for candidates.
pub(crate) fn is_asked() -> bool {
    std::env::var_os(ASKED).is_some()
}

/// Answers a shell that asks for candidates, and ends the program.
pub(crate) fn answer(command: impl Fn() -> Command) {
    CompleteEnv::with_factory(command)
        .var(ASKED)
        .shells(SHELLS)
        .complete();
}
