//! Creates stacks from a blueprint, and their first runs.

use std::collections::BTreeMap;

use crate::account::state::Account;
use crate::model::blueprint::StacksFromBlueprint;
use crate::model::refusal::Refusal;
use crate::model::run::RunRequest;
use crate::model::template;
use crate::runs::creation::create_run;

/// Creates the stacks of a published blueprint, and triggers runs if the template says so.
pub(crate) fn create_stacks(
    account: &mut Account,
    blueprint: &str,
    given: &BTreeMap<String, String>,
    login: &str,
) -> Result<StacksFromBlueprint, Refusal> {
    let blueprint = account.published_blueprint(blueprint)?.clone();
    let values = account.template_values(&blueprint, given, login)?;
    let template = template::evaluate(&blueprint.template, &values)
        .map_err(|reason| Refusal::BlueprintTemplate { reason })?;
    let mut made = StacksFromBlueprint {
        stacks: Vec::new(),
        runs: Vec::new(),
    };
    for stack in template.stack.into_iter().chain(template.stacks) {
        let id = account.create_stack_from_template(stack, &blueprint.id)?;
        if template.options.trigger_run {
            let request = RunRequest::tracked(Some(login));
            made.runs.push(create_run(account, id.as_str(), &request)?);
        }
        made.stacks.push(id);
    }
    Ok(made)
}
