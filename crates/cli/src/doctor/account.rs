//! What the Spacelift account says to the key.

use chain::{ChainSettings, Severity};
use orchestrator::Settings;
use spacelift::{Error, ErrorKind, Spacelift};

use super::finding::{Cause, Finding, Report};
use crate::dependencies;
use crate::webhook::WEBHOOK_NAME;

/// Stops at what makes the rest impossible.
pub(super) async fn examine(spacelift: &Spacelift, settings: Option<&Settings>, report: &mut Report) {
    if let Err(error) = who_speaks(spacelift, report).await {
        report.add(problem("login", &error));
        return;
    }
    let account = match spacelift.account_name().await {
        Ok(name) => Finding::ok("account", format!("`{name}`")),
        Err(error) => problem("account", &error),
    };
    report.add(account);
    stacks(spacelift, settings, report).await;
    webhook(spacelift, report).await;
}

async fn who_speaks(spacelift: &Spacelift, report: &mut Report) -> Result<(), Error> {
    let user = spacelift.viewer().await?;
    let name = user
        .name
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| user.id.clone());
    report.add(Finding::ok("login", format!("{name} ({})", user.id)));
    report.add(match user.admin {
        Some(true) => Finding::ok("rights", "the key is an administrator's".to_owned()),
        Some(false) => Finding::warning(
            "rights",
            "the key is no administrator's".to_owned(),
            "it needs write access to the space of every stack that it shall run, and read access to the others",
        ),
        None => Finding::warning(
            "rights",
            "Spacelift does not say what the key may do".to_owned(),
            "it needs write access to the space of every stack that it shall run, and read access to the others",
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
            "the key sees none".to_owned(),
            "give it read access to the spaces of the stacks, if there are any",
        ),
        _ => Finding::ok("stacks", format!("the key sees {count}")),
    });
    let of = |severity| {
        graph
            .problems()
            .iter()
            .filter(|problem| problem.severity() == severity)
            .count()
    };
    report.add(match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => Finding::ok("dependencies", "nothing wrong".to_owned()),
        (errors, warnings) => Finding::warning(
            "dependencies",
            format!("errors: {errors}, warnings: {warnings}"),
            "`spillway lint` lists them",
        ),
    });
}

/// Only by its usual name: whoever gave it another one, or feeds Spillway otherwise, knows why.
async fn webhook(spacelift: &Spacelift, report: &mut Report) {
    const CHECK: &str = "webhook in Spacelift";
    let webhooks = match spacelift.named_webhooks().await {
        Ok(webhooks) => webhooks,
        Err(error) if error.kind == ErrorKind::Unauthorized => {
            report.add(Finding::warning(
                CHECK,
                "the key may not see webhooks".to_owned(),
                "ask an administrator whether `spillway webhook install` was done",
            ));
            return;
        }
        Err(error) => {
            report.add(problem(CHECK, &error));
            return;
        }
    };
    let ours = webhooks.into_iter().find(|webhook| webhook.name == WEBHOOK_NAME);
    report.add(match ours {
        Some(webhook) if webhook.enabled => Finding::ok(
            CHECK,
            format!(
                "`{}` of the space `{}` sends to {}",
                webhook.id, webhook.space, webhook.endpoint
            ),
        ),
        Some(webhook) => Finding::warning(
            CHECK,
            format!(
                "`{}` is switched off, as Spacelift does after ten failures in a row",
                webhook.id
            ),
            "`spillway webhook install --apply` switches it on",
        ),
        None => Finding::warning(
            CHECK,
            format!("there is none called `{WEBHOOK_NAME}`"),
            "`spillway webhook install` makes it; nothing starts a chain before",
        ),
    });
}

fn problem(check: &'static str, error: &Error) -> Finding {
    let detail = error.to_string();
    match &error.kind {
        ErrorKind::Unauthorized if check == "login" => Finding::problem(
            check,
            Cause::Refused,
            "Spacelift does not know this key, or its secret is another one".to_owned(),
            "make a new API key in Spacelift's settings if the secret is lost",
        ),
        ErrorKind::NotGraphQl { .. }
        | ErrorKind::UnexpectedData { .. }
        | ErrorKind::EndlessPages
        | ErrorKind::BadToken => Finding::problem(
            check,
            Cause::Unreachable,
            detail,
            "check SPACELIFT_BASE_URL: https://<account>.app.spacelift.io",
        ),
        ErrorKind::Unreachable { .. } | ErrorKind::Ambiguous { .. } => Finding::problem(
            check,
            Cause::Unreachable,
            detail,
            "check SPACELIFT_BASE_URL, the network, and the proxy if there is one",
        ),
        ErrorKind::RateLimited { .. } => Finding::problem(check, Cause::Refused, detail, "try again later"),
        _ => Finding::problem(
            check,
            Cause::Refused,
            detail,
            "give the key the rights that it lacks",
        ),
    }
}
