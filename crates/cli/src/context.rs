//! `spillway context`.

mod create;

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{ConfigElement, ConfigKind, Context, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::deletion::Deletion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::Listing;
use crate::json::Shape;
use crate::progress::during;
use crate::table::Table;
use create::CreateContext;

const EXAMPLES: &str = "Examples:
  spillway context list
  spillway context show registry-login
  spillway context create registry --variable REGION=eu-west-1 --secret TOKEN
  spillway context create settings --file etc/a.json=./a.json
  spillway context delete registry --yes

`--secret TOKEN` reads the value from the environment variable TOKEN, so that it stays out of the shell history.";

/// List, show, create and delete contexts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ContextArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all contexts.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a context with its variables and files.
    Show {
        /// The id of the context.
        #[arg(value_name = "CONTEXT")]
        context: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Create a context.
    Create(CreateContext),
    /// Delete a context.
    Delete {
        /// The id of the context.
        #[arg(value_name = "CONTEXT")]
        context: String,
        #[command(flatten)]
        deletion: Deletion,
    },
}

pub(crate) fn context(arguments: ContextArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { listing } => list(&spacelift, &listing).await,
        Action::Show { context, listing } => show(&spacelift, &context, &listing).await,
        Action::Create(create) => create.run(&spacelift).await,
        Action::Delete { context, deletion } => {
            let delete = during("Deleting the context", spacelift.delete_context(&context));
            deletion.of("context", &context, delete).await
        }
    })
}

async fn list(spacelift: &Spacelift, listing: &Listing) -> Done {
    const WHAT: &str = "Reading the contexts";
    if let Some(fields) = &listing.fields {
        listing.chosen(during(WHAT, spacelift.contexts_with(fields)).await?, fields)?;
        return Ok(Exit::Success);
    }
    let contexts = during(WHAT, spacelift.contexts()).await?;
    let views: Vec<_> = contexts.iter().map(View::of).collect();
    let mut table = Table::with_head(["id", "name", "space", "variables", "files", "labels"]);
    for view in &views {
        table.row([
            view.id,
            view.name,
            view.space,
            &view.of_kind(VARIABLE).to_string(),
            &view.of_kind(FILE).to_string(),
            &view.labels.join(", "),
        ]);
    }
    listing.output.list(&views, &table, "There are no contexts.")?;
    Ok(Exit::Success)
}

async fn show(spacelift: &Spacelift, id: &str, listing: &Listing) -> Done {
    let missing = || Failure::not_found("context", id);
    if let Some(fields) = &listing.fields {
        let context = spacelift.context_with(id, fields).await?.ok_or_else(missing)?;
        listing.one_chosen(context, fields)?;
        return Ok(Exit::Success);
    }
    print(&spacelift.context(id).await?.ok_or_else(missing)?, listing)
}

fn print(context: &Context, listing: &Listing) -> Done {
    let view = View::of(context);
    let mut details = Table::default();
    details.row(["id", view.id]);
    details.row(["name", view.name]);
    details.row(["description", view.description.unwrap_or_default()]);
    details.row(["space", view.space]);
    details.row(["labels", &view.labels.join(", ")]);
    for element in &view.config {
        let value = match element.value {
            None => "(write-only)",
            Some(_) if element.kind == FILE => "(contents with -o json, in Base64)",
            Some(value) => value,
        };
        details.row([&format!("{} {}", element.kind, element.id), value]);
    }
    listing.output.table(&view, &details)?;
    Ok(Exit::Success)
}

const VARIABLE: &str = "variable";
const FILE: &str = "file";

/// A context.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Context")]
pub(crate) struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    space: &'a str,
    labels: &'a [String],
    config: Vec<Element<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ContextElement")]
struct Element<'a> {
    /// The name of the variable, or the path of the file.
    id: &'a str,
    kind: &'static str,
    /// In Base64 if it is a file; null if it is write-only.
    value: Option<&'a str>,
    write_only: bool,
    description: Option<&'a str>,
}

impl Shape for View<'_> {
    const KIND: &'static str = "context";
}

impl<'a> View<'a> {
    fn of(context: &'a Context) -> Self {
        Self {
            id: &context.id,
            name: &context.name,
            description: context.description.as_deref(),
            space: context.space.as_str(),
            labels: &context.labels,
            config: context.config.iter().map(Element::of).collect(),
        }
    }

    fn of_kind(&self, kind: &str) -> usize {
        self.config.iter().filter(|element| element.kind == kind).count()
    }
}

impl<'a> Element<'a> {
    fn of(element: &'a ConfigElement) -> Self {
        Self {
            id: &element.id,
            kind: match element.kind {
                ConfigKind::EnvironmentVariable => VARIABLE,
                ConfigKind::MountedFile => FILE,
                _ => "unknown",
            },
            value: element.value.as_deref(),
            write_only: element.write_only,
            description: element.description.as_deref(),
        }
    }
}
