//! `spillway query`: any document.

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value};

use crate::command::{Done, with_spacelift};
use crate::failure::Failure;
use crate::output;
use crate::pairs::pair;
use crate::progress::during;

const EXAMPLES: &str = "Examples:
  spillway query '{ stacks { id labels } }'
  spillway query stack.graphql --variable id=core-network
  spillway query - --variable 'input={\"first\": 5}' < search.graphql";

/// Sends a GraphQL document, and prints its data as JSON.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueryArguments {
    /// The document itself, a file that holds it, or - for stdin.
    document: String,
    /// A variable of the document. A value that is not JSON is text. May be repeated.
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
        output::json(&data)?;
        Ok(ExitCode::SUCCESS)
    })
}

fn document(argument: String) -> anyhow::Result<String> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("stdin cannot be read")?;
        return Ok(text);
    }
    // Every document has a brace, and hardly a file's name does.
    if argument.contains('{') {
        return Ok(argument);
    }
    std::fs::read_to_string(&argument)
        .map_err(|error| Failure::Usage(format!("the file `{argument}` cannot be read: {error}")).into())
}

fn json_or_text(value: String) -> Value {
    serde_json::from_str(&value).unwrap_or(Value::String(value))
}
