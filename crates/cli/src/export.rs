//! `spillway export`: the dependencies in the language of another tool.

use std::path::{Path, PathBuf};

use chain::StackId;
use chain::terraform::{NOTE, terraform};
use clap::{Args, Subcommand};

use crate::command::{Done, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::failure::{Failure, reason};
use crate::output;
use crate::table::plain;
use crate::variables::settings;

const EXAMPLES: &str = "Examples:
  spillway export terraform
  spillway export terraform --stack database --file dependencies.tf

The resources are for Spacelift's Terraform provider. The exit code is 1 if a dependency cannot be one of Spacelift's: a \
comment in the output and a warning say why.";

/// Print the dependencies in the language of another tool.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    Terraform(TerraformArguments),
}

/// Print the dependencies of labels as `spacelift_stack_dependency` resources. This changes nothing in Spacelift.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct TerraformArguments {
    /// Only the dependencies of this stack. Can be repeated.
    #[arg(long = "stack", value_name = "STACK", add = completion::stacks())]
    stacks: Vec<StackId>,
    /// Write to this file. A file that another tool or a person wrote is not replaced.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) fn export(arguments: ExportArguments) -> Done {
    let Format::Terraform(arguments) = arguments.format;
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let stacks = dependencies::stacks(&spacelift).await?;
        let graph = dependencies::graph_of(stacks, &settings.chain);
        if let Some(unknown) = arguments.stacks.iter().find(|id| graph.stack(id).is_none()) {
            return Err(dependencies::unknown(&graph, unknown));
        }
        let export = terraform(&graph, &arguments.stacks);
        match &arguments.file {
            None => output::text(&export.text)?,
            Some(file) => {
                write(file, &export.text)?;
                let count = export.resources;
                let resources = if count == 1 { "resource" } else { "resources" };
                output::line(&format!("Wrote {count} {resources} to {}.", file.display()))?;
            }
        }
        for sentence in &export.left_out {
            output::warning(&plain(&format!("left out: {sentence}")));
        }
        Ok(Exit::of(export.left_out.is_empty()))
    })
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    match std::fs::read(file) {
        Ok(present) if !present.starts_with(NOTE.as_bytes()) => {
            return Err(Failure::usage(format!(
                "the file `{}` exists, and this command did not write it",
                file.display()
            ))
            .meaning("It was not changed.")
            .hint("Choose another file.")
            .into());
        }
        _ => {}
    }
    std::fs::write(file, text).map_err(|error| {
        let (file, reason) = (file.display(), reason(&error));
        Failure::new(
            Exit::Failed,
            format!("the file `{file}` could not be written: {reason}"),
        )
        .into()
    })
}
