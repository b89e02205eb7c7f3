//! The settings of a new stack.

use chain::SpaceId;

use super::create::stack_create::{
    AnsibleInput, CloudFormationInput, KubernetesInput, OpenTofuInput, PulumiInput, StackInput,
    TerraformInput, TerragruntInput, VendorConfigInput,
};

/// The settings of a new stack. [`NewStack::new`] uses Spacelift's own defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's switches, each on its own"
)]
pub struct NewStack {
    pub name: String,
    /// The id. `None`: Spacelift derives it from the name.
    pub slug: Option<String>,
    pub space: SpaceId,
    pub description: Option<String>,
    pub labels: Vec<String>,
    /// The last part of the repository's name; `namespace` is the part before it.
    pub repository: String,
    pub namespace: Option<String>,
    pub branch: String,
    /// Spacelift's name for the host of the repository: `GITHUB`, `GITLAB` … `None`: the account's default.
    pub provider: Option<String>,
    pub vcs_integration: Option<String>,
    pub project_root: Option<String>,
    pub vendor: VendorConfig,
    /// Whether a plan is applied without a confirmation.
    pub autodeploy: bool,
    pub autoretry: bool,
    pub administrative: bool,
    pub protect_from_deletion: bool,
    pub local_preview: bool,
    /// Whether Spacelift keeps the state file.
    pub manage_state: bool,
    pub worker_pool: Option<String>,
    pub runner_image: Option<String>,
}

/// The tool that a stack runs, and its settings. `None` is the tool's default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorConfig {
    OpenTofu {
        version: Option<String>,
        workspace: Option<String>,
    },
    Terraform {
        version: Option<String>,
        workspace: Option<String>,
    },
    Terragrunt {
        terraform_version: Option<String>,
        terragrunt_version: Option<String>,
        run_all: bool,
    },
    Pulumi {
        login_url: String,
        stack_name: String,
    },
    CloudFormation {
        entry_template_file: String,
        region: String,
        stack_name: String,
        template_bucket: String,
    },
    Kubernetes {
        namespace: String,
        kubectl_version: Option<String>,
    },
    Ansible {
        playbook: String,
    },
}

impl NewStack {
    pub fn new(
        name: impl Into<String>,
        space: SpaceId,
        repository: impl Into<String>,
        branch: impl Into<String>,
        vendor: VendorConfig,
    ) -> Self {
        Self {
            name: name.into(),
            slug: None,
            space,
            description: None,
            labels: Vec::new(),
            repository: repository.into(),
            namespace: None,
            branch: branch.into(),
            provider: None,
            vcs_integration: None,
            project_root: None,
            vendor,
            autodeploy: false,
            autoretry: false,
            administrative: false,
            protect_from_deletion: false,
            local_preview: false,
            manage_state: true,
            worker_pool: None,
            runner_image: None,
        }
    }
}

pub(super) fn stack_input(stack: &NewStack) -> StackInput {
    StackInput {
        name: stack.name.clone(),
        space: Some(stack.space.to_string()),
        description: stack.description.clone(),
        labels: Some(stack.labels.clone()),
        repository: stack.repository.clone(),
        namespace: stack.namespace.clone(),
        branch: stack.branch.clone(),
        provider: stack.provider.clone(),
        vcs_integration_id: stack.vcs_integration.clone(),
        project_root: stack.project_root.clone(),
        vendor_config: Some(vendor_input(&stack.vendor)),
        autodeploy: stack.autodeploy,
        autoretry: stack.autoretry,
        administrative: stack.administrative,
        protect_from_deletion: stack.protect_from_deletion,
        local_preview_enabled: stack.local_preview,
        worker_pool: stack.worker_pool.clone(),
        runner_image: stack.runner_image.clone(),
        // What Spacelift's own tools send for a stack without this setting.
        enable_well_known_secret_masking: false,
        enable_sensitive_output_upload: true,
        github_action_deploy: true,
        ..StackInput::default()
    }
}

