//! `spillway stacks`.

mod create;

use std::process::ExitCode;

use chain::StackId;
use clap::{Args, Subcommand};
use serde::Serialize;
use spacelift::{Spacelift, Stack, Vendor};

use crate::command::{Done, with_spacelift};
use crate::deletion::Deletion;
use crate::failure::Failure;
use crate::listing::Shape;
use crate::progress::during;
use crate::table::Table;
use create::CreateStack;

const EXAMPLES: &str = "Examples:
  spillway stacks list
  spillway stacks list --fields \"id space labels\"
  spillway stacks show core-network --json
  spillway stacks create cache --repository acme/infra --label dependsOn:core-network
  spillway stacks delete cache --yes";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StacksArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists all stacks.
    List {
        #[command(flatten)]
        shape: Shape,
    },
    /// Shows one stack.
    Show {
        /// Its id.
        #[arg(value_name = "STACK")]
        stack: StackId,
        #[command(flatten)]
        shape: Shape,
    },
    /// Makes a stack. It makes no run.
    Create(Box<CreateStack>),
    /// Deletes a stack. The resources that it made stay.
    Delete {
        /// Its id.
        #[arg(value_name = "STACK")]
        stack: StackId,
        #[command(flatten)]
        deletion: Deletion,
    },
}

pub(crate) fn stacks(arguments: StacksArguments) -> Done {
    with_spacelift(async |spacelift| match arguments.action {
        Action::List { shape } => list(&spacelift, &shape).await,
        Action::Show { stack, shape } => show(&spacelift, &stack, &shape).await,
        Action::Create(create) => Box::pin(create.run(&spacelift)).await,
        Action::Delete { stack, deletion } => {
            deletion
                .of(
                    "stack",
                    stack.as_str(),
                    during("Deleting the stack", spacelift.delete_stack(&stack)),
                )
                .await
        }
    })
}

async fn list(spacelift: &Spacelift, shape: &Shape) -> Done {
    const WHAT: &str = "Reading the stacks";
    if let Some(fields) = &shape.fields {
        shape.chosen(&during(WHAT, spacelift.stacks_with(fields)).await?, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    let stacks = during(WHAT, spacelift.stacks()).await?;
    let views: Vec<_> = stacks.iter().map(View::of).collect();
    let mut table = Table::with_head(["id", "space", "state", "deploys", "code", "labels"]);
    for view in &views {
        table.row([
            view.id.as_str(),
            view.space,
            &view.state_in_words(),
            view.deploys(),
            &view.code(),
            &view.labels.join(", "),
        ]);
    }
    shape.all(&views, &table)?;
    Ok(ExitCode::SUCCESS)
}

async fn show(spacelift: &Spacelift, id: &StackId, shape: &Shape) -> Done {
    let missing = || Failure::missing("stack", id);
    if let Some(fields) = &shape.fields {
        let stack = spacelift.stack_with(id, fields).await?.ok_or_else(missing)?;
        shape.one_chosen(&stack, fields)?;
        return Ok(ExitCode::SUCCESS);
    }
    let stack = spacelift.stack(id).await?.ok_or_else(missing)?;
    print(&stack, shape)
}

fn print(stack: &Stack, shape: &Shape) -> Done {
    let view = View::of(stack);
    let mut details = Table::default();
    details.row(["id", view.id.as_str()]);
    details.row(["name", view.name]);
    details.row(["description", view.description.unwrap_or_default()]);
    details.row(["space", view.space]);
    details.row(["state", &view.state_in_words()]);
    details.row(["deploys", view.deploys()]);
    details.row(["vendor", view.vendor.unwrap_or_default()]);
    details.row(["code", &view.code()]);
    details.row(["tracked commit", view.tracked_commit.unwrap_or_default()]);
    details.row(["administrative", if view.administrative { "yes" } else { "no" }]);
    details.row(["labels", &view.labels.join(", ")]);
    details.row(["native upstream", &view.native_upstream.join(", ")]);
    shape.one(&view, &details)?;
    Ok(ExitCode::SUCCESS)
}

/// A stack for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    id: &'a StackId,
    name: &'a str,
    description: Option<&'a str>,
    space: &'a str,
    state: &'a str,
    disabled: bool,
    locked_by: Option<&'a str>,
    autodeploy: bool,
    administrative: bool,
    vendor: Option<&'static str>,
    /// With its namespace.
    repository: String,
    branch: &'a str,
    tracked_commit: Option<&'a str>,
    labels: &'a [String],
    /// What it depends on by Spacelift's own means.
    native_upstream: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn of(stack: &'a Stack) -> Self {
        Self {
            id: &stack.id,
            name: &stack.name,
            description: stack.description.as_deref(),
            space: stack.space.as_str(),
            state: stack.state.as_str(),
            disabled: stack.is_disabled,
            locked_by: stack.lock.as_ref().map(|lock| lock.by.as_str()),
            autodeploy: stack.autodeploy,
            administrative: stack.administrative,
            vendor: stack.vendor.map(vendor),
            repository: stack.full_repository(),
            branch: &stack.branch,
            tracked_commit: stack.tracked_commit.as_ref().map(chain::CommitSha::as_str),
            labels: &stack.labels,
            native_upstream: stack
                .depends_on
                .iter()
                .map(|native| native.depends_on.as_str())
                .collect(),
        }
    }

    fn state_in_words(&self) -> String {
        let mut words = self.state.to_owned();
        if self.disabled {
            words += ", disabled";
        }
        if let Some(by) = self.locked_by {
            words = format!("{words}, locked by {by}");
        }
        words
    }

    fn deploys(&self) -> &'static str {
        if self.autodeploy { "by itself" } else { "by hand" }
    }

    fn code(&self) -> String {
        format!("{}@{}", self.repository, self.branch)
    }
}

fn vendor(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::OpenTofu => "opentofu",
        Vendor::Terraform => "terraform",
        Vendor::Terragrunt => "terragrunt",
        Vendor::Pulumi => "pulumi",
        Vendor::CloudFormation => "cloudformation",
        Vendor::Kubernetes => "kubernetes",
        Vendor::Ansible => "ansible",
        _ => "unknown",
    }
}
