//! docs/commands.md: the help of every command, and the exit codes.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::NOTE;
use crate::arguments::Arguments;
use crate::exit::Exit;

/// How wide the help is.
const WIDTH: usize = 100;

pub(super) fn document() -> String {
    let mut text = format!(
        "# Commands

{NOTE}
`spillway <noun> <verb>`. Every command takes `--help`. Commands with `-o` print `table`, `wide`, `json` or `yaml`, and
`audit report` prints `table`, `json`, `csv` or `html`; [json.md](json.md) describes the documents. `-v` prints the causes
of an error. Colour appears on terminals only, and not where `NO_COLOR` is set.

## Exit codes

| code | meaning |
|---|---|
"
    );
    for exit in Exit::ALL {
        let _ = writeln!(text, "| {} | {} |", exit.code(), exit.meaning());
    }
    let mut command = Arguments::command().term_width(WIDTH);
    command.build();
    add(&mut text, &command, 2);
    text
}

fn add(text: &mut String, command: &Command, depth: usize) {
    let mut command = command.clone().term_width(WIDTH);
    let name = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let mut help = command.render_help().to_string();
    // `--help` then prints the long help, which says what each value means.
    if help.contains("(see more with '--help')") {
        help = command.render_long_help().to_string();
    }
    let _ = write!(
        text,
        "\n{} {name}\n\n```text\n{}\n```\n",
        "#".repeat(depth.min(3)),
        help.trim_end()
    );
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for subcommand in command.get_subcommands().filter(shown) {
        add(text, subcommand, depth + 1);
    }
}
