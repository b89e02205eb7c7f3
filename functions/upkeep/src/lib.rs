//! What has to be done regularly, and that no event of Spacelift starts: a signed manifest of the audit log each day, and
//! each hour the list of addresses that may call the webhook.
//!
//! Each job is on only if it is configured. One schedule is enough: a run does all that is due, and the next run repeats
//! what failed.

mod allow_list;
mod manifests;
mod network;

use std::fmt;

use anyhow::{bail, ensure};
use environment::Variables;
use serde::Serialize;
use telemetry::{Line, Namespace, Unit};
use tracing::error;

use allow_list::AllowList;
use manifests::Manifests;

/// The jobs that are on.
pub struct Upkeep {
    manifests: Option<Manifests>,
    allow_list: Option<AllowList>,
    metrics: Namespace,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub manifest: ManifestOutcome,
    pub allow_list: AllowListOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestOutcome {
    Off,
    NotDue,
    Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowListOutcome {
    Off,
    Unchanged,
    Updated,
}

impl Upkeep {
    /// Reads variables, and reports all problems in one message. The secrets are read in each run, so that a changed one
    /// needs no restart.
    pub async fn from_variables(variables: Variables) -> anyhow::Result<Self> {
        let metrics = Namespace::from_lookup(|name| variables.get(name).cloned());
        let mut problems = String::new();
        let manifests = on(Manifests::from_variables(&variables).await, &mut problems);
        let allow_list = on(AllowList::from_variables(variables), &mut problems);
        ensure!(problems.is_empty(), "the function cannot start:{problems}");
        Ok(Self {
            manifests,
            allow_list,
            metrics,
        })
    }

    /// Does what is due. If a job fails, the other one is still done, and the run fails.
    pub async fn run(&self, now_ms: i64) -> anyhow::Result<Outcome> {
        let mut failures = Vec::new();
        // First, since it is short: a manifest of a large log can use up the function's time.
        let mut allow_list = AllowListOutcome::Off;
        if let Some(list) = &self.allow_list {
            match list.update(&self.metrics).await {
                Ok(outcome) => allow_list = outcome,
                Err(error) => failures.push(error.context("the allowed addresses were not updated")),
            }
        }
        let mut manifest = ManifestOutcome::Off;
        if let Some(manifests) = &self.manifests {
            match manifests.write_if_due(now_ms, &self.metrics).await {
                Ok(outcome) => manifest = outcome,
                Err(error) => failures.push(error.context("no manifest of the audit log was written")),
            }
        }
        let has_succeeded = u8::from(failures.is_empty());
        self.metrics
            .emit(Line::default().metric("UpkeepSucceeded", Unit::Count, has_succeeded));
        let said: Vec<String> = failures.iter().map(|failure| format!("{failure:#}")).collect();
        for failure in &said {
            error!("A job of the upkeep failed. The next run tries it again: {failure}");
        }
        if !said.is_empty() {
            bail!("{}", said.join("; "));
        }
        Ok(Outcome { manifest, allow_list })
    }
}

/// The job, if it is on and configured well.
fn on<T>(job: anyhow::Result<Option<T>>, problems: &mut String) -> Option<T> {
    job.unwrap_or_else(|error| {
        let _ = fmt::Write::write_fmt(problems, format_args!("\n- {error:#}"));
        None
    })
}

/// A variable that is set and not empty.
fn set<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    let value = variables.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}
