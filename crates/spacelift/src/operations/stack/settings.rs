//! All settings of a stack, in the form in which an update has to repeat them.

use chain::StackId;
use graphql_client::GraphQLQuery;

use super::VCSProvider;
use super::create::stack_create as write;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/settings.graphql",
    extern_enums("VCSProvider"),
    fragments_other_variant = "true"
)]
struct StackSettings;

impl Spacelift {
    pub(super) async fn stack_settings(&self, id: &StackId) -> Result<write::StackInput, Error> {
        self.query::<StackSettings, _>(stack_settings::Variables { id: id.to_string() }, convert)
            .await
    }
}

fn convert(data: stack_settings::ResponseData) -> Result<write::StackInput, Unusable> {
    let stack = data.stack.ok_or(Unusable::Missing)?;
    let some = |id: String| (!id.is_empty()).then_some(id);
    Ok(write::StackInput {
        name: stack.name,
        description: stack.description,
        space: Some(stack.space),
        labels: Some(stack.labels),
        repository: stack.repository,
        repository_url: stack.repository_url.and_then(some),
        branch: stack.branch,
        namespace: stack.namespace.and_then(some),
        provider: Some(stack.provider),
        vcs_integration_id: stack
            .vcs_integration
            .map(|integration| integration.id)
            .and_then(some),
        project_root: stack.project_root,
        additional_project_globs: stack.additional_project_globs,
        git_sparse_checkout_paths: stack.git_sparse_checkout_paths,
        administrative: stack.administrative,
        autodeploy: stack.autodeploy,
        autoretry: stack.autoretry,
        github_action_deploy: stack.github_action_deploy,
        local_preview_enabled: stack.local_preview_enabled,
        protect_from_deletion: stack.protect_from_deletion,
        enable_well_known_secret_masking: stack.enable_well_known_secret_masking,
        enable_sensitive_output_upload: stack.enable_sensitive_output_upload,
        runner_image: stack.runner_image.and_then(some),
        worker_pool: stack.worker_pool.map(|pool| pool.id).and_then(some),
        after_apply: stack.after_apply,
        before_apply: stack.before_apply,
        after_init: stack.after_init,
        before_init: stack.before_init,
        after_plan: stack.after_plan,
        before_plan: stack.before_plan,
        after_perform: stack.after_perform,
        before_perform: stack.before_perform,
        after_destroy: stack.after_destroy,
        before_destroy: stack.before_destroy,
        after_run: stack.after_run,
        vendor_config: stack.vendor_config.map(vendor).transpose()?,
    })
}

