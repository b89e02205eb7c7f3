//! `spillway`: runs Spacelift stacks in the order of their dependencies.

mod arguments;
mod ask;
mod audit_log;
mod blueprints;
mod chains;
mod command;
mod completions;
mod contexts;
mod control;
mod deletion;
mod dependencies;
mod doctor;
mod failure;
mod lint;
mod listing;
mod local;
mod mock;
mod output;
mod pairs;
mod plan;
mod progress;
mod query;
mod redeliver;
mod report;
mod runs;
mod send;
mod spaces;
mod stacks;
mod steering;
mod table;
mod temporal;
mod webhook;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.log.start();
    arguments
        .command
        .run()
        .unwrap_or_else(|error| failure::report(&error))
}
