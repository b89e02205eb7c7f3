//! `/status`: whether the parts do their work.

use std::time::{SystemTime, UNIX_EPOCH};

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Frame, PageError, Section, Shared, ShownState, answer, queues, shown_now_ms};
use crate::visitor::Visitor;
use crate::words::{Moment, counted, duration};

/// A sweep that is later than this many of its intervals is late.
const SWEEPS_LATE: i64 = 3;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    frame: Frame,
    checks: Vec<Check>,
}

pub(super) struct Check {
    name: &'static str,
    state: ShownState,
    words: String,
    at: Option<Moment>,
    /// What to do, where something is wrong.
    advice: Option<&'static str>,
}

impl Check {
    pub(super) fn good(name: &'static str, words: impl Into<String>) -> Self {
        Self {
            name,
            state: ShownState::Good,
            words: words.into(),
            at: None,
            advice: None,
        }
    }

    pub(super) fn bad(name: &'static str, words: impl Into<String>, advice: &'static str) -> Self {
        Self {
            state: ShownState::Bad,
            advice: Some(advice),
            ..Self::good(name, words)
        }
    }

    fn at(self, at: Option<SystemTime>) -> Self {
        Self {
            at: at.and_then(ms).and_then(Moment::of_ms),
            ..self
        }
    }
}

fn ms(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let workflows = &dashboard.config.workflows;
    let account = &dashboard.config.account;
    let (reported, sweep, pollers, hooks, queues) = futures::join!(
        workflows.last_reported_run(account),
        workflows.last_sweep_ms(),
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
        sweep_check(sweep, workflows.settings().sweep_every.as_millis()),
    ];
    if let Ok(hooks) = hooks {
        for hook in hooks {
            let words = format!("{} sends to {}.", hook.name, hook.endpoint);
            checks.push(if hook.enabled {
                Check::good("Webhook in Spacelift", words)
            } else {
                let advice = "Spacelift switches a webhook off after ten failures. The runbook says how to find the cause. `spillway webhook install --apply` with its `--endpoint` enables it again.";
                Check::bad("Webhook in Spacelift", format!("{words} It is switched off."), advice)
            });
        }
    }
    checks.extend(queues);
    let page = HealthPage {
        frame: dashboard.frame(&visitor, Section::Health, false).await,
        checks,
    };
    answer(&headers, &page)
}

fn sweep_check(began_ms: Option<i64>, every_ms: u128) -> Check {
    const ADVICE: &str = "Look at the schedule of the sweep in Temporal, and at the worker's log.";
    let every_ms = i64::try_from(every_ms).unwrap_or(i64::MAX);
    let every = duration(every_ms);
    let check = match began_ms {
        None => Check::good(
            "Sweep",
            format!("None has succeeded yet. One begins each {every}."),
        ),
        Some(at) if shown_now_ms() - at > every_ms.saturating_mul(SWEEPS_LATE) => {
            let words = format!("The last one that succeeded is long ago: one begins each {every}.");
            Check::bad("Sweep", words, ADVICE)
        }
        Some(_) => Check::good("Sweep", format!("It succeeds. One begins each {every}.")),
    };
    Check {
        at: began_ms.and_then(Moment::of_ms),
        ..check
    }
}
