//! The worker's metrics for CloudWatch, written to the log once a minute: those that the alarms use.
//!
//! They are read from the Prometheus registry, in which both the SDK and the worker count.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use telemetry::{Line, Namespace, Unit};
use tracing::warn;

use crate::endpoints::registry;

const EVERY: Duration = Duration::from_secs(60);
/// The metric format allows at most this many values for one metric.
const VALUES_MAX: u64 = 100;

/// Writes the metrics for as long as the process lives.
pub(crate) async fn emit_every_minute(metrics: Namespace, address: SocketAddr) {
    let mut before = Sample::default();
    let mut minute = tokio::time::interval(EVERY);
    loop {
        minute.tick().await;
        match registry(address).await {
            Ok(text) => {
                let now = Sample::read(&text);
                metrics.emit(line(&before, &now));
                before = now;
            }
            Err(error) => warn!("The metrics cannot be read: {error}"),
        }
    }
}

fn line(before: &Sample, now: &Sample) -> Line {
    let mut line = Line::default();
    for (metric, name, label) in [
        ("ChainsStarted", "spillway_chains_total", "event=\"started\""),
        ("ChainsSucceeded", "spillway_chains_total", "event=\"succeeded\""),
        ("ChainsFailed", "spillway_chains_total", "event=\"failed\""),
        ("ChainsRefused", "spillway_chains_total", "event=\"refused\""),
        ("RunsTriggered", "spillway_triggers_total", "how=\"triggered\""),
        ("SweepRecovered", "spillway_sweep_recovered_total", ""),
        ("Sweeps", "spillway_sweeps_total", ""),
        ("HaltsFound", "spillway_sweep_found_total", "what=\"halt\""),
        (
            "OldChainsFound",
            "spillway_sweep_found_total",
            "what=\"old_chain\"",
        ),
        (
            "WaitingRunsFound",
            "spillway_sweep_found_total",
            "what=\"waiting_run\"",
        ),
        ("ScheduleAlarms", "spillway_schedule_alarms_total", ""),
        (
            "SecondSpillway",
            "spillway_schedule_alarms_total",
            "alarm=\"conflict\"",
        ),
        ("AuditFailures", "spillway_audit_failures_total", ""),
        ("NoticesFailed", "spillway_notices_total", "outcome=\"failed\""),
        ("NoticesLate", "spillway_notices_late_total", ""),
        ("WorkflowsFailed", "temporal_workflow_failed_total", ""),
        (
            "WorkflowTasksFailed",
            "temporal_workflow_task_execution_failed_total",
            "",
        ),
        (
            "NondeterminismErrors",
            "temporal_workflow_task_execution_failed_total",
            "failure_reason=\"NonDeterminismError\"",
        ),
    ] {
        let more = (now.sum(name, label) - before.sum(name, label)).max(0.0);
        line = line.metric(metric, Unit::Count, more);
    }
    line = line.metric("Pollers", Unit::Count, now.sum("temporal_num_pollers", ""));
    for (metric, names) in [
        (
            "ScheduleToStartSeconds",
            &[
                "temporal_workflow_task_schedule_to_start_latency",
                "temporal_activity_schedule_to_start_latency",
            ][..],
        ),
        ("WebhookToTriggerSeconds", &[crate::metrics::TO_TRIGGER][..]),
    ] {
        let values: Vec<f64> = names
            .iter()
            .flat_map(|name| values(&before.buckets(name), &now.buckets(name)))
            .collect();
        if !values.is_empty() {
            line = line.metric(metric, Unit::Seconds, values);
        }
    }
    line
}

/// The values of one point in time, by series: the name with its labels.
#[derive(Default)]
struct Sample(BTreeMap<String, f64>);