fn vendor_input(vendor: &VendorConfig) -> VendorConfigInput {
    let none = VendorConfigInput::default();
    match vendor.clone() {
        VendorConfig::OpenTofu { version, workspace } => {
            let opentofu = OpenTofuInput {
                version,
                workspace,
                ..Default::default()
            };
            VendorConfigInput {
                opentofu: Some(opentofu),
                ..none
            }
        }
        VendorConfig::Terraform { version, workspace } => {
            let terraform = TerraformInput {
                version,
                workspace,
                ..Default::default()
            };
            VendorConfigInput {
                terraform: Some(terraform),
                ..none
            }
        }
        VendorConfig::Terragrunt {
            terraform_version,
            terragrunt_version,
            run_all,
        } => {
            let terragrunt = TerragruntInput {
                terraform_version,
                terragrunt_version,
                use_run_all: run_all,
                ..Default::default()
            };
            VendorConfigInput {
                terragrunt: Some(terragrunt),
                ..none
            }
        }
        VendorConfig::Pulumi {
            login_url,
            stack_name,
        } => VendorConfigInput {
            pulumi: Some(PulumiInput {
                login_url,
                stack_name,
            }),
            ..none
        },
        VendorConfig::CloudFormation {
            entry_template_file,
            region,
            stack_name,
            template_bucket,
        } => {
            let cloud_formation = CloudFormationInput {
                entry_template_file,
                region,
                stack_name,
                template_bucket,
            };
            VendorConfigInput {
                cloud_formation: Some(cloud_formation),
                ..none
            }
        }
        VendorConfig::Kubernetes {
            namespace,
            kubectl_version,
        } => {
            let kubernetes = KubernetesInput {
                namespace,
                kubectl_version,
                kubernetes_workflow_tool: None,
            };
            VendorConfigInput {
                kubernetes: Some(kubernetes),
                ..none
            }
        }
        VendorConfig::Ansible { playbook } => VendorConfigInput {
            ansible: Some(AnsibleInput { playbook }),
            ..none
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(vendor: VendorConfig, expected: &Value) {
        let stack = NewStack::new("App", "root".parse().unwrap(), "infra", "main", vendor);
        assert_eq!(
            serde_json::to_value(stack_input(&stack)).unwrap()["vendorConfig"],
            *expected
        );
    }

    #[test]
    fn every_kind_is_sent_as_that_kind_alone() {
        let text = |text: &str| text.to_owned();
        check(
            VendorConfig::OpenTofu {
                version: Some(text("1.9.0")),
                workspace: None,
            },
            &json!({"opentofu": {"version": "1.9.0"}}),
        );
        check(
            VendorConfig::Terraform {
                version: None,
                workspace: Some(text("prod")),
            },
            &json!({"terraform": {"workspace": "prod"}}),
        );
        check(
            VendorConfig::Terragrunt {
                terraform_version: None,
                terragrunt_version: None,
                run_all: true,
            },
            &json!({"terragrunt": {"useRunAll": true, "useSmartSanitization": false}}),
        );
        check(
            VendorConfig::Pulumi {
                login_url: text("s3://state"),
                stack_name: text("prod"),
            },
            &json!({"pulumi": {"loginURL": "s3://state", "stackName": "prod"}}),
        );
        check(
            VendorConfig::CloudFormation {
                entry_template_file: text("a.yaml"),
                region: text("eu-west-1"),
                stack_name: text("app"),
                template_bucket: text("b"),
            },
            &json!({"cloudFormation": {
                "entryTemplateFile": "a.yaml", "region": "eu-west-1", "stackName": "app", "templateBucket": "b"
            }}),
        );
        check(
            VendorConfig::Kubernetes {
                namespace: text("default"),
                kubectl_version: None,
            },
            &json!({"kubernetes": {"namespace": "default"}}),
        );
        check(
            VendorConfig::Ansible {
                playbook: text("site.yml"),
            },
            &json!({"ansible": {"playbook": "site.yml"}}),
        );
    }
}
