//! What the API key sees in Spacelift.

use chain::trigger_policy::reads_labels;
use chain::{AccountName, ChainSettings, Severity};
use settings::{Settings, WEBHOOK_NAME};
use spacelift::{Error, ErrorKind, NamedWebhook, Policy, Spacelift};

use super::finding::{Cause, Finding, Report};
use crate::command::{OTHER_ACCOUNT, other_account};
use crate::{dependencies, failure};

/// Stops at the first problem that makes the other checks impossible. Returns the account of the key.
pub(super) async fn examine(
    spacelift: &Spacelift,
    settings: Option<&Settings>,
    report: &mut Report,
) -> Option<AccountName> {
    if let Err(error) = who_speaks(spacelift, report).await {
        report.add(problem("login", &error));
        return None;
    }
    let account = spacelift.account_name().await;
    report.add(match &account {
        Ok(name) => match other_account(name) {
            Some(detail) => Finding::problem("account", Cause::Setting, detail, OTHER_ACCOUNT),
            None => Finding::ok("account", format!("`{name}`")),
        },
        Err(error) => problem("account", error),
    });
    stacks(spacelift, settings, report).await;
    let policies = spacelift.policies().await;
    webhook(spacelift, policies.as_deref().ok(), report).await;
    trigger_policies(spacelift, policies, settings, report).await;
    account.ok()
}

async fn who_speaks(spacelift: &Spacelift, report: &mut Report) -> Result<(), Error> {
    let user = spacelift.viewer().await?;
    let name = user
        .name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| user.id.clone());
    report.add(Finding::ok("login", format!("{name} ({})", user.id)));
    report.add(match user.admin {
        Some(true) => Finding::ok("rights", "the key is an administrator".to_owned()),
        Some(false) => Finding::warning(
            "rights",
            "the key is not an administrator".to_owned(),
            "It needs write access to the space of every stack that it runs, and read access to the others.",
        ),
        None => Finding::warning(
            "rights",
            "Spacelift does not say what the key is allowed to do".to_owned(),
            "It needs write access to the space of every stack that it runs, and read access to the others.",
        ),
    });
    Ok(())
}

async fn stacks(spacelift: &Spacelift, settings: Option<&Settings>, report: &mut Report) {
    let default = ChainSettings::default();
    let settings = settings.map_or(&default, |settings| &settings.chain);
    let graph = match dependencies::graph(spacelift, settings).await {
        Ok(graph) => graph,
        Err(error) => {
            if let Some(error) = error.downcast_ref::<Error>() {
                report.add(problem("stacks", error));
            }
            return;
        }
    };
    let count = graph.stacks().len();
    report.add(match count {
        0 => Finding::warning(
            "stacks",
            "the key sees no stacks".to_owned(),
            "Give the key read access to the spaces of the stacks.",
        ),
        _ => Finding::ok("stacks", format!("the key sees {count} stacks")),
    });
    let of = |severity| {
        graph
            .problems()
            .iter()
            .filter(|problem| problem.severity() == severity)
            .count()
    };
    report.add(match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => Finding::ok("dependencies", "no problems".to_owned()),
        (errors, warnings) => Finding::warning(
            "dependencies",
            format!("errors: {errors}, warnings: {warnings}"),
            "`spillway lint` lists them.",
        ),
    });
}

/// Finds the webhook by its default name only. Without `policies`, because the key may not read them, nothing is said
/// against the policy of the webhook.
async fn webhook(spacelift: &Spacelift, policies: Option<&[Policy]>, report: &mut Report) {
    const CHECK: &str = "webhook in Spacelift";
    let webhooks = match spacelift.named_webhooks().await {
        Ok(webhooks) => webhooks,
        Err(error) if error.kind == ErrorKind::Unauthorized => {
            report.add(Finding::warning(
                CHECK,
                "the key is not allowed to see webhooks".to_owned(),
                "Ask an administrator whether `spillway webhook install` was run.",
            ));
            return;
        }
        Err(error) => {
            report.add(problem(CHECK, &error));
            return;
        }
    };
    let ours = webhooks.into_iter().find(|webhook| webhook.name == WEBHOOK_NAME);
    let is_named =
        |webhook: &NamedWebhook| policies.is_none_or(|policies| is_named_by_one(policies, webhook));
    report.add(match ours {
        Some(webhook) if webhook.enabled && !is_named(&webhook) => Finding::warning(
            CHECK,
            format!("no notification policy names `{}`, so that Spacelift sends nothing", webhook.id),
            "`spillway webhook install --endpoint <url> --apply` writes the policy. Add --space and --pull-requests if you use them.",
        ),
        Some(webhook) if webhook.enabled => Finding::ok(
            CHECK,
            format!(
                "`{}` in the space `{}` sends to {}",
                webhook.id, webhook.space, webhook.endpoint
            ),
        ),
        Some(webhook) => Finding::warning(
            CHECK,
            format!(
                "`{}` is disabled: Spacelift does that after ten failures in a row",
                webhook.id
            ),
            "`spillway webhook install --endpoint <url> --apply` enables it. Add --space and --pull-requests if you use them.",
        ),
        None => Finding::warning(
            CHECK,
            format!("there is no webhook named `{WEBHOOK_NAME}`"),
            "Without it, runs start chains only when the sweep finds them. `spillway webhook install --endpoint <url> --apply` creates it.",
        ),
    });
}

