//! Creates stacks from a blueprint, and their first runs.

use std::collections::BTreeMap;

use chain::{RunId, StackId};

use crate::account::state::Account;
use crate::model::blueprint::Blueprint;
use crate::model::context::{ConfigElement, merge};
use crate::model::hooks::Hooks;
use crate::model::refusal::Refusal;
use crate::model::run::RunRequest;
use crate::model::stack::StackSettings;
use crate::model::template::{self, Environment, TemplateStack};
use crate::model::vendor::Vendor;
use crate::runs::creation::create_run;

/// What was created, in the order of the template.
pub(crate) struct Created {
    pub stacks: Vec<StackId>,
    pub runs: Vec<RunId>,
}

/// Creates the stacks of a published blueprint, and triggers runs if the template says so.
pub(crate) fn create_stacks(
    account: &mut Account,
    blueprint: &str,
    given: &BTreeMap<String, String>,
    login: &str,
) -> Result<Created, Refusal> {
    let blueprint = account.blueprints.published(blueprint)?.clone();
    let values = template_values(account, &blueprint, given, login)?;
    let template = template::evaluate(&blueprint.template, &values)
        .map_err(|reason| Refusal::BlueprintTemplate { reason })?;
    let mut created = Created {
        stacks: Vec::new(),
        runs: Vec::new(),
    };
    for stack in template.stack.into_iter().chain(template.stacks) {
        let id = create_stack(account, stack, &blueprint.id)?;
        if template.options.trigger_run {
            let request = RunRequest::tracked(Some(login));
            created.runs.push(create_run(account, id.as_str(), &request)?);
        }
        created.stacks.push(id);
    }
    Ok(created)
}

/// The values that the template's expressions may refer to.
fn template_values(
    account: &mut Account,
    blueprint: &Blueprint,
    given: &BTreeMap<String, String>,
    login: &str,
) -> Result<BTreeMap<String, String>, Refusal> {
    let inputs = blueprint.input_values(given)?.into_iter();
    let random = account.ids.ulid();
    let context = [
        ("random_string", random[random.len() - 6..].to_ascii_lowercase()),
        ("random_uuid", random.clone()),
        ("random_number", "424242".to_owned()),
        ("user.login", login.to_owned()),
        ("user.name", login.to_owned()),
        ("user.account", account.name.to_string()),
        ("blueprint.name", blueprint.name.clone()),
    ];
    let context = context
        .into_iter()
        .map(|(name, value)| (format!("context.{name}"), value));
    Ok(inputs
        .map(|(id, value)| (format!("inputs.{id}"), value))
        .chain(context)
        .collect())
}

fn create_stack(account: &mut Account, stack: TemplateStack, blueprint: &str) -> Result<StackId, Refusal> {
    let tool = stack.vendor.keys().next().map(String::as_str).unwrap_or_default();
    let vendor = Vendor::named(tool).ok_or_else(|| Refusal::BlueprintTemplate {
        reason: format!("vendor `{tool}` is unknown"),
    })?;
    let mut settings = StackSettings::new(&stack.name, &stack.vcs.repository, &stack.vcs.branch);
    settings.namespace = stack.vcs.namespace.unwrap_or_else(|| account.name.to_string());
    settings.project_root = stack.vcs.project_root;
    settings.description = stack.description;
    settings.labels = stack.labels;
    settings.administrative = stack.administrative;
    settings.autodeploy = stack.auto_deploy;
    settings.autoretry = stack.auto_retry;
    settings.protect_from_deletion = stack.protect_from_deletion;
    settings.runner_image = stack.runner_image;
    let config = vendor.config(&stack.name);
    let created = account.create_stack(settings, Hooks::default(), config, &stack.space, None)?;
    created.disabled = stack.is_disabled;
    created.blueprint = Some(blueprint.to_owned());
    merge(&mut created.config, config_of(stack.environment));
    let id = created.id.clone();
    for attached in &stack.attachments.contexts {
        account.attach_context(&attached.id, id.as_str(), attached.priority)?;
    }
    Ok(id)
}

fn config_of(environment: Environment) -> Vec<ConfigElement> {
    let variables = environment.variables.into_iter().map(|variable| ConfigElement {
        write_only: variable.secret,
        description: variable.description,
        ..ConfigElement::variable(&variable.name, &variable.value)
    });
    let files = environment.mounted_files.into_iter().map(|file| ConfigElement {
        write_only: file.secret,
        description: file.description,
        ..ConfigElement::file(&file.path, &file.content)
    });
    variables.chain(files).collect()
}
