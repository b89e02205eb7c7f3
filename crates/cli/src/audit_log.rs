//! `spillway audit`: verifies the audit log, and reports from it.

mod manifest;
mod report;
mod temporal;
mod text;

use audit::verify::{self, Fault, Summary};
use audit::{Location, Store};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Seconds, Shape, Time};
use crate::output::Output;

use manifest::{Compared, Comparison, ManifestArguments};
pub(crate) use report::{ReportArguments, View as Report};
use temporal::{Difference, Differences, Status, Temporal};

const VERIFY_EXAMPLES: &str = "Examples:
  spillway audit verify --audit s3://acme-audit/spillway
  spillway audit verify --temporal
  spillway audit verify --jq '.damaged[].chain'

The exit code is 1 if a record is damaged, or was written by a newer version. A chain without an end is still \
running, or its last records are missing: --temporal tells which. If records are missing, the exit code is 1.";

/// Verify the audit log, and report from it.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Verify(VerifyArguments),
    Manifest(ManifestArguments),
    Report(ReportArguments),
}

/// Verify the audit log: find records that were changed, removed, inserted or moved.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
struct VerifyArguments {
    #[command(flatten)]
    log: Log,
    #[command(flatten)]
    comparison: Comparison,
    /// Compare the log with the chains that Temporal still has: of this namespace and task queue.
    #[arg(long)]
    temporal: bool,
    #[command(flatten)]
    output: Output,
}

/// Where the audit log is.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The audit log: `s3://bucket/prefix`, or a directory.
    #[arg(long, value_name = "WHERE", env = "SPILLWAY_AUDIT", hide_env_values = true)]
    audit: Option<String>,
}

impl Log {
    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        match self.audit.as_deref().map(str::trim) {
            Some(place) if !place.is_empty() => Ok(place.parse().map_err(audit::StoreError::from)?),
            _ => Err(Failure::setting("the location of the audit log is not set")
                .hint(
                    "Set SPILLWAY_AUDIT to the value that the webhook and the worker use, or pass --audit with \
                     s3://bucket/prefix or a directory.",
                )
                .into()),
        }
    }
}

pub(crate) fn audit(arguments: AuditArguments) -> Done {
    match arguments.action {
        Action::Verify(verify) => verify.run(),
        Action::Manifest(manifest) => manifest.run(),
        Action::Report(report) => report.run(),
    }
}

impl VerifyArguments {
    fn run(self) -> Done {
        let location = self.log.location()?;
        let (summary, compared, temporal) = block_on(async {
            // Read first: whatever ended by then has its end in the log.
            let temporal = if self.temporal {
                Some(Temporal::read().await?)
            } else {
                None
            };
            let store = Store::open(&location).await;
            let compared = self.comparison.compare(&store).await?;
            let summary = verify::store(&store).await?;
            if compared.is_none() && summary.chains > 0 {
                manifest::warn_without_manifest(&location, &store).await?;
            }
            let differences = match temporal {
                Some(temporal) => Some(temporal.compare(&store, &summary).await?),
                None => None,
            };
            Ok((summary, compared, differences))
        })?;
        let (compared, temporal) = (compared.as_ref(), temporal.as_ref());
        let view = View::of(&location, &summary, compared, temporal);
        self.output
            .show(&view, || text::render(&location, &summary, compared, temporal))?;
        let is_good = !summary.is_broken()
            && summary.newer.is_empty()
            && compared.is_none_or(|compared| compared.lost.is_empty())
            && temporal.is_none_or(Differences::is_empty);
        Ok(Exit::of(is_good))
    }
}

