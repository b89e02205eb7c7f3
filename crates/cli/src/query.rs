//! `spillway query`: any GraphQL document.

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value};
use std::io::Read;

use crate::command::{Done, with_spacelift};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::pair::pair;
use crate::progress::during;

const EXAMPLES: &str = "Examples:
  spillway query '{ stacks { id labels } }'
  spillway query stack.graphql --variable id=core-network
  spillway query - --variable 'input={\"first\": 5}' < search.graphql";

/// Send a GraphQL document to Spacelift and print its data as JSON.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueryArguments {
    /// The document, a file, or - for stdin.
    document: String,
    /// A variable. A value that is not JSON is sent as text. Can be repeated.
    #[arg(long = "variable", value_name = "NAME=JSON", value_parser = pair)]
    variables: Vec<(String, String)>,
}

pub(crate) fn query(arguments: QueryArguments) -> Done {
    let document = document(arguments.document)?;
    let variables: Map<_, _> = arguments
        .variables
        .into_iter()
        .map(|(name, value)| (name, json_or_text(value)))
        .collect();
    with_spacelift(async |spacelift| {
        let data = during(
            "Waiting for the answer",
            spacelift.execute(&document, &Value::Object(variables)),
        )
        .await?;
        output::line(&serde_json::to_string_pretty(&data)?)?;
        Ok(Exit::Success)
    })
}

fn document(argument: String) -> anyhow::Result<String> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("stdin could not be read")?;
        return Ok(text);
    }
    // Every document has a brace, and hardly a file's name does.
    if argument.contains('{') {
        return Ok(argument);
    }
    std::fs::read_to_string(&argument).map_err(|error| Failure::unreadable(&argument, &error).into())
}

fn json_or_text(value: String) -> Value {
    serde_json::from_str(&value).unwrap_or(Value::String(value))
}