impl Sample {
    fn read(text: &str) -> Self {
        let series = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            series
                .filter_map(|line| {
                    let (name, value) = line.rsplit_once(' ')?;
                    Some((name.to_owned(), value.parse().ok()?))
                })
                .collect(),
        )
    }

    /// The sum of all series of a name that have a label.
    fn sum(&self, name: &str, label: &str) -> f64 {
        self.of(name)
            .filter(|(labels, _)| labels.contains(label))
            .fold(0.0, |sum, (_, value)| sum + value)
    }

    /// The number of observations up to each bound, over all series of a histogram.
    fn buckets(&self, name: &str) -> Vec<(f64, f64)> {
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        for (labels, value) in self.of(&format!("{name}_bucket")) {
            if let Some((_, rest)) = labels.split_once("le=\"")
                && let Some((bound, _)) = rest.split_once('"')
            {
                *counts.entry(bound.to_owned()).or_default() += value;
            }
        }
        let mut buckets: Vec<(f64, f64)> = counts
            .into_iter()
            .filter_map(|(bound, count)| Some((bound.parse().ok()?, count)))
            .collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        buckets
    }

    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(series, &value)| {
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, value))
        })
    }
}

/// The upper bound of its bucket for each new observation. If there are too many, fewer of each bound in the same
/// proportions. An observation above the last bound counts as that bound.
fn values(before: &[(f64, f64)], now: &[(f64, f64)]) -> Vec<f64> {
    let mut below = 0.0;
    let mut last_bound = 0.0;
    let mut fresh: Vec<(f64, u64)> = Vec::new();
    for (at, &(bound, count)) in now.iter().enumerate() {
        let count_before = before.get(at).map_or(0.0, |&(_, count)| count);
        let up_to_here = (count - count_before).max(0.0);
        if bound.is_finite() {
            last_bound = bound;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count that is not negative"
        )]
        fresh.push((last_bound, (up_to_here - below).max(0.0) as u64));
        below = up_to_here;
    }
    let total: u64 = fresh.iter().map(|(_, count)| count).sum();
    let thinning = total.div_ceil(VALUES_MAX / 2).max(1);
    fresh
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .flat_map(|(bound, count)| {
            std::iter::repeat_n(bound, usize::try_from(count.div_ceil(thinning)).unwrap_or(1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# HELP spillway_chains_total Chains
spillway_chains_total{cause="",event="started"} 3
spillway_chains_total{cause="cycle",event="refused"} 1
spillway_chains_total_more{event="started"} 9
temporal_num_pollers{poller_type="activity_task"} 5
temporal_num_pollers{poller_type="workflow_task"} 2
wait_bucket{queue="a",le="0.1"} 1
wait_bucket{queue="a",le="1"} 3
wait_bucket{queue="a",le="+Inf"} 4
wait_bucket{queue="b",le="0.1"} 1
wait_bucket{queue="b",le="1"} 1
wait_bucket{queue="b",le="+Inf"} 1
"#;

    #[test]
    fn series_of_one_name_are_summed_by_label() {
        let sample = Sample::read(TEXT);
        assert!((sample.sum("spillway_chains_total", "event=\"started\"") - 3.0).abs() < f64::EPSILON);
        assert!((sample.sum("temporal_num_pollers", "") - 7.0).abs() < f64::EPSILON);
        assert!(sample.sum("no_such_name", "").abs() < f64::EPSILON);
    }

    #[test]
    fn a_histogram_becomes_the_buckets_of_new_observations() {
        let buckets = Sample::read(TEXT).buckets("wait");
        assert_eq!(values(&[], &buckets), [0.1, 0.1, 1.0, 1.0, 1.0]);
        assert_eq!(values(&buckets, &buckets), [0.0; 0]);
        let half: Vec<(f64, f64)> = buckets.iter().map(|&(bound, _)| (bound, 1.0)).collect();
        assert_eq!(values(&half, &buckets), [0.1, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn many_values_are_thinned_and_keep_their_proportions() {
        let many = values(&[], &[(0.1, 9_000.0), (1.0, 10_000.0)]);
        assert!(many.len() <= 100, "{}", many.len());
        let low = many.iter().filter(|value| **value < 0.5).count();
        assert_eq!(low * 10, many.len() * 9);
    }
}
