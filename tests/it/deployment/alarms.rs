//! Every alarm links to instructions, notifies somebody, and uses a metric that is emitted.

mod metric_math;

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::{Filled, REGION, load, resources, text};
use super::{read, sources};

const TEMPLATE: &str = "infra/alarms.yaml";
/// Metrics that no alarm uses and the dashboard does not show, with the reasons.
const NOT_SHOWN: [(&str, &str); 1] = [(
    "AuthenticDeliveries",
    "the alarm no-deliveries is about their absence",
)];

fn filled() -> Filled {
    let given = [
        ("Name", "spillway"),
        ("HasWorker", "true"),
        ("HasDashboard", "true"),
        ("HasUpkeep", "true"),
        ("MetricsNamespace", "Spillway/spillway"),
        ("LatencyLimitMs", "1000"),
    ];
    Filled::new(TEMPLATE, given.map(|(name, value)| (name, value.to_owned())))
}

fn alarms() -> Vec<(String, Value)> {
    let template = load(TEMPLATE);
    let filled = filled();
    let names = resources(&template, "AWS::CloudWatch::Alarm");
    let alarms: Vec<_> = names
        .map(|(name, _)| (name.to_owned(), filled.resource(name)))
        .collect();
    assert!(alarms.len() > 15, "{}", alarms.len());
    alarms
}

#[test]
fn alarms_and_sections_of_the_runbook_match() {
    let readme = read("infra/README.md");
    let (_, runbook) = readme.split_once("\n## Runbook\n").unwrap();
    let sections: BTreeSet<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let mut linked = BTreeSet::new();
    for (alarm, properties) in alarms() {
        let description = text(&properties["AlarmDescription"]);
        let (_, section) = description
            .rsplit_once("RunbookUrl#")
            .unwrap_or_else(|| panic!("{alarm}"));
        assert_eq!(
            text(&properties["AlarmName"]),
            format!("spillway-{section}"),
            "{alarm}"
        );
        linked.insert(section.to_owned());
    }
    assert_eq!(linked, sections.into_iter().map(str::to_owned).collect());
}

/// The alarm names `#section` of the document that the parameter names, which is this file.
#[test]
fn every_link_of_the_operators_guide_has_a_target() {
    let readme = read("infra/README.md");
    let anchors: BTreeSet<String> = readme
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches(['#', ' ']).to_lowercase())
        .map(|title| {
            let kept = title
                .chars()
                .filter(|&it| it.is_alphanumeric() || " -_".contains(it));
            kept.map(|it| if it == ' ' { '-' } else { it }).collect()
        })
        .collect();
    let links = readme
        .split("](#")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    for link in links {
        assert!(anchors.contains(link), "#{link}");
    }
}

#[test]
fn every_alarm_notifies_the_topic_when_it_begins_and_ends() {
    for (alarm, properties) in alarms() {
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(
                properties[actions],
                serde_json::json!(["NotificationsArn"]),
                "{alarm}"
            );
        }
        assert_ne!(properties["ActionsEnabled"], false, "{alarm}");
    }
}

/// The metrics of our namespace that alarms use.
fn watched() -> BTreeSet<String> {
    let mut watched = BTreeSet::new();
    for (_, alarm) in alarms() {
        let of_its_own = std::slice::from_ref(&alarm);
        let metrics = alarm["Metrics"].as_array().map_or(of_its_own, Vec::as_slice);
        for metric in metrics {
            let metric = metric.pointer("/MetricStat/Metric").unwrap_or(metric);
            if metric["Namespace"] == "Spillway/spillway" {
                assert!(metric.get("Dimensions").is_none(), "{metric}");
                watched.insert(text(&metric["MetricName"]));
            }
        }
    }
    watched
}

/// The metrics of our namespace that the dashboard shows.
fn shown() -> BTreeSet<String> {
    let body = text(&filled().resource("Dashboard")["DashboardBody"]);
    let board: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let mut shown = BTreeSet::new();
    for widget in board["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            assert_eq!(widget["properties"]["region"], REGION);
            if metric[0] == "Spillway/spillway" {
                assert!(!metric[2].is_string(), "{metric} has no dimensions");
                shown.insert(text(&metric[1]));
            } else if let Some(search) = metric[0]["expression"].as_str() {
                assert!(search.contains("{Spillway/spillway,Answer}"), "{search}");
                let (_, name) = search.split_once("MetricName=\"").unwrap();
                shown.insert(name.split('"').next().unwrap().to_owned());
            }
        }
    }
    shown
}

