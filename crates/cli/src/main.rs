//! `spillway`: runs Spacelift stacks in the order of their dependencies.

mod actor;
mod apply;
mod arguments;
mod audit_log;
mod blueprint;
mod chain;
mod clients;
mod codec_server;
mod command;
mod completion;
mod confirmation;
mod context;
mod dashboard;
mod deletion;
mod dependencies;
mod destroy_plan;
mod doctor;
mod exit;
mod export;
mod failure;
mod fields;
mod freeze;
mod generate;
mod halt;
mod impact;
mod jq;
mod json;
mod lint;
mod local;
mod migrate;
mod mock;
mod output;
mod pair;
mod patience;
mod plan;
mod profile;
mod progress;
mod query;
mod request;
mod run;
mod schedule;
mod sink;
mod space;
mod stack;
mod style;
mod table;
mod temporal;
mod time;
mod variables;
mod waiting;
mod web;
mod webhook;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::Arguments;

fn main() -> ExitCode {
    match profile::apply() {
        Err(error) if !completion::is_asked() => return failure::report(&error, false),
        _ => completion::answer(Arguments::command),
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return arguments::explain(error),
    };
    arguments.log.start();
    let is_verbose = arguments.log.is_verbose();
    match arguments.command.run() {
        Ok(exit) => exit.into(),
        Err(error) => failure::report(&error, is_verbose),
    }
}
