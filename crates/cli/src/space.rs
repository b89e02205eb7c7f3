//! `spillway space`.

use chain::SpaceId;
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{NewSpace, Space, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::deletion::Deletion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::Listing;
use crate::json::Shape;
use crate::progress::during;
use crate::table::Table;

const EXAMPLES: &str = "Examples:
  spillway space list
  spillway space show root
  spillway space create sandbox --description Experiments --no-inherit
  spillway space delete sandbox-01JSMHTFM9TXWW1XK4AZN1SA8K --yes";

/// List, show, create and delete spaces.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SpaceArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all spaces.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a space.
    Show {
        /// The id of the space.
        #[arg(value_name = "SPACE")]
        space: SpaceId,
        #[command(flatten)]
        listing: Listing,
    },
    /// Create a space.
    Create(CreateSpace),
    /// Delete a space.
    Delete {
        /// The id of the space.
        #[arg(value_name = "SPACE")]
        space: SpaceId,
        #[command(flatten)]
        deletion: Deletion,
    },
}

#[derive(Debug, Args)]
struct CreateSpace {
    /// The name. Spacelift derives the id from it.
    name: String,
    /// The parent space.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    parent: SpaceId,
    /// A description.
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
    /// Do not inherit what is attached to the parent space.
    #[arg(long)]
    no_inherit: bool,
    /// A label. Can be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    #[command(flatten)]
    listing: Listing,
}

pub(crate) fn space(arguments: SpaceArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { listing } => list(&spacelift, &listing).await,
        Action::Show { space, listing } => show(&spacelift, &space, &listing).await,
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

async fn list(spacelift: &Spacelift, listing: &Listing) -> Done {
    const WHAT: &str = "Reading the spaces";
    if let Some(fields) = &listing.fields {
        listing.chosen(during(WHAT, spacelift.spaces_with(fields)).await?, fields)?;
        return Ok(Exit::Success);
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
    listing.output.list(&views, &table, "There are no spaces.")?;
    Ok(Exit::Success)
}

async fn show(spacelift: &Spacelift, id: &SpaceId, listing: &Listing) -> Done {
    let missing = || Failure::not_found("space", id);
    if let Some(fields) = &listing.fields {
        let space = spacelift.space_with(id, fields).await?.ok_or_else(missing)?;
        listing.one_chosen(space, fields)?;
        return Ok(Exit::Success);
    }
    print(&spacelift.space(id).await?.ok_or_else(missing)?, listing)
}

fn print(space: &Space, listing: &Listing) -> Done {
    let view = View::of(space);
    let mut details = Table::default();
    details.row(["id", view.id]);
    details.row(["name", view.name]);
    details.row(["description", view.description]);
    details.row(["parent", view.parent.unwrap_or_default()]);
    details.row(["inherits", view.inherits()]);
    details.row(["labels", &view.labels.join(", ")]);
    listing.output.table(&view, &details)?;
    Ok(Exit::Success)
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
        let space = during("Creating the space", spacelift.create_space(&new)).await?;
        match &self.listing.fields {
            Some(_) => show(spacelift, &space.id, &self.listing).await,
            None => print(&space, &self.listing),
        }
    }
}

/// A space.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Space")]
pub(crate) struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    parent: Option<&'a str>,
    inherit_entities: bool,
    labels: &'a [String],
}

impl Shape for View<'_> {
    const KIND: &'static str = "space";
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
