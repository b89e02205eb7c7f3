//! What stands between a stack and its removal.

use chain::StackId;
use chain::teardown::StackRemoval;

use super::create::stack_create::VendorConfigInput;
use crate::{Error, Spacelift};

impl Spacelift {
    /// How the stack can be removed.
    pub async fn removal(&self, id: &StackId) -> Result<StackRemoval, Error> {
        let stack = self.stack_settings(id).await?;
        Ok(StackRemoval {
            is_protected: stack.protect_from_deletion,
            // Spacelift runs Terraform where nothing else is set.
            destroy: stack
                .vendor_config
                .map_or(Some(TERRAFORM), |config| destroy(&config)),
        })
    }
}

const TERRAFORM: &str = "terraform destroy -auto-approve";
const OPEN_TOFU: &str = "tofu destroy -auto-approve";

fn destroy(config: &VendorConfigInput) -> Option<&'static str> {
    const CUSTOM: Option<&str> = Some("CUSTOM");
    if let Some(opentofu) = &config.opentofu {
        return (opentofu.workflow_tool.as_deref() != CUSTOM).then_some(OPEN_TOFU);
    }
    if let Some(terraform) = &config.terraform {
        return match terraform.workflow_tool.as_deref() {
            CUSTOM => None,
            Some("OPEN_TOFU") => Some(OPEN_TOFU),
            _ => Some(TERRAFORM),
        };
    }
    if let Some(terragrunt) = &config.terragrunt {
        // How all units are destroyed depends on its version.
        return (!terragrunt.use_run_all).then_some("terragrunt destroy -auto-approve");
    }
    config.pulumi.as_ref().map(|_| "pulumi destroy --yes")
}

#[cfg(test)]
mod tests {
    use super::super::create::stack_create::{
        AnsibleInput, OpenTofuInput, PulumiInput, TerraformInput, TerragruntInput,
    };
    use super::*;

    #[test]
    fn each_tool_has_its_command() {
        let terraform = |tool: Option<&str>| VendorConfigInput {
            terraform: Some(TerraformInput {
                workflow_tool: tool.map(str::to_owned),
                ..TerraformInput::default()
            }),
            ..VendorConfigInput::default()
        };
        let opentofu = VendorConfigInput {
            opentofu: Some(OpenTofuInput::default()),
            ..VendorConfigInput::default()
        };
        let terragrunt = |use_run_all| VendorConfigInput {
            terragrunt: Some(TerragruntInput {
                use_run_all,
                ..TerragruntInput::default()
            }),
            ..VendorConfigInput::default()
        };
        let pulumi = VendorConfigInput {
            pulumi: Some(PulumiInput::default()),
            ..VendorConfigInput::default()
        };
        let ansible = VendorConfigInput {
            ansible: Some(AnsibleInput::default()),
            ..VendorConfigInput::default()
        };
        for (config, expected) in [
            (terraform(None), Some(TERRAFORM)),
            (terraform(Some("TERRAFORM_FOSS")), Some(TERRAFORM)),
            (terraform(Some("OPEN_TOFU")), Some(OPEN_TOFU)),
            (terraform(Some("CUSTOM")), None),
            (opentofu, Some(OPEN_TOFU)),
            (terragrunt(false), Some("terragrunt destroy -auto-approve")),
            (terragrunt(true), None),
            (pulumi, Some("pulumi destroy --yes")),
            (ansible, None),
        ] {
            assert_eq!(destroy(&config), expected, "{config:?}");
        }
    }
}