/// The metrics that the programs emit. Those of the worker are in a table, as literals of this form.
fn emitted() -> BTreeSet<String> {
    let mut emitted = BTreeSet::new();
    for package in ["webhook", "redeliver", "dashboard-function", "upkeep"] {
        let text = sources::of(package);
        for call in text.replace(".metric_by(", ".metric(").split(".metric(").skip(1) {
            let arguments = call.split("Unit::").next().unwrap();
            if let Some(name) = sources::literals(arguments, char::is_alphanumeric).last() {
                emitted.insert((*name).to_owned());
            }
        }
    }
    let worker = read("worker/src/cloudwatch.rs");
    let worker = worker
        .split("fn line(")
        .nth(1)
        .unwrap()
        .split("\n}\n")
        .next()
        .unwrap();
    let is_metric = |name: &&str| name.starts_with(char::is_uppercase);
    emitted.extend(
        sources::literals(worker, char::is_alphanumeric)
            .into_iter()
            .filter(is_metric)
            .map(str::to_owned),
    );
    emitted
}

#[test]
fn every_metric_of_the_worker_is_documented() {
    let source = read("worker/src/metrics.rs");
    let names = sources::literals(&source, |character| {
        character.is_ascii_lowercase() || character == '_'
    });
    let names: Vec<&str> = names
        .into_iter()
        .filter(|name| name.starts_with("spillway_"))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let page = read("docs/metrics.md");
    for name in names {
        let is_histogram = name.ends_with("_seconds");
        let row = if is_histogram {
            format!("| `{name}` |")
        } else {
            format!("| `{name}_total` |")
        };
        assert!(page.contains(&row), "docs/metrics.md has no row for {name}");
    }
}

#[test]
fn emitted_metrics_and_those_on_the_dashboard_and_in_alarms_match() {
    let (watched, shown, mut emitted) = (watched(), shown(), emitted());
    for (_, filter) in resources(&load(TEMPLATE), "AWS::Logs::MetricFilter") {
        for metric in filter["MetricTransformations"].as_array().unwrap() {
            emitted.insert(text(&metric["MetricName"]));
        }
    }
    for name in watched.union(&shown) {
        assert!(emitted.contains(name), "{name} is not emitted");
    }
    for name in &emitted {
        let excepted = NOT_SHOWN.iter().any(|(excepted, _)| excepted == name);
        assert!(
            shown.contains(name) != excepted,
            "{name} is shown nowhere, or in spite of what is said here"
        );
    }
    for (name, reason) in NOT_SHOWN {
        assert!(watched.contains(name), "{name}: {reason}");
    }
}

#[test]
fn the_dashboard_begins_with_every_alarm() {
    let body = text(&filled().resource("Dashboard")["DashboardBody"]);
    let board: Value = serde_json::from_str(&body).unwrap();
    let shown = board["widgets"][0]["properties"]["alarms"]
        .as_array()
        .unwrap()
        .iter();
    let shown: BTreeSet<String> = shown.map(text).collect();
    let alarms = alarms().into_iter().map(|(name, _)| format!("{name}.Arn"));
    assert_eq!(shown, alarms.collect());
}

/// The sum of a metric in one period. The metric is named by the value of its dimension, which is empty for our own, and
/// by its name.
type Sum = (&'static str, &'static str, f64);

/// Whether an alarm goes off for the sums of one period.
fn goes_off(alarm: &str, sums: &[Sum]) -> bool {
    let alarm = filled().resource(alarm);
    let value = metric_math::result(&alarm["Metrics"], |metric| {
        let dimension = metric.pointer("/Dimensions/0/Value").map(text);
        let known = sums.iter().find(|(of, name, _)| {
            *of == dimension.as_deref().unwrap_or_default() && metric["MetricName"] == *name
        });
        known.map(|(_, _, sum)| *sum)
    });
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    value.is_some_and(|value| value > text(&alarm["Threshold"]).parse().unwrap())
}

