//! `spillway report`: who ran what, for those who have to show it.

mod csv;
mod execution;
mod html;
mod period;
mod text;

use std::process::ExitCode;

use audit::verify::{self, CheckedChain, Verdict};
use audit::{Location, Store};
use clap::{Args, ValueEnum};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::audit_log::{Log, counted};
use crate::command::{Done, block_on};
use crate::failure::BAD_OUTCOME;
use crate::output;
use execution::Execution;
use period::{Moment, Period};

/// How many chains are read at once.
const READS_AT_ONCE: usize = 16;
/// How far the clocks of those who wrote the log and of the store may be apart.
const CLOCKS_APART_MS: i64 = 24 * 60 * 60 * 1_000;

const EXAMPLES: &str = "Examples:
  spillway report --since 30d
  spillway report --since 2026-10-01 --until 2026-11-01 --format html > october.html
  spillway report --since 1w --format csv > week.csv

Listed is every stack of a chain that ended or was skipped in the period. What is read is verified on the way: the \
exit status is 1, with a warning, if part of it is broken.";

/// Reports the executions of stacks from the audit log: who started what, and how it ended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArguments {
    /// From when on: 30d or 12h ago, a date (UTC) or a time.
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: Moment,
    /// Up to when, not including it [default: now].
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// How it is written: html is one page that prints well.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    log: Log,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
    Html,
}

/// What the log says of a period.
struct Report {
    location: Location,
    period: Period,
    /// By chain, the one that began first in front.
    executions: Vec<Execution>,
    /// The chains that are not as they were written, or cannot be judged: what is said of them may be wrong.
    doubtful: Vec<String>,
}

pub(crate) fn report(arguments: &ReportArguments) -> Done {
    let period = Period::of(&arguments.since, arguments.until.as_ref(), jiff::Timestamp::now())?;
    let report = block_on(async { read(&arguments.log, period).await })?;
    match arguments.format {
        Format::Table => output::line(&text::render(&report)),
        Format::Csv => output::text(&csv::render(&report.executions)),
        Format::Json => output::json(&json!({
            "audit": report.location.to_string(),
            "since": report.period.since,
            "until": report.period.until,
            "executions": report.executions,
            "doubtful_chains": report.doubtful,
        }))?,
        Format::Html => output::text(&html::render(&report)),
    }
    if report.doubtful.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::progress(&format!(
        "warning: {} in the audit log {} not as written, and what is reported of it may be wrong; `spillway audit \
         verify` says more: {}",
        counted(report.doubtful.len(), "chain", "chains"),
        if report.doubtful.len() == 1 { "is" } else { "are" },
        crate::table::plain(&report.doubtful.join(", ")),
    ));
    Ok(ExitCode::from(BAD_OUTCOME))
}

async fn read(log: &Log, period: Period) -> anyhow::Result<Report> {
    let location = log.location()?;
    let store = Store::open(&location).await;
    let mut report = Report {
        location,
        period,
        executions: Vec::new(),
        doubtful: Vec::new(),
    };
    for chain in read_chains(&store, &report.period).await? {
        report
            .executions
            .extend(execution::of_chain(&chain, &report.period));
        if matches!(chain.verdict(), Verdict::Broken | Verdict::Newer) {
            report.doubtful.push(chain.id);
        }
    }
    Ok(report)
}

/// The chains that may have something to say of the period.
async fn read_chains(store: &Store, period: &Period) -> anyhow::Result<Vec<CheckedChain>> {
    let mut chains = store.chains().await?;
    // Nothing that happened in the period was written before it.
    chains.retain(|chain| chain.modified_ms() >= period.since.as_millisecond() - CLOCKS_APART_MS);
    let mut checked: Vec<CheckedChain> = stream::iter(&chains)
        .map(|chain| verify::read_chain(store, chain))
        .buffered(READS_AT_ONCE)
        .try_collect()
        .await?;
    checked.sort_by_key(|chain| chain.records.first().map(|record| record.entry().at_ms));
    Ok(checked)
}
