//! `spillway stack create`.

use chain::SpaceId;
use clap::{Args, ValueEnum};
use spacelift::{NewStack, Spacelift, VendorConfig};

use crate::command::Done;
use crate::fields::Listing;
use crate::progress::during;

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's switches, each on its own"
)]
pub(crate) struct CreateStack {
    /// The name. Spacelift derives the id from it.
    name: String,
    /// The id, instead of one derived from the name.
    #[arg(long, value_name = "ID")]
    slug: Option<String>,
    /// The space.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// A description.
    #[arg(long)]
    description: Option<String>,
    /// A label, such as depends-on:core-network. Can be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// The repository: owner/name.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: String,
    /// The tracked branch.
    #[arg(long, default_value = "main")]
    branch: String,
    /// The directory in the repository.
    #[arg(long, value_name = "DIRECTORY")]
    project_root: Option<String>,
    /// The VCS provider, such as GITHUB or GITLAB.
    #[arg(long)]
    provider: Option<String>,
    /// The VCS integration [default: the default integration of the account].
    #[arg(long, value_name = "ID")]
    vcs_integration: Option<String>,
    /// Apply plans without a confirmation.
    #[arg(long)]
    autodeploy: bool,
    /// Let its runs manage the Spacelift account.
    #[arg(long)]
    administrative: bool,
    /// Protect the stack from deletion.
    #[arg(long)]
    protect_from_deletion: bool,
    /// Do not let Spacelift manage the state.
    #[arg(long)]
    own_state: bool,
    /// The private worker pool.
    #[arg(long, value_name = "ID")]
    worker_pool: Option<String>,
    /// The Docker image of its runs.
    #[arg(long, value_name = "IMAGE")]
    runner_image: Option<String>,
    #[command(flatten)]
    listing: Listing,
    #[command(flatten)]
    vendor: VendorArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VendorName {
    Opentofu,
    Terraform,
    Terragrunt,
    Pulumi,
    Cloudformation,
    Kubernetes,
    Ansible,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Vendor")]
struct VendorArguments {
    /// The tool that the stack runs.
    #[arg(long, value_enum, default_value = "opentofu")]
    vendor: VendorName,
    /// The version of OpenTofu, Terraform, Terragrunt or kubectl.
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
    /// Terragrunt: the version of Terraform.
    #[arg(long, value_name = "VERSION")]
    terraform_version: Option<String>,
    /// OpenTofu, Terraform: the workspace.
    #[arg(long)]
    workspace: Option<String>,
    /// Terragrunt: run all modules.
    #[arg(long)]
    run_all: bool,
    /// Pulumi: the URL of the state backend.
    #[arg(long, value_name = "URL", required_if_eq("vendor", "pulumi"))]
    login_url: Option<String>,
    /// Pulumi, CloudFormation: the name of the stack in the tool.
    #[arg(long, value_name = "NAME", required_if_eq_any([("vendor", "pulumi"), ("vendor", "cloudformation")]))]
    stack_name: Option<String>,
    /// CloudFormation: the entry template.
    #[arg(long, value_name = "FILE", required_if_eq("vendor", "cloudformation"))]
    template: Option<String>,
    /// CloudFormation: the region.
    #[arg(long, required_if_eq("vendor", "cloudformation"))]
    region: Option<String>,
    /// CloudFormation: the bucket for templates.
    #[arg(long, value_name = "BUCKET", required_if_eq("vendor", "cloudformation"))]
    template_bucket: Option<String>,
    /// Kubernetes: the namespace.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// Ansible: the playbook.
    #[arg(long, value_name = "FILE", required_if_eq("vendor", "ansible"))]
    playbook: Option<String>,
}

impl CreateStack {
    pub(super) async fn run(self, spacelift: &Spacelift) -> Done {
        let listing = self.listing;
        let (namespace, repository) = match self.repository.rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, self.repository.as_str()),
        };
        let new = NewStack {
            slug: self.slug,
            description: self.description,
            labels: self.labels,
            namespace,
            provider: self.provider,
            vcs_integration: self.vcs_integration,
            project_root: self.project_root,
            autodeploy: self.autodeploy,
            administrative: self.administrative,
            protect_from_deletion: self.protect_from_deletion,
            manage_state: !self.own_state,
            worker_pool: self.worker_pool,
            runner_image: self.runner_image,
            ..NewStack::new(self.name, self.space, repository, self.branch, self.vendor.into())
        };
        let stack = during("Creating the stack", spacelift.create_stack(&new)).await?;
        match &listing.fields {
            Some(_) => super::show(spacelift, &stack.id, &listing).await,
            None => super::print(&stack, &listing),
        }
    }
}

impl From<VendorArguments> for VendorConfig {
    /// The arguments that a tool requires are present: clap checks that.
    fn from(tool: VendorArguments) -> Self {
        let required = Option::unwrap_or_default;
        match tool.vendor {
            VendorName::Opentofu => Self::OpenTofu {
                version: tool.tool_version,
                workspace: tool.workspace,
            },
            VendorName::Terraform => Self::Terraform {
                version: tool.tool_version,
                workspace: tool.workspace,
            },
            VendorName::Terragrunt => Self::Terragrunt {
                terraform_version: tool.terraform_version,
                terragrunt_version: tool.tool_version,
                run_all: tool.run_all,
            },
            VendorName::Pulumi => Self::Pulumi {
                login_url: required(tool.login_url),
                stack_name: required(tool.stack_name),
            },
            VendorName::Cloudformation => Self::CloudFormation {
                entry_template_file: required(tool.template),
                region: required(tool.region),
                stack_name: required(tool.stack_name),
                template_bucket: required(tool.template_bucket),
            },
            VendorName::Kubernetes => Self::Kubernetes {
                namespace: tool.namespace,
                kubectl_version: tool.tool_version,
            },
            VendorName::Ansible => Self::Ansible {
                playbook: required(tool.playbook),
            },
        }
    }
}