/// API Gateway answers 5xx for an invocation that Lambda throttles.
#[test]
fn only_failures_that_are_not_throttling_raise_webhook_errors() {
    let http = |sum| ("ApiId", "5xx", sum);
    let rest = |sum| ("AllowListApiName", "5XXError", sum);
    let throttled = |sum| ("WebhookName", "Throttles", sum);
    let crashed = ("WebhookName", "Errors", 1.0);
    // The pages of the dashboard use the same API, and have an alarm of their own.
    let pages = |sum| ("", "DashboardFailures", sum);
    let cases: [(&[Sum], bool); 12] = [
        (&[], false),
        (&[http(1.0)], true),
        (&[rest(1.0)], true),
        (&[crashed], true),
        (&[http(500.0), throttled(500.0)], false),
        (&[rest(500.0), throttled(500.0)], false),
        // Some were counted as throttled in the minute before.
        (&[http(500.0), throttled(480.0)], false),
        (&[http(600.0), throttled(500.0)], true),
        (&[http(500.0), throttled(500.0), crashed], true),
        (&[http(50.0), ("DashboardName", "Throttles", 50.0)], false),
        (&[http(2.0), pages(2.0)], false),
        (&[http(3.0), pages(2.0)], true),
    ];
    for (sums, expected) in cases {
        assert_eq!(goes_off("WebhookErrors", sums), expected, "{sums:?}");
    }
}

#[test]
fn throttling_by_function_and_both_apis_raises_webhook_throttles_once_the_sweep_finds_runs() {
    let recovered = ("", "SweepRecovered", 1.0);
    for throttled in [
        ("WebhookName", "Throttles", 9.0),
        ("", "ThrottledRequests", 9.0),
        ("AllowListApiName", "4XXError", 9.0),
    ] {
        assert!(!goes_off("WebhookThrottles", &[throttled]), "{throttled:?}");
        assert!(
            goes_off("WebhookThrottles", &[throttled, recovered]),
            "{throttled:?}"
        );
    }
    assert!(!goes_off("WebhookThrottles", &[recovered]));
}

/// Anyone can have WAF block requests.
#[test]
fn requests_that_waf_blocked_do_not_raise_webhook_throttles() {
    let recovered = ("", "SweepRecovered", 1.0);
    for (answered, blocked, expected) in [
        (500.0, 500.0, false),
        // Some were counted in the period before.
        (500.0, 480.0, false),
        (600.0, 500.0, true),
        (9.0, 0.0, true),
    ] {
        let sums = [
            ("AllowListApiName", "4XXError", answered),
            ("spillway-blocked", "BlockedRequests", blocked),
            recovered,
        ];
        assert_eq!(goes_off("WebhookThrottles", &sums), expected, "{sums:?}");
    }
}

#[test]
fn the_latency_of_both_apis_raises_webhook_latency() {
    let (http, rest) = ("ApiId", "AllowListApiName");
    for (sums, expected) in [
        (vec![], false),
        (vec![(http, "Latency", 900.0), (rest, "Latency", 900.0)], false),
        (vec![(http, "Latency", 1100.0), (rest, "Latency", 900.0)], true),
        (vec![(rest, "Latency", 1100.0)], true),
    ] {
        assert_eq!(goes_off("WebhookLatency", &sums), expected, "{sums:?}");
    }
}

/// AWS charges for each metric of an alarm.
#[test]
fn the_table_of_costs_counts_the_metrics_of_the_alarms() {
    let template = load(TEMPLATE);
    let is_counted = |name: &str| {
        let condition = &template["Resources"][name]["Condition"];
        condition.is_null() || condition == "WatchesWorker"
    };
    let counted = alarms().into_iter().filter(|(name, _)| is_counted(name));
    let metrics: usize = counted
        .map(|(_, alarm)| {
            let metrics = alarm["Metrics"].as_array();
            let metrics = metrics.map(|all| all.iter().filter(|one| one.get("MetricStat").is_some()));
            metrics.map_or(1, Iterator::count)
        })
        .sum();
    let counted = format!("| alarms ({metrics} metrics), ");
    assert!(read("infra/README.md").contains(&counted), "{counted}");
}
