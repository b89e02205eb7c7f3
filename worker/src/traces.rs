//! One OpenTelemetry trace for each chain, off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
//!
//! Spans are sent when what they describe is over, with its true times: a chain may last for days, and be replayed on other
//! workers meanwhile. Nothing waits for the receiver. If it is down or slow, spans are lost and counted.

mod ended;
mod export;
mod span;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use chain::{AttemptOutcome, AttemptRequest, ChainId};
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
use percent_encoding::percent_decode_str;
use temporal_client::contract::ChainReport;

pub(crate) use ended::Times;
use export::Exporter;
use span::{Part, Span};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const DASHBOARD_URL: &str = "SPILLWAY_DASHBOARD_URL";
/// Where a receiver takes traces over HTTP.
const PATH: &str = "/v1/traces";

/// One for the process: workflow code has no other way to reach it.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    exporter: Exporter,
    pages: Pages,
}

/// Where people see more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pages {
    dashboard: Option<String>,
    spacelift: Option<String>,
}

/// Where traces are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// With the path.
    endpoint: String,
    headers: HashMap<String, String>,
    pages: Pages,
}

/// A setting of the traces that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceSettingsError {
    #[error("`{ENDPOINT}` is not an HTTP URL, such as http://localhost:4318")]
    Endpoint,
    #[error("`{HEADERS}` is not of the form name=value,name=value, with special characters as in a URL")]
    Headers,
}

impl TraceSettings {
    /// `None` if no traces are sent. `spacelift` is the URL of the account, for links.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        spacelift: Option<String>,
    ) -> Result<Option<Self>, TraceSettingsError> {
        let set = |name: &str| lookup(name).filter(|text| !text.trim().is_empty());
        let Some(endpoint) = set(ENDPOINT) else {
            return Ok(None);
        };
        let url: reqwest::Url = endpoint
            .trim()
            .parse()
            .map_err(|_| TraceSettingsError::Endpoint)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TraceSettingsError::Endpoint);
        }
        let mut headers = HashMap::new();
        for header in set(HEADERS).unwrap_or_default().split(',').map(str::trim) {
            if !header.is_empty() {
                let (name, value) = header.split_once('=').ok_or(TraceSettingsError::Headers)?;
                let value = percent_decode_str(value.trim()).decode_utf8();
                let value = value.map_err(|_| TraceSettingsError::Headers)?;
                headers.insert(name.trim().to_owned(), value.into_owned());
            }
        }
        Ok(Some(Self {
            endpoint: format!("{}{PATH}", endpoint.trim().trim_end_matches('/')),
            headers,
            pages: Pages {
                dashboard: set(DASHBOARD_URL),
                spacelift,
            },
        }))
    }
}

/// Starts to send traces. In a process that has started already, the first settings count.
pub(crate) fn start(settings: TraceSettings) -> anyhow::Result<()> {
    let exporter = Exporter::start(&settings.endpoint, settings.headers)?;
    let pages = settings.pages;
    TRACES.get_or_init(|| Traces { exporter, pages });
    Ok(())
}

/// Sends what is left, for a short time.
pub(crate) async fn flush(patience: Duration) {
    if let Some(traces) = TRACES.get() {
        traces.exporter.flush(patience).await;
    }
}

/// Builds spans if traces are sent, and hands them over. Never waits.
fn emit(spans: impl FnOnce(&Pages) -> Vec<SpanData>) {
    if let Some(traces) = TRACES.get() {
        traces.exporter.take(spans(&traces.pages));
    }
}

/// A chain is over. Workflow code must not call it in a replay.
pub(crate) fn chain_ended(report: &ChainReport, times: Times) {
    emit(|pages| ended::spans(report, times, pages));
}

/// An attempt at a stack triggered a run, found one, or was refused. It belongs to the trace of each chain that it served.
pub(crate) fn attempted(request: &AttemptRequest, outcome: &AttemptOutcome, times: (i64, i64)) {
    let (chains, run, made, refused): (Vec<&ChainId>, _, _, _) = match outcome {
        AttemptOutcome::Run {
            run, made, chains, ..
        } => (chains.iter().collect(), Some(&run.id), *made, None),
        AttemptOutcome::Refused { message } => {
            let chains = request.needs.iter().map(|need| &need.chain);
            (chains.collect(), None, false, Some(message.clone()))
        }
        // Nothing happened yet: the stack is tried again.
        _ => return,
    };
    let stack = request.stack.as_str();
    emit(|pages| {
        let span = |chain: &&ChainId| {
            let name = format!("trigger {stack}");
            Span::new(chain, Part::Activity(stack, times.0), name, times)
                .parent(Part::Stack(stack))
                .kind(SpanKind::Client)
                .with("spillway.stack.id", Some(stack.to_owned()))
                .with("spillway.run.id", run.map(ToString::to_string))
                .with("spillway.triggered", Some(made))
                .with("url.full", pages.run(&request.stack, run))
                .error(refused.clone())
                .data()
        };
        chains.iter().map(span).collect()
    });
}

/// An activity did something for a chain, such as sending messages.
pub(crate) fn worked(chain: &ChainId, what: &'static str, times: (i64, i64)) {
    emit(|_| {
        let span = Span::new(chain, Part::Activity(what, times.0), what.to_owned(), times);
        vec![span.parent(Part::Chain).kind(SpanKind::Client).data()]
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, TraceSettingsError> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        TraceSettings::from_lookup(lookup, None)
    }

    #[test]
    fn traces_are_off_unless_there_is_an_endpoint() {
        assert_eq!(settings(&[]), Ok(None));
        assert_eq!(settings(&[(ENDPOINT, " ")]), Ok(None));
        let set = settings(&[
            (ENDPOINT, "http://localhost:4318/"),
            (HEADERS, "authorization=Bearer%20x, tenant=a=b"),
        ]);
        let set = set.unwrap().unwrap();
        assert_eq!(set.endpoint, "http://localhost:4318/v1/traces");
        assert_eq!(set.headers["authorization"], "Bearer x");
        assert_eq!(set.headers["tenant"], "a=b");
        for wrong in ["localhost:4318", "ftp://x"] {
            assert_eq!(settings(&[(ENDPOINT, wrong)]), Err(TraceSettingsError::Endpoint));
        }
        let wrong = [(ENDPOINT, "http://localhost:4318"), (HEADERS, "secret")];
        assert_eq!(settings(&wrong), Err(TraceSettingsError::Headers));
    }
}
