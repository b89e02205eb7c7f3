//! Runs and stacks as the inputs of policies: snake case, times in nanoseconds.

use serde_json::{Value, json};

use crate::account::state::Account;
use crate::model::commit::Commit;
use crate::model::run::Run;
use crate::model::stack::Stack;

pub(crate) fn run_input(account: &Account, run: &Run) -> Value {
    let session = run.triggered_by.as_ref().map(|login| {
        let machine = login.starts_with("api::");
        let name = account.sessions.of_login(login);
        json!({
            "admin": name.is_some_and(|session| session.admin),
            "creator_ip": "203.0.113.7",
            "login": login,
            "name": name.map_or(login.as_str(), |session| session.name.as_str()),
            "teams": [],
            "machine": machine,
        })
    });
    json!({
        "based_on_local_workspace": false,
        "branch": run.branch,
        "changes": changes(run),
        "command": run.command.as_deref().unwrap_or_default(),
        "commit": commit_input(&run.commit, &run.branch),
        "created_at": run.created_at().nanos(),
        "creator_session": session,
        "drift_detection": run.drift_detection,
        "flags": [],
        "id": run.id.as_str(),
        "runtime_config": {
            "after_apply": [], "after_destroy": [], "after_init": [], "after_perform": [], "after_plan": [],
            "after_run": [], "before_apply": [], "before_destroy": [], "before_init": [], "before_perform": [],
            "before_plan": [], "environment": run.environment, "project_root": "", "runner_image": "",
            "terraform_version": "",
        },
        "policy_receipts": [],
        "state": run.state().as_str(),
        "triggered_by": run.triggered_by,
        "type": run.run_type.as_str(),
        "updated_at": run.last().at.nanos(),
        "user_provided_metadata": run.metadata,
    })
}

pub(crate) fn stack_input(account: &Account, stack: &Stack) -> Value {
    let settings = &stack.settings;
    let space = account.spaces.get(stack.space.as_str());
    json!({
        "administrative": settings.administrative,
        "autodeploy": settings.autodeploy,
        "autoretry": settings.autoretry,
        "branch": settings.branch,
        "id": stack.id.as_str(),
        "labels": settings.labels,
        "locked_by": stack.lock.as_ref().map(|lock| lock.by.as_str()),
        "name": settings.name,
        "namespace": settings.namespace,
        "project_root": settings.project_root,
        "repository": settings.repository,
        "roles": [],
        "space": {
            "id": stack.space.as_str(),
            "labels": space.map(|space| space.labels.clone()).unwrap_or_default(),
            "name": space.map(|space| space.name.clone()).unwrap_or_default(),
        },
        "state": account.runs.stack_state(&stack.id).as_str(),
        "terraform_version": null,
        "tracked_commit": commit_input(&stack.tracked_commit, &settings.branch),
    })
}

fn commit_input(commit: &Commit, branch: &str) -> Value {
    json!({
        "author": commit.author_login.as_deref().unwrap_or_default(),
        "branch": branch,
        "created_at": commit.timestamp * 1_000_000_000,
        "hash": commit.hash,
        "message": commit.message,
        "url": commit.url.as_deref().unwrap_or_default(),
    })
}

/// The changes that the plan found, one entry for each resource.
fn changes(run: &Run) -> Vec<Value> {
    let Some(delta) = run.delta else { return Vec::new() };
    let phase = if run
        .history
        .iter()
        .any(|entry| entry.state == chain::RunState::Applying)
    {
        "apply"
    } else {
        "plan"
    };
    let kinds = [
        ("added", delta.add_count),
        ("changed", delta.change_count),
        ("deleted", delta.delete_count),
    ];
    let entries = kinds
        .into_iter()
        .flat_map(|(action, count)| (0..count).map(move |number| (action, number)));
    entries
        .map(|(action, number)| {
            let name = format!("{action}_{number}");
            json!({
                "action": action,
                "entity": {
                    "address": format!("terraform_data.{name}"),
                    "data": { "values": "{}" },
                    "name": name,
                    "type": "terraform_data",
                    "entity_vendor": "terraform",
                    "entity_type": "resource",
                },
                "phase": phase,
                "moved": false,
            })
        })
        .collect()
}
