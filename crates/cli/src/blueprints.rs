//! `spillway blueprints`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use spacelift::{Blueprint, BlueprintInput, BlueprintState, Spacelift};

use crate::command::{Done, with_spacelift};
use crate::failure::Failure;
use crate::listing::Shape;
use crate::output;
use crate::pairs::pair;
use crate::progress::during;
use crate::table::Table;

const EXAMPLES: &str = "Examples:
  spillway blueprints list
  spillway blueprints show service
  spillway blueprints deploy service --input service_name=checkout --input environment=staging";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BlueprintsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists all blueprints.
    List {
        #[command(flatten)]
        shape: Shape,
    },
    /// Shows one blueprint and what it asks for.
    Show {
        /// Its id.
        #[arg(value_name = "BLUEPRINT")]
        blueprint: String,
        #[command(flatten)]
        shape: Shape,
    },
    /// Makes a stack from a published blueprint.
    #[command(visible_alias = "create-stack")]
    Deploy {
        /// Its id.
        #[arg(value_name = "BLUEPRINT")]
        blueprint: String,
        /// One of the values that it asks for, by its id. May be repeated.
        #[arg(long = "input", value_name = "ID=VALUE", value_parser = pair)]
        inputs: Vec<(String, String)>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn blueprints(arguments: BlueprintsArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { shape } => list(&spacelift, &shape).await,
        Action::Show { blueprint, shape } => show(&spacelift, &blueprint, &shape).await,
        Action::Deploy {
            blueprint,
            inputs,
            json,
        } => deploy(&spacelift, &blueprint, inputs, json).await,
    })
}

async fn list(spacelift: &Spacelift, shape: &Shape) -> Done {
    const WHAT: &str = "Reading the blueprints";
    if let Some(fields) = &shape.fields {
        shape.chosen(&during(WHAT, spacelift.blueprints_with(fields)).await?, fields)?;
        return Ok(ExitCode::SUCCESS);
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
    shape.all(&views, &table)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(spacelift: &Spacelift, id: &str, shape: &Shape) -> Done {
    let missing = || Failure::missing("blueprint", id);
    if let Some(fields) = &shape.fields {
        let blueprint = spacelift.blueprint_with(id, fields).await?.ok_or_else(missing)?;
        shape.one_chosen(&blueprint, fields)?;
        return Ok(ExitCode::SUCCESS);
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
    shape.one(&view, &details)?;
    Ok(ExitCode::SUCCESS)
}

async fn deploy(spacelift: &Spacelift, blueprint: &str, inputs: Vec<(String, String)>, json: bool) -> Done {
    let inputs: Vec<_> = inputs.into_iter().map(|(id, value)| (id, value.into())).collect();
    let made = during(
        "Making the stack",
        spacelift.create_stack_from_blueprint(blueprint, &inputs),
    )
    .await?;
    if json {
        output::json(&json!({"stack": made.stack, "run": made.run}))?;
    } else {
        output::line(&match made.run {
            Some(run) => format!("Made the stack `{}`. Its first run is {run}.", made.stack),
            None => format!("Made the stack `{}`. It has no run yet.", made.stack),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// A blueprint for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    state: &'a str,
    space: &'a str,
    labels: &'a [String],
    inputs: Vec<Input<'a>>,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    default: Option<&'a str>,
    options: &'a [String],
    r#type: Option<&'a str>,
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
