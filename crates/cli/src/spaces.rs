//! `spillway spaces`.

use std::process::ExitCode;

use chain::SpaceId;
use clap::{Args, Subcommand};
use serde::Serialize;
use spacelift::{NewSpace, Space, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::deletion::Deletion;
use crate::failure::Failure;
use crate::listing::Shape;
use crate::progress::during;
use crate::table::Table;

const EXAMPLES: &str = "Examples:
  spillway spaces list
  spillway spaces show root
  spillway spaces create sandbox --description Experiments --no-inherit
  spillway spaces delete sandbox-01JSMHTFM9TXWW1XK4AZN1SA8K --yes";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SpacesArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists all spaces.
    List {
        #[command(flatten)]
        shape: Shape,
    },
    /// Shows one space.
    Show {
        /// Its id.
        #[arg(value_name = "SPACE")]
        space: SpaceId,
        #[command(flatten)]
        shape: Shape,
    },
    /// Makes a space.
    Create(CreateSpace),
    /// Deletes a space.
    Delete {
        /// Its id.
        #[arg(value_name = "SPACE")]
        space: SpaceId,
        #[command(flatten)]
        deletion: Deletion,
    },
}

#[derive(Debug, Args)]
struct CreateSpace {
    /// What it is called. Spacelift makes its id from it.
    name: String,
    /// The space that it is in.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    parent: SpaceId,
    /// What it is for.
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// What is attached to the parent does not count here.
    #[arg(long)]
    no_inherit: bool,
    /// A label. May be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    #[command(flatten)]
    shape: Shape,
}

pub(crate) fn spaces(arguments: SpacesArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { shape } => list(&spacelift, &shape).await,
        Action::Show { space, shape } => show(&spacelift, &space, &shape).await,
        Action::Create(create) => create.run(&spacelift).await,
        Action::Delete { space, deletion } => {
            deletion
                .of(
                    "space",
                    space.as_str(),
                    during("Deleting the space", spacelift.delete_space(&space)),
                )
                .await
        }
    })
}

async fn list(spacelift: &Spacelift, shape: &Shape) -> Done {
    const WHAT: &str = "Reading the spaces";
    if let Some(fields) = &shape.fields {
        shape.chosen(&during(WHAT, spacelift.spaces_with(fields)).await?, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    let spaces = during(WHAT, spacelift.spaces()).await?;
    let views: Vec<_> = spaces.iter().map(View::of).collect();
    let mut table = Table::with_head(["id", "name", "parent", "inherits", "labels", "description"]);
    for view in &views {
        table.row([
            view.id,
            view.name,
            view.parent.unwrap_or_default(),
            view.inherits(),
            &view.labels.join(", "),
            view.description,
        ]);
    }
    shape.all(&views, &table)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(spacelift: &Spacelift, id: &SpaceId, shape: &Shape) -> Done {
    let missing = || Failure::missing("space", id);
    if let Some(fields) = &shape.fields {
        let space = spacelift.space_with(id, fields).await?.ok_or_else(missing)?;
        shape.one_chosen(&space, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&spacelift.space(id).await?.ok_or_else(missing)?, shape)
}

fn print(space: &Space, shape: &Shape) -> Done {
    let view = View::of(space);
    let mut details = Table::default();
    details.row(["id", view.id]);
    details.row(["name", view.name]);
    details.row(["description", view.description]);
    details.row(["parent", view.parent.unwrap_or_default()]);
    details.row(["inherits", view.inherits()]);
    details.row(["labels", &view.labels.join(", ")]);
    shape.one(&view, &details)?;
    Ok(ExitCode::SUCCESS)
}

impl CreateSpace {
    async fn run(self, spacelift: &Spacelift) -> Done {
        let new = NewSpace {
            name: self.name,
            parent: self.parent,
            description: self.description,
            inherit_entities: !self.no_inherit,
            labels: self.labels,
        };
        let space = during("Making the space", spacelift.create_space(&new)).await?;
        match &self.shape.fields {
            Some(_) => show(spacelift, &space.id, &self.shape).await,
            None => print(&space, &self.shape),
        }
    }
}

/// A space for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    parent: Option<&'a str>,
    inherit_entities: bool,
    labels: &'a [String],
}

impl<'a> View<'a> {
    fn of(space: &'a Space) -> Self {
        Self {
            id: space.id.as_str(),
            name: &space.name,
            description: &space.description,
            parent: space.parent.as_ref().map(SpaceId::as_str),
            inherit_entities: space.inherit_entities,
            labels: &space.labels,
        }
    }

    fn inherits(&self) -> &'static str {
        if self.inherit_entities { "yes" } else { "no" }
    }
}
