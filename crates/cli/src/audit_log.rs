//! `spillway audit`: whether the audit log is what was written.

use std::fmt::Display;
use std::process::ExitCode;

use audit::verify::{self, Fault, OpenChain, Summary};
use audit::{Location, Store};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::command::{Done, block_on};
use crate::failure::{BAD_OUTCOME, Failure};
use crate::output;
use crate::table::{Table, moment, plain, shown};

/// How many things of a kind are listed for people.
const LISTED_MAX: usize = 20;

const VERIFY_EXAMPLES: &str = "Examples:
  spillway audit verify --audit s3://acme-audit/spillway
  spillway audit verify --json | jq -r '.broken[].chain'

The exit status is 1 if anything is broken, or of a newer version and so not judged. A chain without an end is under \
way, or its last records are missing: compare it with `spillway chains`.";

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Verify(VerifyArguments),
}

/// Reads the whole audit log, and finds every record that was changed, removed, inserted or moved.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
struct VerifyArguments {
    #[command(flatten)]
    log: Log,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which audit log is read.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Where the audit log is: `s3://bucket/prefix`, or a directory.
    #[arg(long, value_name = "WHERE", env = "SPILLWAY_AUDIT", hide_env_values = true)]
    audit: Option<String>,
}

impl Log {
    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        match self.audit.as_deref().map(str::trim) {
            Some(place) if !place.is_empty() => Ok(place.parse().map_err(audit::StoreError::from)?),
            _ => Err(Failure::Setting(
                "no audit log is named: set SPILLWAY_AUDIT as it is set for the webhook and the worker, or name the \
                 place with --audit, `s3://bucket/prefix` or a directory"
                    .to_owned(),
            )
            .into()),
        }
    }
}

pub(crate) fn audit(arguments: AuditArguments) -> Done {
    let Action::Verify(arguments) = arguments.action;
    let location = arguments.log.location()?;
    let summary = block_on(async { Ok(verify::store(&Store::open(&location).await).await?) })?;
    if arguments.json {
        output::json(&view(&location, &summary))?;
    } else {
        print(&location, &summary);
    }
    let is_good = !summary.is_broken() && summary.newer.is_empty();
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(BAD_OUTCOME)
    })
}

fn view(location: &Location, summary: &Summary) -> Value {
    let fault = |fault: &Fault| {
        json!({
            "object": fault.place.object, "line": fault.place.line,
            "code": fault.kind.code(), "message": fault.kind.to_string(),
        })
    };
    let faults = |faults: &[Fault]| faults.iter().map(fault).collect::<Vec<_>>();
    let broken = summary.broken.iter();
    let open = summary.open.iter();
    let newer = summary.newer.iter();
    json!({
        "audit": location.to_string(),
        "chains": summary.chains,
        "records": summary.records,
        "intact": summary.intact,
        "open": open.map(|chain| json!({"chain": chain.chain, "last_record": chain.last_at_ms.and_then(moment)}))
            .collect::<Vec<_>>(),
        "broken": broken.map(|chain| json!({"chain": chain.chain, "faults": faults(&chain.faults)}))
            .collect::<Vec<_>>(),
        "newer": newer.map(|place| json!({"object": place.object, "line": place.line})).collect::<Vec<_>>(),
        "deliveries": summary.deliveries,
        "broken_deliveries": faults(&summary.broken_deliveries),
    })
}

fn print(location: &Location, summary: &Summary) {
    for chain in &summary.broken {
        output::line(&format!("broken: {}", plain(&chain.chain)));
        lines(&chain.faults);
        output::line("");
    }
    if !summary.broken_deliveries.is_empty() {
        output::line("broken, of the deliveries:");
        lines(&summary.broken_deliveries);
        output::line("");
    }
    if !summary.newer.is_empty() {
        output::line("not judged, since a newer version wrote them; update this command:");
        lines(&summary.newer);
        output::line("");
    }
    if !summary.open.is_empty() {
        output::line("without an end: under way, or their last records are missing:");
        print_open(&summary.open);
        output::line("");
    }
    output::line(&format!(
        "{} with {} and {} in {location}: {}",
        counted(summary.chains, "chain", "chains"),
        counted(summary.records, "record", "records"),
        counted(summary.deliveries, "delivery", "deliveries"),
        verdict(summary)
    ));
}

fn lines<T: ToString>(things: &[T]) {
    for thing in things.iter().take(LISTED_MAX) {
        output::line(&format!("  {}", plain(&thing.to_string())));
    }
    more(things.len());
}

/// The oldest first: a chain that has been without an end for long is the one to look at.
fn print_open(open: &[OpenChain]) {
    let mut open: Vec<_> = open.iter().collect();
    open.sort_by_key(|chain| chain.last_at_ms);
    let mut table = Table::with_head(["chain", "last record"]);
    for chain in open.iter().take(LISTED_MAX) {
        let last = chain.last_at_ms.and_then(moment);
        let last = last.map(shown).unwrap_or_default();
        table.row([&chain.chain, &last]);
    }
    output::line(&table.indented("  "));
    more(open.len());
}

fn more(number: usize) {
    if number > LISTED_MAX {
        output::line(&format!("  and {} more; --json lists all", number - LISTED_MAX));
    }
}

fn verdict(summary: &Summary) -> String {
    let mut found = Vec::new();
    let broken = |number: usize, one, many| format!("{} broken", counted(number, one, many));
    if !summary.broken.is_empty() {
        found.push(broken(summary.broken.len(), "chain", "chains"));
    }
    if !summary.broken_deliveries.is_empty() {
        found.push(broken(summary.broken_deliveries.len(), "delivery", "deliveries"));
    }
    if !summary.newer.is_empty() {
        found.push(format!("{} not judged", summary.newer.len()));
    }
    if found.is_empty() {
        "nothing wrong".to_owned()
    } else {
        found.join(", ")
    }
}

pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    let what = if number == N::from(1) { one } else { many };
    format!("{number} {what}")
}