/// A webhook sends nothing unless a policy names it.
fn is_named_by_one(policies: &[Policy], webhook: &NamedWebhook) -> bool {
    let mut notifying = policies
        .iter()
        .filter(|policy| policy.policy_type == "NOTIFICATION");
    notifying.any(|policy| policy.body.contains(&format!("\"{}\"", webhook.id)))
}

/// Policies that start stacks because of the labels that Spillway reads.
async fn trigger_policies(
    spacelift: &Spacelift,
    policies: Result<Vec<Policy>, Error>,
    settings: Option<&Settings>,
    report: &mut Report,
) {
    const CHECK: &str = "trigger policies";
    let default = ChainSettings::default();
    let grammar = &settings
        .map_or(&default, |settings| &settings.chain)
        .label_prefixes;
    let found = match policies {
        Ok(policies) => policies
            .into_iter()
            .filter(|policy| policy.policy_type == "TRIGGER" && reads_labels(&policy.body, grammar)),
        Err(error) if error.kind == ErrorKind::Unauthorized => {
            report.add(Finding::warning(
                CHECK,
                "the key is not allowed to see policies".to_owned(),
                "Ask an administrator whether a trigger policy reads dependency labels: with Spillway, stacks run twice.",
            ));
            return;
        }
        Err(error) => {
            report.add(problem(CHECK, &error));
            return;
        }
    };
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        report.add(Finding::ok(CHECK, "none reads the dependency labels".to_owned()));
        return;
    }
    let attached = match spacelift.policy_attachments().await {
        Ok(attached) => attached,
        Err(error) => {
            report.add(problem(CHECK, &error));
            return;
        }
    };
    for policy in found {
        let id = &policy.id;
        report.add(match attached.get(id).map_or(0, Vec::len) {
            0 => Finding::ok(CHECK, format!("`{id}` reads the dependency labels and is attached to no stack")),
            count => Finding::warning(
                CHECK,
                format!(
                    "`{id}` reads the dependency labels and is attached to {count} {}: what depends on them runs twice, \
                     because of the policy and because of Spillway",
                    if count == 1 { "stack" } else { "stacks" }
                ),
                "Detach the policy: docs/migrating.md says when.",
            ),
        });
    }
}

fn problem(check: &'static str, error: &Error) -> Finding {
    let detail = failure::in_one_line(&error.clone().into());
    match &error.kind {
        ErrorKind::Unauthorized if check == "login" => Finding::problem(
            check,
            Cause::Rejected,
            "Spacelift rejected the API key: the id or the secret is wrong".to_owned(),
            "If the secret is lost, create a new API key in Spacelift's settings.",
        ),
        ErrorKind::NotGraphQl { .. }
        | ErrorKind::UnexpectedData { .. }
        | ErrorKind::EndlessPages
        | ErrorKind::BadToken => Finding::problem(
            check,
            Cause::Unreachable,
            detail,
            "Check SPACELIFT_BASE_URL: https://<account>.app.spacelift.io",
        ),
        ErrorKind::Unreachable { .. } | ErrorKind::Ambiguous { .. } => Finding::problem(
            check,
            Cause::Unreachable,
            detail,
            "Check SPACELIFT_BASE_URL, the network, and the proxy if there is one.",
        ),
        ErrorKind::RateLimited { .. } => Finding::problem(check, Cause::Rejected, detail, "Try again later."),
        _ => Finding::problem(check, Cause::Rejected, detail, "Give the key the missing role."),
    }
}
