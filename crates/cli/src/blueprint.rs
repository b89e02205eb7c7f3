//! `spillway blueprint`.

use chain::{RunId, StackId};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{Blueprint, BlueprintInput, BlueprintState, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::Listing;
use crate::json::Shape;
use crate::output::Output;
use crate::pair::pair;
use crate::progress::during;
use crate::table::Table;

const EXAMPLES: &str = "Examples:
  spillway blueprint list
  spillway blueprint show service
  spillway blueprint deploy service --input service_name=checkout --input environment=staging";

/// List, show and deploy blueprints.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlueprintArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all blueprints.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a blueprint and its inputs.
    Show {
        /// The id of the blueprint.
        #[arg(value_name = "BLUEPRINT")]
        blueprint: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Create a stack from a published blueprint.
    #[command(alias = "create-stack")]
    Deploy {
        /// The id of the blueprint.
        #[arg(value_name = "BLUEPRINT")]
        blueprint: String,
        /// The value of an input. Can be repeated.
        #[arg(long = "input", value_name = "ID=VALUE", value_parser = pair)]
        inputs: Vec<(String, String)>,
        #[command(flatten)]
        output: Output,
    },
}

pub(crate) fn blueprint(arguments: BlueprintArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { listing } => list(&spacelift, &listing).await,
        Action::Show { blueprint, listing } => show(&spacelift, &blueprint, &listing).await,
        Action::Deploy {
            blueprint,
            inputs,
            output,
        } => deploy(&spacelift, &blueprint, inputs, output).await,
    })
}

async fn list(spacelift: &Spacelift, listing: &Listing) -> Done {
    const WHAT: &str = "Reading the blueprints";
    if let Some(fields) = &listing.fields {
        listing.chosen(during(WHAT, spacelift.blueprints_with(fields)).await?, fields)?;
        return Ok(Exit::Success);
    }
    let blueprints = during(WHAT, spacelift.blueprints()).await?;
    let views: Vec<_> = blueprints.iter().map(View::of).collect();
    let mut table = Table::with_head(["id", "name", "state", "space", "inputs", "description"]);
    for view in &views {
        let inputs: Vec<_> = view.inputs.iter().map(|input| input.id).collect();
        table.row([
            view.id,
            view.name,
            view.state,
            view.space,
            &inputs.join(", "),
            view.description.unwrap_or_default(),
        ]);
    }
    listing.output.list(&views, &table, "There are no blueprints.")?;
    Ok(Exit::Success)
}

async fn show(spacelift: &Spacelift, id: &str, listing: &Listing) -> Done {
    let missing = || Failure::not_found("blueprint", id);
    if let Some(fields) = &listing.fields {
        let blueprint = spacelift.blueprint_with(id, fields).await?.ok_or_else(missing)?;
        listing.one_chosen(blueprint, fields)?;
        return Ok(Exit::Success);
    }
    let blueprint = spacelift.blueprint(id).await?.ok_or_else(missing)?;
    let view = View::of(&blueprint);
    let mut details = Table::default();
    details.row(["id", view.id]);
    details.row(["name", view.name]);
    details.row(["description", view.description.unwrap_or_default()]);
    details.row(["state", view.state]);
    details.row(["space", view.space]);
    details.row(["labels", &view.labels.join(", ")]);
    for input in &view.inputs {
        details.row([&format!("input {}", input.id), &input.in_words()]);
    }
    listing.output.table(&view, &details)?;
    Ok(Exit::Success)
}

async fn deploy(
    spacelift: &Spacelift,
    blueprint: &str,
    inputs: Vec<(String, String)>,
    output: Output,
) -> Done {
    let inputs: Vec<_> = inputs.into_iter().map(|(id, value)| (id, value.into())).collect();
    let made = during(
        "Creating the stack",
        spacelift.create_stack_from_blueprint(blueprint, &inputs),
    )
    .await?;
    let deployed = Deployed {
        stack: made.stack,
        run: made.run,
    };
    output.show(&deployed, || match &deployed.run {
        Some(run) => format!("Created the stack `{}`. Its first run is {run}.", deployed.stack),
        None => format!("Created the stack `{}`. It has no run yet.", deployed.stack),
    })?;
    Ok(Exit::Success)
}

/// A stack that was created from a blueprint.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deployed {
    stack: StackId,
    /// Its first run.
    run: Option<RunId>,
}

impl Shape for Deployed {
    const KIND: &'static str = "blueprint_deployment";
}

/// A blueprint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Blueprint")]
pub(crate) struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    state: &'a str,
    space: &'a str,
    labels: &'a [String],
    inputs: Vec<Input<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BlueprintInput")]
struct Input<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    default: Option<&'a str>,
    options: &'a [String],
    r#type: Option<&'a str>,
}

impl Shape for View<'_> {
    const KIND: &'static str = "blueprint";
}

impl<'a> View<'a> {
    fn of(blueprint: &'a Blueprint) -> Self {
        Self {
            id: &blueprint.id,
            name: &blueprint.name,
            description: blueprint.description.as_deref(),
            state: match &blueprint.state {
                BlueprintState::Draft => "DRAFT",
                BlueprintState::Published => "PUBLISHED",
                BlueprintState::Unknown(state) => state,
                _ => "unknown",
            },
            space: blueprint.space.as_str(),
            labels: &blueprint.labels,
            inputs: blueprint.inputs.iter().map(Input::of).collect(),
        }
    }
}

impl<'a> Input<'a> {
    fn of(input: &'a BlueprintInput) -> Self {
        Self {
            id: &input.id,
            name: &input.name,
            description: input.description.as_deref(),
            default: input.default.as_deref(),
            options: &input.options,
            r#type: input.input_type.as_deref(),
        }
    }

    fn in_words(&self) -> String {
        let mut notes = Vec::new();
        if !self.options.is_empty() {
            notes.push(format!("one of {}", self.options.join(", ")));
        }
        if let Some(default) = self.default.filter(|default| !default.is_empty()) {
            notes.push(format!("default {default}"));
        }
        if notes.is_empty() {
            self.name.to_owned()
        } else {
            format!("{} ({})", self.name, notes.join("; "))
        }
    }
}
