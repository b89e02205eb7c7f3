//! `spillway stack`.

mod create;
mod depend;
mod settle;
mod why;

use chain::StackId;
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{Spacelift, Stack, Vendor};

use crate::command::{Done, block_on, no_stack, with_spacelift};
use crate::completion;
use crate::deletion::Deletion;
use crate::exit::Exit;
use crate::fields::Listing;
use crate::json::Shape;
use crate::progress::during;
use crate::table::Table;
use crate::variables::settings;
use crate::{dependencies, output, web};
use create::CreateStack;
use depend::DependArguments;

pub(crate) use depend::View as DependencyChange;
pub(crate) use settle::{DoneArguments, ReleaseArguments, StackOrder};
pub(crate) use why::{StackStatus, WhyArguments};

const EXAMPLES: &str = "Examples:
  spillway stack list
  spillway stack list --fields \"id space labels\"
  spillway stack show core-network -o json
  spillway stack create cache --repository acme/infra --label depends-on:core-network
  spillway stack depend cache --on database --apply
  spillway stack delete cache --yes
  spillway stack why database
  spillway stack done database";

/// List, show, create, delete and release stacks, and set their dependencies.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StackArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all stacks.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a stack.
    Show {
        /// The id of the stack.
        #[arg(value_name = "STACK", add = completion::stacks())]
        stack: StackId,
        /// Print the link to its page in Spacelift, and open it where there is a browser.
        #[arg(long)]
        web: bool,
        #[command(flatten)]
        listing: Listing,
    },
    Depend(DependArguments),
    Why(WhyArguments),
    Done(DoneArguments),
    Release(ReleaseArguments),
    /// Create a stack. This triggers no run.
    Create(Box<CreateStack>),
    /// Delete a stack. The resources that it manages are kept.
    Delete {
        /// The id of the stack.
        #[arg(value_name = "STACK", add = completion::stacks())]
        stack: StackId,
        #[command(flatten)]
        deletion: Deletion,
    },
}

pub(crate) fn stack(arguments: StackArguments) -> Done {
    match arguments.action {
        Action::List { listing } => with_spacelift(async |spacelift| list(&spacelift, &listing).await),
        Action::Show { stack, web: true, .. } => {
            block_on(async { web::show(web::pages().await?.stack(&stack)) })
        }
        Action::Show { stack, listing, .. } => {
            with_spacelift(async |spacelift| show(&spacelift, &stack, &listing).await)
        }
        Action::Depend(depend) => depend.run(),
        Action::Why(why) => why.run(),
        Action::Done(done) => done.run(),
        Action::Release(release) => release.run(),
        Action::Create(create) => with_spacelift(async |spacelift| Box::pin(create.run(&spacelift)).await),
        Action::Delete { stack, deletion } => with_spacelift(async |spacelift| {
            warn_of_dependents(&spacelift, &stack).await?;
            let delete = during("Deleting the stack", spacelift.delete_stack(&stack));
            deletion.of("stack", stack.as_str(), delete).await
        }),
    }
}

/// Names the stacks that a deletion leaves with a dependency on a stack that does not exist.
async fn warn_of_dependents(spacelift: &Spacelift, stack: &StackId) -> anyhow::Result<()> {
    let graph = dependencies::graph(spacelift, &settings()?.chain).await?;
    let dependents: Vec<StackId> = graph.downstream(stack).cloned().collect();
    let verb = match dependents.len() {
        0 => return Ok(()),
        1 => "depends",
        _ => "depend",
    };
    output::warning(&format!(
        "{} {verb} on `{stack}`",
        chain::render::names(&dependents)
    ));
    output::note(
        "Chains then skip what depends on it, unless `unknown_upstream` says otherwise. Remove the dependencies with `spillway \
         stack depend`, or where Terraform sets the labels.",
    );
    Ok(())
}

async fn list(spacelift: &Spacelift, listing: &Listing) -> Done {
    const WHAT: &str = "Reading the stacks";
    if let Some(fields) = &listing.fields {
        listing.chosen(during(WHAT, spacelift.stacks_with(fields)).await?, fields)?;
        return Ok(Exit::Success);
    }
    let stacks = during(WHAT, spacelift.stacks()).await?;
    let views: Vec<_> = stacks.iter().map(View::of).collect();
    let mut table = Table::with_head(["id", "space", "state", "deploys", "code", "labels"])
        .only_if_fits(["deploys", "code"]);
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
    listing.output.list(&views, &table, "There are no stacks.")?;
    Ok(Exit::Success)
}

async fn show(spacelift: &Spacelift, id: &StackId, listing: &Listing) -> Done {
    if let Some(fields) = &listing.fields {
        let Some(stack) = spacelift.stack_with(id, fields).await? else {
            return Err(no_stack(spacelift, id).await);
        };
        listing.one_chosen(stack, fields)?;
        return Ok(Exit::Success);
    }
    match spacelift.stack(id).await? {
        Some(stack) => print(&stack, listing),
        None => Err(no_stack(spacelift, id).await),
    }
}

fn print(stack: &Stack, listing: &Listing) -> Done {
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
    listing.output.table(&view, &details)?;
    Ok(Exit::Success)
}

/// A stack.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Stack")]
pub(crate) struct View<'a> {
    id: &'a StackId,
    name: &'a str,
    description: Option<&'a str>,
    space: &'a str,
    /// Spacelift's word for the state.
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
    /// The stacks that it depends on with Spacelift's own dependencies.
    native_upstream: Vec<&'a str>,
}

impl Shape for View<'_> {
    const KIND: &'static str = "stack";
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
        if self.autodeploy { "autodeploy" } else { "manual" }
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
