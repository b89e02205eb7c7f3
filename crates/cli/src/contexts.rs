//! `spillway contexts`.

mod create;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use spacelift::{ConfigElement, ConfigKind, Context, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::deletion::Deletion;
use crate::failure::Failure;
use crate::listing::Shape;
use crate::progress::during;
use crate::table::Table;
use create::CreateContext;

const EXAMPLES: &str = "Examples:
  spillway contexts list
  spillway contexts show registry-login
  spillway contexts create registry --variable REGION=eu-west-1 --secret TOKEN
  spillway contexts create settings --file etc/a.json=./a.json
  spillway contexts delete registry --yes

`--secret TOKEN` reads the value from the environment variable TOKEN, so that it is in no shell's \
history.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ContextsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists all contexts.
    List {
        #[command(flatten)]
        shape: Shape,
    },
    /// Shows one context with its variables and files.
    Show {
        /// Its id.
        #[arg(value_name = "CONTEXT")]
        context: String,
        #[command(flatten)]
        shape: Shape,
    },
    /// Makes a context.
    Create(CreateContext),
    /// Deletes a context.
    Delete {
        /// Its id.
        #[arg(value_name = "CONTEXT")]
        context: String,
        #[command(flatten)]
        deletion: Deletion,
    },
}

pub(crate) fn contexts(arguments: ContextsArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { shape } => list(&spacelift, &shape).await,
        Action::Show { context, shape } => show(&spacelift, &context, &shape).await,
        Action::Create(create) => create.run(&spacelift).await,
        Action::Delete { context, deletion } => {
            let delete = during("Deleting the context", spacelift.delete_context(&context));
            deletion.of("context", &context, delete).await
        }
    })
}

async fn list(spacelift: &Spacelift, shape: &Shape) -> Done {
    const WHAT: &str = "Reading the contexts";
    if let Some(fields) = &shape.fields {
        shape.chosen(&during(WHAT, spacelift.contexts_with(fields)).await?, fields)?;
        return Ok(ExitCode::SUCCESS);
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
    shape.all(&views, &table)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(spacelift: &Spacelift, id: &str, shape: &Shape) -> Done {
    let missing = || Failure::missing("context", id);
    if let Some(fields) = &shape.fields {
        let context = spacelift.context_with(id, fields).await?.ok_or_else(missing)?;
        shape.one_chosen(&context, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&spacelift.context(id).await?.ok_or_else(missing)?, shape)
}

fn print(context: &Context, shape: &Shape) -> Done {
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
            Some(_) if element.kind == FILE => "(contents with --json, in base64)",
            Some(value) => value,
        };
        details.row([&format!("{} {}", element.kind, element.id), value]);
    }
    shape.one(&view, &details)?;
    Ok(ExitCode::SUCCESS)
}

const VARIABLE: &str = "variable";
const FILE: &str = "file";

/// A context for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    space: &'a str,
    labels: &'a [String],
    config: Vec<Element<'a>>,
}

#[derive(Debug, Serialize)]
struct Element<'a> {
    id: &'a str,
    kind: &'static str,
    /// In base64 if it is a file; null if it is write-only.
    value: Option<&'a str>,
    write_only: bool,
    description: Option<&'a str>,
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
