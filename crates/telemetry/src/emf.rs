//! CloudWatch's embedded metric format: metrics in a log line. It needs no API call.
//!
//! Dimensions are small fixed sets of values, since CloudWatch stores, and charges for, a series for each combination:
//! never a stack, a run or a chain.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// The variable that sets CloudWatch's namespace. If it is not set, no metrics are written.
const VARIABLE: &str = "SPILLWAY_METRICS_NAMESPACE";

/// The CloudWatch namespace of a program's metrics, if any.
#[derive(Debug, Clone, Default)]
pub struct Namespace(Option<String>);

/// The unit of a metric.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Count,
    Milliseconds,
    Seconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

impl Namespace {
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self(lookup(VARIABLE).filter(|name| !name.trim().is_empty()))
    }

    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Writes a line of metrics to standard output, if a namespace is set.
    pub fn emit(&self, line: Line) {
        if let Some(namespace) = &self.0 {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let text = line.render(namespace, at.as_millis());
            // A program must not fail because of its metrics.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }
}

/// Metrics of one point in time.
#[derive(Debug, Default)]
pub struct Line {
    fields: Map<String, Value>,
    directives: Vec<(Vec<Vec<String>>, Value)>,
}

impl Line {
    /// Adds a metric without dimensions.
    #[must_use]
    pub fn metric(self, name: &str, unit: Unit, value: impl Into<Value>) -> Self {
        self.metric_by(&[&[]], name, unit, value)
    }

    /// Adds a metric that is kept for each of the sets of dimensions.
    #[must_use]
    pub fn metric_by(mut self, sets: &[&[&str]], name: &str, unit: Unit, value: impl Into<Value>) -> Self {
        let sets = sets
            .iter()
            .map(|set| set.iter().map(|&dimension| dimension.to_owned()).collect())
            .collect();
        let metric = json!({"Name": name, "Unit": unit.name()});
        self.directives.push((sets, metric));
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the value of a dimension.
    #[must_use]
    pub fn dimension(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    fn render(self, namespace: &str, at_ms: u128) -> String {
        let directives: Vec<Value> = self
            .directives
            .into_iter()
            .map(|(sets, metric)| json!({"Namespace": namespace, "Dimensions": sets, "Metrics": [metric]}))
            .collect();
        let at_ms = u64::try_from(at_ms).unwrap_or(u64::MAX);
        let mut fields = self.fields;
        fields.insert(
            "_aws".to_owned(),
            json!({"Timestamp": at_ms, "CloudWatchMetrics": directives}),
        );
        Value::Object(fields).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_line_refers_to_is_on_it() {
        let text = Line::default()
            .dimension("Answer", "accepted")
            .metric_by(&[&["Answer"]], "Deliveries", Unit::Count, 1)
            .metric("LatencyMs", Unit::Milliseconds, 3.5)
            .render("Spillway", 1_700_000_000_000);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_u64);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            assert_eq!(directive["Namespace"], "Spillway");
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number());
            }
            for dimension in directive["Dimensions"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|set| set.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string());
            }
        }
    }
}
