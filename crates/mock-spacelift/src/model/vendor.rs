//! The tool that a stack runs, and its settings.

use async_graphql::{InputObject, SimpleObject, Union};

/// The tool of a stack: a union, since clients request its `__typename`.
#[derive(Debug, Clone, PartialEq, Eq, Union)]
#[graphql(name = "StackConfigVendor")]
pub(crate) enum VendorConfig {
    Ansible(Ansible),
    CloudFormation(CloudFormation),
    Kubernetes(Kubernetes),
    OpenTofu(OpenTofu),
    Pulumi(Pulumi),
    Terraform(Terraform),
    Terragrunt(Terragrunt),
}

impl VendorConfig {
    /// The name in searches.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ansible(_) => "Ansible",
            Self::CloudFormation(_) => "CloudFormation",
            Self::Kubernetes(_) => "Kubernetes",
            Self::OpenTofu(_) => "OpenTofu",
            Self::Pulumi(_) => "Pulumi",
            Self::Terraform(_) => "Terraform",
            Self::Terragrunt(_) => "Terragrunt",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorAnsible", input_name = "AnsibleInput")]
pub(crate) struct Ansible {
    pub playbook: String,
}

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorCloudFormation", input_name = "CloudFormationInput")]
pub(crate) struct CloudFormation {
    pub entry_template_file: String,
    pub region: String,
    pub stack_name: String,
    pub template_bucket: String,
}

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorKubernetes", input_name = "KubernetesInput")]
#[expect(clippy::struct_field_names, reason = "they are Spacelift's names")]
pub(crate) struct Kubernetes {
    pub namespace: String,
    pub kubectl_version: Option<String>,
    pub kubernetes_workflow_tool: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorOpenTofu", input_name = "OpenTofuInput")]
pub(crate) struct OpenTofu {
    pub version: Option<String>,
    pub workspace: Option<String>,
    pub use_smart_sanitization: Option<bool>,
    pub external_state_access_enabled: Option<bool>,
    pub concise: Option<bool>,
    pub workflow_tool: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorPulumi", input_name = "PulumiInput")]
pub(crate) struct Pulumi {
    #[graphql(name = "loginURL")]
    pub login_url: String,
    pub stack_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorTerraform", input_name = "TerraformInput")]
pub(crate) struct Terraform {
    pub version: Option<String>,
    pub workspace: Option<String>,
    pub use_smart_sanitization: Option<bool>,
    pub external_state_access_enabled: Option<bool>,
    pub workflow_tool: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject, InputObject)]
#[graphql(name = "StackConfigVendorTerragrunt", input_name = "TerragruntInput")]
#[expect(clippy::struct_field_names, reason = "they are Spacelift's names")]
pub(crate) struct Terragrunt {
    pub terraform_version: Option<String>,
    pub terragrunt_version: Option<String>,
    pub use_run_all: Option<bool>,
    pub use_smart_sanitization: Option<bool>,
    pub use_state_management: Option<bool>,
    pub prefix_resource_names_with_module_name: Option<bool>,
    pub skip_replan_when_run_all: Option<bool>,
    pub skip_replan: Option<bool>,
    pub tool: Option<String>,
}

/// One of these is set; clients send the others as null.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct VendorConfigInput {
    ansible: Option<Ansible>,
    cloud_formation: Option<CloudFormation>,
    kubernetes: Option<Kubernetes>,
    opentofu: Option<OpenTofu>,
    pulumi: Option<Pulumi>,
    terraform: Option<Terraform>,
    terragrunt: Option<Terragrunt>,
}

impl VendorConfigInput {
    /// The default tool is Terraform.
    pub(crate) fn chosen(self) -> VendorConfig {
        None.or(self.ansible.map(VendorConfig::Ansible))
            .or(self.cloud_formation.map(VendorConfig::CloudFormation))
            .or(self.kubernetes.map(VendorConfig::Kubernetes))
            .or(self.opentofu.map(VendorConfig::OpenTofu))
            .or(self.pulumi.map(VendorConfig::Pulumi))
            .or(self.terragrunt.map(VendorConfig::Terragrunt))
            .unwrap_or_else(|| VendorConfig::Terraform(self.terraform.unwrap_or_default()))
    }
}

/// The tools by name, for tests and seeds that do not need the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Ansible,
    CloudFormation,
    Kubernetes,
    #[default]
    OpenTofu,
    Pulumi,
    Terraform,
    Terragrunt,
}

impl Vendor {
    /// The name in blueprint templates.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "ansible" => Some(Self::Ansible),
            "cloudformation" => Some(Self::CloudFormation),
            "kubernetes" => Some(Self::Kubernetes),
            "opentofu" => Some(Self::OpenTofu),
            "pulumi" => Some(Self::Pulumi),
            "terraform" => Some(Self::Terraform),
            "terragrunt" => Some(Self::Terragrunt),
            _ => None,
        }
    }

    /// Plausible settings for a stack of this name.
    pub(crate) fn config(self, stack: &str) -> VendorConfig {
        match self {
            Self::Ansible => VendorConfig::Ansible(Ansible {
                playbook: "site.yml".to_owned(),
            }),
            Self::CloudFormation => VendorConfig::CloudFormation(CloudFormation {
                entry_template_file: "main.yml".to_owned(),
                region: "eu-west-1".to_owned(),
                stack_name: stack.to_owned(),
                template_bucket: format!("{stack}-templates"),
            }),
            Self::Kubernetes => VendorConfig::Kubernetes(Kubernetes {
                namespace: stack.to_owned(),
                kubectl_version: None,
                kubernetes_workflow_tool: None,
            }),
            Self::OpenTofu => VendorConfig::OpenTofu(OpenTofu {
                version: Some("1.9.0".to_owned()),
                ..OpenTofu::default()
            }),
            Self::Pulumi => VendorConfig::Pulumi(Pulumi {
                login_url: format!("s3://{stack}-state"),
                stack_name: stack.to_owned(),
            }),
            Self::Terraform => VendorConfig::Terraform(Terraform {
                version: Some("1.5.7".to_owned()),
                ..Terraform::default()
            }),
            Self::Terragrunt => VendorConfig::Terragrunt(Terragrunt {
                terraform_version: Some("1.5.7".to_owned()),
                terragrunt_version: Some("0.55.1".to_owned()),
                use_run_all: Some(false),
                use_smart_sanitization: Some(false),
                ..Terragrunt::default()
            }),
        }
    }
}
