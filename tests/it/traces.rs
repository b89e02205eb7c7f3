//! Each chain is one trace, as a receiver of the official protocol sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use chain::ChainResult;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message;

use crate::chain::diamond;
use crate::world::{WAIT_MAX, World, any_port};

/// A receiver that keeps the spans that it took.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Span>>>);

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = tokio::net::TcpListener::bind(any_port()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, format!("http://{address}"))
    }

    /// The spans by name, once there are those that are wanted.
    async fn wait_for(&self, wanted: &[&str]) -> BTreeMap<String, Span> {
        let found = tokio::time::timeout(WAIT_MAX, async {
            loop {
                let spans = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let spans: BTreeMap<String, Span> =
                    spans.into_iter().map(|span| (span.name.clone(), span)).collect();
                if wanted.iter().all(|name| spans.contains_key(*name)) {
                    return spans;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let Ok(spans) = found.await else {
            panic!("{:#?}", self.0.lock().unwrap_or_else(PoisonError::into_inner));
        };
        spans
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(headers["tenant"], "acme");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut kept = receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        assert!(attributes.iter().any(|attribute| attribute.key == "service.name"));
        kept.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    (
        StatusCode::OK,
        ExportTraceServiceResponse::default().encode_to_vec(),
    )
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

#[track_caller]
fn assert_inside(inner: &Span, outer: &Span) {
    assert_eq!(
        inner.parent_span_id, outer.span_id,
        "{} is not part of {}",
        inner.name, outer.name
    );
    assert!(
        outer.start_time_unix_nano <= inner.start_time_unix_nano
            && inner.end_time_unix_nano <= outer.end_time_unix_nano,
        "{inner:#?}\n{outer:#?}"
    );
}

#[tokio::test]
async fn one_chain_is_one_trace_with_its_webhook_stacks_triggers_and_runs() {
    let (receiver, endpoint) = Receiver::start().await;
    let world = World::with_variables(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "tenant=acme"),
        ("SPILLWAY_DASHBOARD_URL", "https://spillway.example.com"),
    ])
    .await;
    diamond(&world);
    world.graph("apps: platform");
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    let stacks = ["database", "cluster", "platform", "apps"];
    let names: Vec<String> = stacks.iter().map(|stack| format!("stack {stack}")).collect();
    let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    wanted.extend([
        "chain network",
        "webhook",
        "trigger database",
        "trigger cluster",
        "run cluster",
    ]);
    let spans = receiver.wait_for(&wanted).await;
    let traces: BTreeSet<&[u8]> = spans.values().map(|span| span.trace_id.as_slice()).collect();
    assert_eq!(traces.len(), 1, "{spans:#?}");
    let ids: BTreeSet<&[u8]> = spans.values().map(|span| span.span_id.as_slice()).collect();
    assert_eq!(ids.len(), spans.len());

    let chain = &spans["chain network"];
    assert!(chain.parent_span_id.is_empty());
    assert_eq!(attribute(chain, "spillway.chain.id"), Some(report.id.as_str()));
    assert_eq!(attribute(chain, "spillway.result"), Some("failed"));
    assert_eq!(
        attribute(chain, "url.full"),
        Some(format!("https://spillway.example.com/chains/{}", report.id).as_str())
    );
    assert_eq!(chain.status.as_ref().unwrap().code(), SpanStatus::Error);
    assert_inside(&spans["webhook"], chain);
    let record = report.record.unwrap();
    for stack in stacks {
        let span = &spans[&format!("stack {stack}")];
        assert_inside(span, chain);
        let progress = record.stack(&stack.parse().unwrap()).unwrap();
        assert_eq!(
            attribute(span, "spillway.state"),
            Some(progress.state.to_string().as_str())
        );
        let ended_ms = u64::try_from(progress.finished_at_ms.unwrap()).unwrap();
        assert_eq!(span.end_time_unix_nano, ended_ms * 1_000_000);
        let Some(run) = &progress.run else {
            assert!(!spans.contains_key(&format!("run {stack}")));
            continue;
        };
        let (trigger, of_run) = (
            &spans[&format!("trigger {stack}")],
            &spans[&format!("run {stack}")],
        );
        assert_eq!(trigger.parent_span_id, span.span_id);
        assert!(trigger.start_time_unix_nano < trigger.end_time_unix_nano);
        assert!(trigger.start_time_unix_nano >= span.start_time_unix_nano);
        assert_inside(of_run, span);
        for shown in [trigger, of_run] {
            assert_eq!(attribute(shown, "spillway.run.id"), Some(run.as_str()));
            assert!(
                attribute(shown, "url.full")
                    .unwrap()
                    .ends_with(&format!("/run/{run}"))
            );
        }
    }
    assert_eq!(
        spans["stack database"].status.as_ref().unwrap().code(),
        SpanStatus::Error
    );
    // A stack begins when what it waits for is over.
    for (before, after) in [("database", "platform"), ("platform", "apps")] {
        let end = spans[&format!("stack {before}")].end_time_unix_nano;
        assert!(end <= spans[&format!("stack {after}")].start_time_unix_nano);
    }
    let activities = ["send messages", "write audit log"];
    for span in activities.iter().filter_map(|name| spans.get(*name)) {
        assert_eq!(span.parent_span_id, chain.span_id);
    }
    assert!(spans.contains_key("write audit log"));
}

#[tokio::test]
async fn a_receiver_that_never_answers_delays_no_chain_and_loses_only_spans() {
    // It takes connections, and says nothing.
    let silent = tokio::net::TcpListener::bind(any_port()).await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let world = World::with_variables(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    // The exporter gives up after ten seconds, long after the chain.
    world.wait_for_metric("spillway_spans_lost_total").await;
}