/// What was found in an audit log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditVerification")]
pub(crate) struct View {
    /// Where the log is.
    audit: String,
    chains: u64,
    records: u64,
    /// Chains with a beginning and an end, and nothing wrong.
    intact: u64,
    /// Chains without an end: still running, or their last records are missing.
    open: Vec<Open>,
    damaged: Vec<Damaged>,
    /// Records of a newer version, which were not verified.
    newer: Vec<Place>,
    deliveries: u64,
    damaged_deliveries: Vec<Problem>,
    /// Objects that somebody deleted or replaced. No program of Spillway does that.
    deleted_or_replaced: Vec<Replaced>,
    /// The manifest that the log was compared with, with --manifest.
    manifest: Option<ComparedManifest>,
    /// Chains that are not what the manifest says: they were cut, replaced or removed since.
    lost: Vec<Lost>,
    /// The comparison with Temporal, with --temporal.
    temporal: Option<InTemporal>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditComparedManifest")]
struct ComparedManifest {
    made_at: Option<Time>,
    /// How old it was when the log was verified.
    age_s: Option<Seconds>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditInTemporal")]
struct InTemporal {
    /// How many chains Temporal has.
    chains: usize,
    /// Temporal has these chains, and the log has no record of them.
    not_in_log: Vec<ChainInTemporal>,
    /// These chains have no end in the log, and are not running.
    without_end: Vec<ChainInTemporal>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditChainInTemporal")]
struct ChainInTemporal {
    chain: String,
    /// The status of its workflow, such as `completed`; null if Temporal does not know it, or no longer.
    status: Option<&'static str>,
    began_at: Option<Time>,
    last_record_at: Option<Time>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditReplacedObject")]
struct Replaced {
    object: String,
    versions: u64,
    delete_markers: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLostChain")]
struct Lost {
    chain: String,
    /// The last record that the manifest knows.
    record: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditOpenChain")]
struct Open {
    chain: String,
    last_record_at: Option<Time>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditDamagedChain")]
struct Damaged {
    chain: String,
    problem_count: usize,
    /// The first hundred.
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditProblem")]
struct Problem {
    object: String,
    line: usize,
    code: &'static str,
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditPlace")]
struct Place {
    object: String,
    line: usize,
}

impl Shape for View {
    const KIND: &'static str = "audit_verification";
}

impl View {
    fn of(
        location: &Location,
        summary: &Summary,
        compared: Option<&Compared>,
        temporal: Option<&Differences>,
    ) -> Self {
        let problem = |fault: &Fault| Problem {
            object: fault.place.object.clone(),
            line: fault.place.line,
            code: fault.kind.code(),
            message: fault.kind.to_string(),
        };
        Self {
            audit: location.to_string(),
            chains: summary.chains,
            records: summary.records,
            intact: summary.intact,
            open: summary
                .open
                .iter()
                .map(|chain| Open {
                    chain: chain.chain.clone(),
                    last_record_at: chain.last_at_ms.and_then(Time::from_ms),
                })
                .collect(),
            damaged: summary
                .broken
                .iter()
                .map(|chain| Damaged {
                    chain: chain.chain.clone(),
                    problem_count: chain.faults.count(),
                    problems: chain.faults.kept().iter().map(problem).collect(),
                })
                .collect(),
            newer: summary
                .newer
                .iter()
                .map(|place| Place {
                    object: place.object.clone(),
                    line: place.line,
                })
                .collect(),
            deliveries: summary.deliveries,
            damaged_deliveries: summary.broken_deliveries.iter().map(problem).collect(),
            deleted_or_replaced: summary
                .deleted_or_replaced
                .iter()
                .map(|object| Replaced {
                    object: object.key.clone(),
                    versions: object.versions,
                    delete_markers: object.delete_markers,
                })
                .collect(),
            manifest: compared.map(|compared| ComparedManifest {
                made_at: compared.made_at,
                age_s: compared.age,
            }),
            lost: compared
                .iter()
                .flat_map(|compared| &compared.lost)
                .map(|lost| Lost {
                    chain: lost.chain.clone(),
                    record: lost.head.sequence,
                })
                .collect(),
            temporal: temporal.map(InTemporal::of),
        }
    }
}

impl InTemporal {
    fn of(differences: &Differences) -> Self {
        let shown = |differences: &[Difference]| {
            let one = |difference: &Difference| ChainInTemporal {
                chain: difference.chain.clone(),
                status: difference.status.map(Status::name),
                began_at: difference.began_at,
                last_record_at: difference.last_record_at,
            };
            differences.iter().map(one).collect()
        };
        Self {
            chains: differences.chains,
            not_in_log: shown(&differences.not_in_log),
            without_end: shown(&differences.without_end),
        }
    }
}
