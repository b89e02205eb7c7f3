//! `spillway audit report`: who ran what, for those who have to show it.

mod csv;
mod execution;
mod html;
mod orders;
mod period;
mod text;

use std::io;

use audit::verify::{self, CheckedChain, Verdict};
use audit::{Location, Store};
use clap::{Args, ValueEnum};
use futures::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;

use super::Log;
use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Document, Shape, Time};
use crate::output::{self, WriteError};
use execution::Execution;
use orders::Order;
use period::{Moment, Period};

/// How many chains are read at once.
const READS_AT_ONCE: usize = 16;
/// How far the clocks of those who wrote the log and of the store may be apart.
const CLOCKS_APART_MS: i64 = 24 * 60 * 60 * 1_000;

const EXAMPLES: &str = "Examples:
  spillway audit report --since 30d
  spillway audit report --since 2026-10-01 --until 2026-11-01 -o html > october.html
  spillway audit report --since 1w -o csv > week.csv
  spillway audit report --since 1w --orders

The report lists every stack of a chain that ended or was skipped in the period. The records are verified as they \
are read: the exit code is 1, with a warning, if some are damaged, or if a newer version wrote them.";

/// Report the executions of stacks from the audit log: who started what, and how it ended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArguments {
    /// The start of the period: 30d or 12h ago, a date (UTC) or a time.
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: Moment,
    /// The end of the period, exclusive [default: now].
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
    /// Output format: table, json, csv, or html for one page that prints well.
    #[arg(
        short = 'o',
        long = "output",
        alias = "format",
        value_name = "FORMAT",
        value_enum,
        default_value = "table",
        hide_possible_values = true
    )]
    format: Format,
    /// Also list what people ordered: halts, freezes, and orders to chains and stacks. This reads every record of the
    /// period, in the formats table and json.
    #[arg(long)]
    orders: bool,
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

/// What the log has about a period.
struct Report {
    location: Location,
    period: Period,
    /// By chain, the one that began first in front.
    executions: Vec<Execution>,
    /// The chains and records that are damaged: what is reported of them may be wrong.
    damaged: Vec<String>,
    /// The chains and records that a newer version wrote, so that they were not read.
    newer: Vec<String>,
    /// The chains without a record of their end: they are under way, or their last records are still to be written.
    unfinished: Vec<String>,
    /// What people ordered, oldest first, where that was asked for.
    orders: Option<Vec<Order>>,
}

/// The stacks that ran in a period.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditReport")]
pub(crate) struct View<'a> {
    /// Where the log is.
    audit: String,
    since: Time,
    until: Time,
    executions: &'a [Execution],
    /// What people ordered, with `--orders`.
    orders: Option<&'a [Order]>,
    /// The chains and records that are damaged: what is reported of them may be wrong.
    damaged_chains: &'a [String],
    /// The chains and records that a newer version wrote, so that this one cannot read all of them.
    newer_chains: &'a [String],
    /// The chains without a record of their end: they are under way, or their last records are still to be written.
    unfinished_chains: &'a [String],
}

impl Shape for View<'_> {
    const KIND: &'static str = "audit_report";
}

impl ReportArguments {
    pub(crate) fn run(&self) -> Done {
        let period = Period::of(&self.since, self.until.as_ref(), jiff::Timestamp::now())?;
        if self.orders && matches!(self.format, Format::Csv | Format::Html) {
            return Err(Failure::usage("--orders needs the format table or json").into());
        }
        let report = block_on(async { read(&self.log, period, self.orders).await })?;
        self.print(&report)?;
        if !report.newer.is_empty() {
            output::warning(&format!(
                "a newer version wrote these audit records, so that the report may lack some of them: {}",
                crate::table::plain(&report.newer.join(", ")),
            ));
            output::hint("Update this command.");
        }
        if !report.damaged.is_empty() {
            output::warning(&format!(
                "these audit records were altered or are missing, and what is reported of them may be wrong: {}",
                crate::table::plain(&report.damaged.join(", ")),
            ));
            output::hint("`spillway audit verify` says more.");
        }
        Ok(Exit::of(report.damaged.is_empty() && report.newer.is_empty()))
    }

    fn print(&self, report: &Report) -> Result<(), WriteError> {
        match self.format {
            Format::Table => {
                output::line(&text::render(report))?;
                match &report.orders {
                    Some(orders) => output::line(&format!("\n{}", orders::render(orders))),
                    None => Ok(()),
                }
            }
            Format::Csv => output::text(&csv::render(&report.executions)),
            Format::Html => output::text(&html::render(report).map_err(io::Error::other)?),
            Format::Json => {
                let view = View {
                    audit: report.location.to_string(),
                    since: Time(report.period.since),
                    until: Time(report.period.until),
                    executions: &report.executions,
                    orders: report.orders.as_deref(),
                    damaged_chains: &report.damaged,
                    newer_chains: &report.newer,
                    unfinished_chains: &report.unfinished,
                };
                output::json(&Document::of(&view))
            }
        }
    }
}

async fn read(log: &Log, period: Period, with_orders: bool) -> anyhow::Result<Report> {
    let location = log.location()?;
    let store = Store::open(&location).await;
    let mut report = Report {
        location,
        period,
        executions: Vec::new(),
        damaged: Vec::new(),
        newer: Vec::new(),
        unfinished: Vec::new(),
        orders: None,
    };
    let mut orders = Vec::new();
    for chain in read_chains(&store, &report.period).await? {
        report
            .executions
            .extend(execution::of_chain(&chain, &report.period));
        orders.extend(orders::of_chain(&chain, &report.period));
        match chain.verdict() {
            Verdict::Broken => report.damaged.push(chain.id),
            Verdict::Newer => report.newer.push(chain.id),
            Verdict::Open if began_before(&chain, report.period.until) => report.unfinished.push(chain.id),
            Verdict::Open | Verdict::Intact => {}
        }
    }
    if with_orders {
        let alone = orders::alone(&store, &report.period, &mut report.damaged, &mut report.newer).await?;
        orders.extend(alone);
        orders.sort_by_key(|order| order.at.map(|at| at.0));
        report.orders = Some(orders);
    }
    Ok(report)
}

fn began_before(chain: &CheckedChain, moment: jiff::Timestamp) -> bool {
    let first = chain.records.first();
    first.is_none_or(|record| record.entry().at_ms < moment.as_millisecond())
}

/// The chains that may have records in the period.
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
