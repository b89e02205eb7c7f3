//! What the worker counts, beside the SDK's own metrics, in one Prometheus registry.
//!
//! The labels are bounded: never a stack, a run or a chain.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use chain::schedule::Decision;
use chain::{ChainRecord, ChainResult};
use temporalio_common::telemetry::metrics::{
    CoreMeter, Counter, HistogramF64, MetricKeyValue, MetricParameters, NewAttributes,
};
use temporalio_common::telemetry::{
    HistogramBucketOverrides, PrometheusExporterOptions, start_prometheus_metric_exporter,
};

pub(crate) const TO_TRIGGER: &str = "spillway_webhook_to_trigger_seconds";
/// From a quick answer of everything to a worker that was away for a while.
pub(crate) const TO_TRIGGER_BUCKETS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

/// One for the process: workflow code gets nothing handed in that could hold it.
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
    to_trigger: HistogramF64,
}

/// The registry of the process.
pub(crate) struct Exporter {
    pub(crate) meter: Arc<dyn CoreMeter>,
    /// Where the SDK serves the registry, which it offers no other way to read.
    pub(crate) address: SocketAddr,
}

/// Begins to count. In a process that counts already the new registry has the SDK's metrics alone.
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
            "Finished runs that the sweep found and of which no webhook had told",
        ),
        sweeps: counter("spillway_sweeps", "Sweeps that succeeded"),
        found: counter(
            "spillway_sweep_found",
            "What sweeps found that a person should know of, counted again by each sweep",
        ),
        alarms: counter(
            "spillway_schedule_alarms",
            "What the schedule could not take in or go on with, by kind",
        ),
        audit_failures: counter(
            "spillway_audit_failures",
            "Failed attempts to write the audit log of a chain",
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

/// The schedule decided something.
pub(crate) fn decided(decision: &Decision) {
    let Some(metrics) = METRICS.get() else { return };
    match decision {
        Decision::Planned { .. } => metrics.count(&metrics.chains, &[("event", "started"), ("cause", "")]),
        Decision::Refused { code, .. } => {
            metrics.count(&metrics.chains, &[("event", "refused"), ("cause", code)]);
        }
        Decision::NotARoot { .. } => metrics.count(&metrics.alarms, &[("alarm", "not_a_root")]),
        Decision::Quarantined { .. } => metrics.count(&metrics.alarms, &[("alarm", "quarantined")]),
        _ => {}
    }
}

/// A message to the schedule could not be read.
pub(crate) fn message_dropped() {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.alarms, &[("alarm", "message_dropped")]);
    }
}

/// What a sweep found that a person should know of. It is counted and not set, since each worker has a registry of its
/// own: a value that one of them had set would stay there while others sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    /// The account is halted.
    Halt,
    /// A chain has been open for a day.
    OldChain,
    /// A run has been queued, or ready for a worker, for an hour.
    WaitingRun,
}

impl Found {
    fn label(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::OldChain => "old_chain",
            Self::WaitingRun => "waiting_run",
        }
    }
}

pub(crate) fn sweep_found(found: Found) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.found, &[("what", found.label())]);
    }
}

/// A sweep did what it is for.
pub(crate) fn sweep_succeeded() {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.sweeps, &[]);
    }
}

/// A chain ended, and so did each of its stacks.
pub(crate) fn chain_ended(result: ChainResult, record: &ChainRecord) {
    if let Some(metrics) = METRICS.get() {
        metrics.count(&metrics.chains, &[("event", &result.to_string()), ("cause", "")]);
        for stack in record.progress() {
            let cause = stack.reason.as_ref().map_or("", |reason| reason.code.as_str());
            metrics.count(
                &metrics.stacks,
                &[("outcome", &stack.state.to_string()), ("cause", cause)],
            );
        }
    }
}

/// The sweep found a run of which no webhook had told.
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

/// A stack has a run, so long after the end of everything upstream of it.
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
