//! `spillway completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::command::Done;
use crate::output;

const EXAMPLES: &str = "Examples:
  spillway completions bash > /etc/bash_completion.d/spillway
  spillway completions zsh > ~/.zfunc/_spillway
  spillway completions fish > ~/.config/fish/completions/spillway.fish";

/// Prints the completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArguments {
    /// The shell to complete in.
    shell: Shell,
}

pub(crate) fn completions(arguments: &CompletionsArguments) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "spillway",
        &mut script,
    );
    output::text(&String::from_utf8(script)?);
    Ok(ExitCode::SUCCESS)
}