fn vendor(
    config: stack_settings::StackSettingsStackVendorConfig,
) -> Result<write::VendorConfigInput, Unusable> {
    use stack_settings::StackSettingsStackVendorConfig as Config;

    let none = write::VendorConfigInput::default();
    Ok(match config {
        Config::StackConfigVendorAnsible(config) => {
            let ansible = write::AnsibleInput {
                playbook: config.playbook.unwrap_or_default(),
            };
            write::VendorConfigInput {
                ansible: Some(ansible),
                ..none
            }
        }
        Config::StackConfigVendorCloudFormation(config) => {
            let cloud_formation = write::CloudFormationInput {
                entry_template_file: config.entry_template_file.unwrap_or_default(),
                region: config.region.unwrap_or_default(),
                stack_name: config.stack_name.unwrap_or_default(),
                template_bucket: config.template_bucket.unwrap_or_default(),
            };
            write::VendorConfigInput {
                cloud_formation: Some(cloud_formation),
                ..none
            }
        }
        Config::StackConfigVendorKubernetes(config) => {
            let kubernetes = write::KubernetesInput {
                namespace: config.namespace.unwrap_or_default(),
                kubectl_version: config.kubectl_version,
                kubernetes_workflow_tool: config.kubernetes_workflow_tool,
            };
            write::VendorConfigInput {
                kubernetes: Some(kubernetes),
                ..none
            }
        }
        Config::StackConfigVendorOpenTofu(config) => {
            let opentofu = write::OpenTofuInput {
                concise: config.concise,
                external_state_access_enabled: config.external_state_access_enabled,
                use_smart_sanitization: config.use_smart_sanitization,
                version: config.version,
                workflow_tool: config.open_tofu_workflow_tool,
                workspace: config.workspace,
            };
            write::VendorConfigInput {
                opentofu: Some(opentofu),
                ..none
            }
        }
        Config::StackConfigVendorPulumi(config) => {
            let pulumi = write::PulumiInput {
                login_url: config.login_url.unwrap_or_default(),
                stack_name: config.stack_name.unwrap_or_default(),
            };
            write::VendorConfigInput {
                pulumi: Some(pulumi),
                ..none
            }
        }
        Config::StackConfigVendorTerraform(config) => {
            let terraform = write::TerraformInput {
                external_state_access_enabled: config.external_state_access_enabled,
                use_smart_sanitization: config.use_smart_sanitization,
                version: config.version,
                workflow_tool: config.workflow_tool,
                workspace: config.workspace,
            };
            write::VendorConfigInput {
                terraform: Some(terraform),
                ..none
            }
        }
        Config::StackConfigVendorTerragrunt(config) => {
            let terragrunt = write::TerragruntInput {
                terraform_version: config.terraform_version,
                terragrunt_version: config.terragrunt_version,
                use_run_all: config.use_run_all.unwrap_or_default(),
                use_smart_sanitization: config.use_smart_sanitization.unwrap_or_default(),
                use_state_management: config.use_state_management,
                prefix_resource_names_with_module_name: config.prefix_resource_names_with_module_name,
                skip_replan_when_run_all: config.skip_replan_when_run_all,
                skip_replan: config.skip_replan,
                tool: config.tool,
            };
            write::VendorConfigInput {
                terragrunt: Some(terragrunt),
                ..none
            }
        }
        // If the stack were written without this, it would become another kind of stack.
        Config::Unknown => {
            return Err(Unusable::Beyond(
                "a kind of stack that is not known here".to_owned(),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The input of an update that changes nothing.
    fn written(stack: &Value) -> Result<Value, Unusable> {
        let input = convert(serde_json::from_value(json!({"stack": stack})).unwrap())?;
        Ok(serde_json::to_value(input).unwrap())
    }

    fn settings(vendor: &Value) -> Value {
        json!({
            "name": "App", "description": "d", "space": "root", "labels": ["a"], "repository": "infra",
            "repositoryURL": "https://git.example/infra", "branch": "main", "namespace": "acme", "provider": "GIT",
            "projectRoot": "app", "additionalProjectGlobs": ["lib/*"], "gitSparseCheckoutPaths": ["app"],
            "administrative": true, "autodeploy": true, "autoretry": true, "githubActionDeploy": true,
            "localPreviewEnabled": true, "protectFromDeletion": true, "enableWellKnownSecretMasking": true,
            "enableSensitiveOutputUpload": true, "runnerImage": "image", "afterApply": ["1"], "beforeApply": ["2"],
            "afterInit": ["3"], "beforeInit": ["4"], "afterPlan": ["5"], "beforePlan": ["6"], "afterPerform": ["7"],
            "beforePerform": ["8"], "afterDestroy": ["9"], "beforeDestroy": ["10"], "afterRun": ["11"],
            "workerPool": {"id": "pool"}, "vcsIntegration": {"id": "vcs"}, "vendorConfig": vendor
        })
    }

    #[test]
    fn all_settings_that_are_read_are_written_back() {
        for (typename, key, fields) in [
            ("Ansible", "ansible", json!({"playbook": "site.yml"})),
            (
                "CloudFormation",
                "cloudFormation",
                json!({
                    "entryTemplateFile": "a.yaml", "region": "r", "stackName": "s", "templateBucket": "b"
                }),
            ),
            (
                "Kubernetes",
                "kubernetes",
                json!({
                    "namespace": "n", "kubectlVersion": "1", "kubernetesWorkflowTool": "KUBERNETES"
                }),
            ),
            ("Pulumi", "pulumi", json!({"loginURL": "u", "stackName": "s"})),
            (
                "Terraform",
                "terraform",
                json!({
                    "externalStateAccessEnabled": true, "useSmartSanitization": true, "version": "1.5.7",
                    "workflowTool": "CUSTOM", "workspace": "w"
                }),
            ),
            (
                "Terragrunt",
                "terragrunt",
                json!({
                    "terraformVersion": "1", "terragruntVersion": "2", "useRunAll": true, "useSmartSanitization": true,
                    "useStateManagement": true, "prefixResourceNamesWithModuleName": true, "skipReplanWhenRunAll": true,
                    "skipReplan": true, "tool": "OPEN_TOFU"
                }),
            ),
        ] {
            let mut vendor = fields.clone();
            vendor["__typename"] = json!(format!("StackConfigVendor{typename}"));
            let mut expected = settings(&json!({key: fields}));
            expected["workerPool"] = json!("pool");
            expected["vcsIntegrationId"] = json!("vcs");
            expected.as_object_mut().unwrap().remove("vcsIntegration");
            assert_eq!(written(&settings(&vendor)), Ok(expected), "{typename}");
        }
    }

    #[test]
    fn the_workflow_tool_of_opentofu_has_its_own_field() {
        let vendor = json!({
            "__typename": "StackConfigVendorOpenTofu", "concise": true, "externalStateAccessEnabled": false,
            "useSmartSanitization": false, "version": "1.9.0", "openTofuWorkflowTool": "CUSTOM", "workspace": null
        });
        assert_eq!(
            written(&settings(&vendor)).unwrap()["vendorConfig"],
            json!({"opentofu": {
                "concise": true, "externalStateAccessEnabled": false, "useSmartSanitization": false, "version": "1.9.0",
                "workflowTool": "CUSTOM"
            }})
        );
    }

    #[test]
    fn a_kind_that_is_not_known_is_not_written_back() {
        let error = written(&settings(&json!({"__typename": "StackConfigVendorNew"}))).unwrap_err();
        assert!(matches!(error, Unusable::Beyond(_)), "{error:?}");
    }
}
