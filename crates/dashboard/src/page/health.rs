//! `/status`: whether the parts do their work.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use settings::WEBHOOK_NAME;
use spacelift::NamedWebhook;
use temporal_client::{LastSweep, clock};

use super::check::Check;
use super::control::done_words;
use super::{Frame, PageError, Section, Shared, answer, queues, shown_now_ms};
use crate::filters;
use crate::visitor::Visitor;
use crate::words::{Moment, counted, duration};

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    done: Option<&'static str>,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    /// What was just done.
    #[serde(default)]
    done: String,
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let workflows = &dashboard.config.workflows;
    let account = &dashboard.config.account;
    let (reported, sweep, pollers, hooks, queues) = futures::join!(
        workflows.last_reported_run(account),
        workflows.last_sweep(),
        workflows.pollers(),
        dashboard.config.spacelift.named_webhooks(),
        queues::checks(&dashboard.config.queues),
    );
    let (reported, sweep, pollers) = (reported?, sweep?, pollers?);
    let mut checks = vec![
        match pollers.len() {
            0 => Check::bad(
                "Worker",
                format!(
                    "No worker polls the task queue {}.",
                    workflows.settings().task_queue
                ),
                "Start the worker. Until then chains stand still.",
            ),
            number => Check::good(
                "Worker",
                format!("{} for work.", counted(number, "poller asks", "pollers ask")),
            ),
        }
        .at(pollers.iter().filter_map(|poller| poller.last_seen).max()),
        match reported {
            Some(_) => Check::good("Runs", "The last run that a webhook or the sweep reported."),
            None => Check::bad(
                "Runs",
                "Temporal knows no run that a webhook or the sweep reported.",
                "`spillway webhook install` creates the webhook in Spacelift.",
            ),
        }
        .at(reported),
        sweep_check(sweep, clock::milliseconds(workflows.settings().sweep_every)),
    ];
    checks.push(webhook_check(hooks));
    checks.extend(queues);
    let page = HealthPage {
        frame: dashboard.frame(&visitor, Section::Health, false).await,
        done: done_words(&choice.done),
        checks,
    };
    answer(&headers, &page)
}

/// The account may have webhooks of other tools.
fn webhook_check(webhooks: Result<Vec<NamedWebhook>, spacelift::Error>) -> Check {
    const NAME: &str = "Webhook in Spacelift";
    let webhooks = match webhooks {
        Ok(webhooks) => webhooks,
        Err(error) => return Check::unknown(NAME, format!("Not known: {error}.")),
    };
    let Some(webhook) = webhooks.into_iter().find(|webhook| webhook.name == WEBHOOK_NAME) else {
        // It may have another name.
        let words = format!("None is named `{WEBHOOK_NAME}`. `spillway webhook install` creates it.");
        return Check::unknown(NAME, words);
    };
    let words = format!("{} sends to {}.", webhook.name, webhook.endpoint);
    if webhook.enabled {
        return Check::good(NAME, words);
    }
    let advice = "Spacelift disables a webhook after ten failures. The runbook says how to find the cause. `spillway webhook \
                  install --endpoint <url> --apply` enables it again; add --space and --pull-requests if you use them.";
    Check::bad(NAME, format!("{words} It is disabled."), advice)
}

fn sweep_check(last: Option<LastSweep>, every_ms: i64) -> Check {
    const ADVICE: &str = "Look at the schedule of the sweep in Temporal, and at the worker's log.";
    let every = duration(every_ms);
    let check = match last {
        None => Check::unknown(
            "Sweep",
            format!("Temporal knows none that succeeded. One begins each {every}."),
        ),
        Some(last) if last.is_late(shown_now_ms()) => {
            let words = format!("The last one that succeeded is long ago: one begins each {every}.");
            Check::bad("Sweep", words, ADVICE)
        }
        Some(_) => Check::good("Sweep", format!("It succeeds. One begins each {every}.")),
    };
    Check {
        at: last.and_then(|last| Moment::of_ms(last.began_ms)),
        ..check
    }
}
