//! `spillway stacks create`.

use chain::SpaceId;
use clap::{Args, ValueEnum};
use spacelift::{NewStack, Spacelift, VendorConfig};

use crate::command::Done;
use crate::listing::Shape;
use crate::progress::during;

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's switches, each on its own"
)]
pub(crate) struct CreateStack {
    /// What it is called. Spacelift makes its id from it.
    name: String,
    /// Its id, if it shall not be made from the name.
    #[arg(long, value_name = "ID")]
    slug: Option<String>,
    /// Where it belongs.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// A label, such as dependsOn:core-network. May be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Where the code is: `owner/name`.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: String,
    /// The branch that it tracks.
    #[arg(long, default_value = "main")]
    branch: String,
    /// The directory in the repository.
    #[arg(long, value_name = "DIRECTORY")]
    project_root: Option<String>,
    /// Spacelift's word for the host of the repository: GITHUB, GITLAB …
    #[arg(long)]
    provider: Option<String>,
    /// The account's integration with the host of the repository, if not the default one.
    #[arg(long, value_name = "ID")]
    vcs_integration: Option<String>,
    /// Apply what is planned without anyone's confirmation.
    #[arg(long)]
    autodeploy: bool,
    /// Allow its runs to change the account itself.
    #[arg(long)]
    administrative: bool,
    /// Refuse to delete it.
    #[arg(long)]
    protect_from_deletion: bool,
    /// Keep the state file elsewhere than in Spacelift.
    #[arg(long)]
    own_state: bool,
    /// The private workers that it runs on.
    #[arg(long, value_name = "ID")]
    worker_pool: Option<String>,
    /// The image that its runs use.
    #[arg(long, value_name = "IMAGE")]
    runner_image: Option<String>,
    #[command(flatten)]
    shape: Shape,
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
#[command(next_help_heading = "The tool that it runs")]
struct VendorArguments {
    #[arg(long, value_enum, default_value = "opentofu")]
    vendor: VendorName,
    /// Of OpenTofu, Terraform, Terragrunt or kubectl.
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
    /// Of the Terraform that Terragrunt runs.
    #[arg(long, value_name = "VERSION")]
    terraform_version: Option<String>,
    /// OpenTofu, Terraform.
    #[arg(long)]
    workspace: Option<String>,
    /// Terragrunt: run all modules.
    #[arg(long)]
    run_all: bool,
    /// Pulumi: where the state is.
    #[arg(long, value_name = "URL", required_if_eq("vendor", "pulumi"))]
    login_url: Option<String>,
    /// Pulumi, CloudFormation: the tool's own name of the stack.
    #[arg(long, value_name = "NAME", required_if_eq_any([("vendor", "pulumi"), ("vendor", "cloudformation")]))]
    stack_name: Option<String>,
    /// CloudFormation.
    #[arg(long, value_name = "FILE", required_if_eq("vendor", "cloudformation"))]
    template: Option<String>,
    /// CloudFormation.
    #[arg(long, required_if_eq("vendor", "cloudformation"))]
    region: Option<String>,
    /// CloudFormation: the bucket for templates.
    #[arg(long, value_name = "BUCKET", required_if_eq("vendor", "cloudformation"))]
    template_bucket: Option<String>,
    /// Kubernetes.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// Ansible.
    #[arg(long, value_name = "FILE", required_if_eq("vendor", "ansible"))]
    playbook: Option<String>,
}

impl CreateStack {
    pub(super) async fn run(self, spacelift: &Spacelift) -> Done {
        let shape = self.shape;
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
        let stack = during("Making the stack", spacelift.create_stack(&new)).await?;
        match &shape.fields {
            Some(_) => super::show(spacelift, &stack.id, &shape).await,
            None => super::print(&stack, &shape),
        }
    }
}

impl From<VendorArguments> for VendorConfig {
    /// What a tool cannot do without is there: the arguments require it.
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
