//! The worker's own metrics, in one Prometheus registry with those of the SDK.
//!
//! The labels have few values: never a stack, a run or a chain.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use chain::schedule::Decision;
use chain::{ChainRecord, ChainResult};
use notify::Attempt;
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, HistogramF64, MetricKeyValue, MetricParameters, NewAttributes,
};
use temporalio_common::telemetry::{
    HistogramBucketOverrides, PrometheusExporterOptions, start_prometheus_metric_exporter,
};

pub(crate) const TO_TRIGGER: &str = "spillway_webhook_to_trigger_seconds";
/// From a worker that triggers at once to one that was down for a while.
pub(crate) const TO_TRIGGER_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

/// One for the process: workflow code has no other way to reach it.
static METRICS: OnceLock<Metrics> = OnceLock::new();

struct Metrics {
    meter: Arc<dyn CoreMeter>,
    chains: Counter,
    stacks: Counter,
    triggers: Counter,
    recovered: Counter,
    sweeps: Counter,
    found: Counter,
    alarms: Counter,
    audit_failures: Counter,
    notices: Counter,
    late_notices: Counter,
    lost_spans: Counter,
    to_trigger: HistogramF64,
}

/// The registry of the process.
pub(crate) struct Exporter {
    pub(crate) meter: Arc<dyn CoreMeter>,
    /// Where the SDK serves the registry: it offers no other way to read it.
    pub(crate) address: SocketAddr,
}

/// Starts the metrics. In a process that has started them already, the new registry has the SDK's metrics only.
pub(crate) fn start() -> anyhow::Result<Exporter> {
    let buckets = HistogramBucketOverrides {
        overrides: [(TO_TRIGGER.to_owned(), TO_TRIGGER_BUCKETS.to_vec())].into(),
    };
    let options = PrometheusExporterOptions::builder()
        .socket_addr(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .counters_total_suffix(true)
        .use_seconds_for_durations(true)
        .histogram_bucket_overrides(buckets)
        .build();
    let started = start_prometheus_metric_exporter(options).context("the metrics cannot be served")?;
    let meter: Arc<dyn CoreMeter> = started.meter;
    let counter = |name: &'static str, description: &'static str| {
        meter.counter(
            MetricParameters::builder()
                .name(name)
                .description(description)
                .build(),
        )
    };
    let latency = MetricParameters::builder()
        .name(TO_TRIGGER)
        .description("From the end of everything upstream of a stack to its trigger")
        .build();
    METRICS.get_or_init(|| Metrics {
        chains: counter(
            "spillway_chains",
            "Chains that were planned, refused, and that ended, by result",
        ),
        stacks: counter(
            "spillway_stacks",
            "Stacks of chains that ended, by outcome and its cause",
        ),
        triggers: counter(
            "spillway_triggers",
            "Runs that were triggered, or joined since they were there",
        ),
        recovered: counter(
            "spillway_sweep_recovered",
            "Finished runs that the sweep found because their webhook was missed",
        ),
        sweeps: counter("spillway_sweeps", "Sweeps that succeeded"),
        found: counter(
            "spillway_sweep_found",
            "What sweeps found that a person should know of, counted again by each sweep",
        ),
        alarms: counter(
            "spillway_schedule_alarms",
            "Problems of the schedule that a person has to know about, by kind",
        ),
        audit_failures: counter(
            "spillway_audit_failures",
            "Failed attempts to write the audit log of a chain",
        ),
        notices: counter(
            "spillway_notices",
            "Messages about chains, by the kind of the sink and whether it took them",
        ),
        late_notices: counter(
            "spillway_notices_late",
            "Failed attempts at sinks that have taken no message for ten minutes, by the kind of the sink",
        ),
        lost_spans: counter(
            "spillway_spans_lost",
            "Spans of traces that the receiver did not take",
        ),
        to_trigger: meter.histogram_f64(latency),
        meter: Arc::clone(&meter),
    });
    Ok(Exporter {
        meter,
        address: started.bound_addr,
    })
}

impl Metrics {
    fn count(&self, counter: &Counter, labels: &[(&str, &str)]) {
        let labels = labels
            .iter()
            .map(|(key, value)| MetricKeyValue::new(*key, (*value).to_owned()));
        counter.add(1, &self.meter.new_attributes(NewAttributes::from(labels)));
    }
}

/// Counts a decision of the schedule.
pub(crate) fn decided(decision: &Decision) {
    let Some(metrics) = METRICS.get() else { return };
    match decision {
        Decision::Planned { .. } => metrics.count(&metrics.chains, &[("event", "started"), ("cause", "")]),
        Decision::Refused { code, .. } => {
            metrics.count(&metrics.chains, &[("event", "refused"), ("cause", code)]);
        }
        Decision::NotARoot { .. } => alarm(Alarm::NotARoot),
        Decision::Conflict { .. } => alarm(Alarm::Conflict),
        Decision::Stuck { .. } => alarm(Alarm::Stuck),
        Decision::Late { .. } => alarm(Alarm::LateRun),
        Decision::Quarantined { .. } => alarm(Alarm::Quarantined),
        _ => {}
    }
}

/// Conditions that a person has to know about soon.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Alarm {
    /// A run of our key that no chain or attempt accounts for.
    NotARoot,
    /// Another Spillway uses our key.
    Conflict,
    /// A cause was quarantined.
    Quarantined,
    /// Something has waited long for a person or a lock.
    Stuck,
    /// A run takes longer than its limit, and applies.
    LateRun,
    /// A message to the schedule could not be read.
    MessageDropped,
    /// A chain does not answer the query for its state, and is left out of the schedule.
    ChainSilent,
    /// A schedule does not answer the query for its state.
    ScheduleSilent,
    /// The sweep found and reported something that the schedule did not know or had wrong.
    Repaired,
}

impl Alarm {
    fn label(self) -> &'static str {
        self.into()
    }
}

pub(crate) fn alarm(alarm: Alarm) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.alarms, &[("alarm", alarm.label())]);
    }
}

/// Conditions that a sweep found. They are counted and not set as gauges: each worker has its own registry, and a value
/// that one worker had set would stay there while others sweep.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum SweepFinding {
    /// The account is halted.
    Halt,
    /// A chain has been open for a day.
    OldChain,
    /// A run has been queued, or ready for a worker, for an hour.
    WaitingRun,
}

impl SweepFinding {
    fn label(self) -> &'static str {
        self.into()
    }
}

pub(crate) fn sweep_found(found: SweepFinding) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.found, &[("what", found.label())]);
    }
}

/// Counts a successful sweep.
pub(crate) fn sweep_succeeded() {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.sweeps, &[]);
    }
}

/// Counts the end of a chain and of its stacks.
pub(crate) fn chain_ended(result: ChainResult, record: &ChainRecord) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.chains, &[("event", &result.to_string()), ("cause", "")]);
        for stack in record.progress() {
            let cause = stack
                .reason
                .as_ref()
                .map_or_else(String::new, |reason| reason.code.to_string());
            metrics.count(
                &metrics.stacks,
                &[("outcome", &stack.state.to_string()), ("cause", &cause)],
            );
        }
    }
}

/// Counts a run that the sweep found because its webhook was missed.
pub(crate) fn sweep_recovered() {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.recovered, &[]);
    }
}

pub(crate) fn audit_failed() {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.audit_failures, &[]);
    }
}

/// Counts an attempt to send a message to a sink.
pub(crate) fn notice_sent(attempt: &Attempt) {
    let Some(metrics) = METRICS.get() else { return };
    let outcome = if attempt.result.is_ok() { "sent" } else { "failed" };
    metrics.count(&metrics.notices, &[("kind", attempt.kind), ("outcome", outcome)]);
    if attempt.is_late {
        metrics.count(&metrics.late_notices, &[("kind", attempt.kind)]);
    }
}

/// Counts spans that the receiver of traces did not take.
pub(crate) fn spans_lost(count: usize) {
    if let Some(metrics) = METRICS.get() {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        metrics
            .lost_spans
            .add(count, &metrics.meter.new_attributes(NewAttributes::from([])));
    }
}

/// Counts a run that was triggered or joined, and the time since everything upstream of its stack was over.
pub(crate) fn run_triggered(joined: bool, waited_s: Option<f64>) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(
            &metrics.triggers,
            &[("how", if joined { "joined" } else { "triggered" })],
        );
        if let Some(waited_s) = waited_s {
            metrics
                .to_trigger
                .record(waited_s, &metrics.meter.new_attributes(NewAttributes::from([])));
        }
    }
}
