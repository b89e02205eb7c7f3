//! One span, with an id that follows from its trace and its name: a span that is sent twice is still one span.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chain::ChainId;
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use sha2::{Digest, Sha256};

/// The name of the root span of each trace, from which its id follows.
const ROOT: &str = "chain";

/// The trace of a chain. Its id follows from the id of the chain, which names the account and the root's run.
pub(super) fn trace_of(chain: &ChainId) -> TraceId {
    TraceId::from_bytes(hash(&[b"spillway trace", chain.as_str().as_bytes()]))
}

/// The id of a span of a trace.
fn span_id(trace: TraceId, name: &str) -> SpanId {
    SpanId::from_bytes(hash(&[&trace.to_bytes(), name.as_bytes()]))
}

/// The beginning of a SHA-256 hash. The parts cannot be mistaken for each other, since their lengths are hashed too.
fn hash<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    out
}

/// Which span of a trace it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Chain,
    Webhook,
    Stack(&'a str),
    /// A run of a stack.
    Run(&'a str),
    /// One execution of an activity, by the stack or chain and the time when it began.
    Activity(&'a str, i64),
}

impl Part<'_> {
    fn id(self, trace: TraceId) -> SpanId {
        let name = match self {
            Self::Chain => ROOT.to_owned(),
            Self::Webhook => "webhook".to_owned(),
            Self::Stack(stack) => format!("stack:{stack}"),
            Self::Run(run) => format!("run:{run}"),
            Self::Activity(what, at_ms) => format!("activity:{at_ms}:{what}"),
        };
        span_id(trace, &name)
    }
}

/// A span while it is built.
pub(super) struct Span {
    trace: TraceId,
    data: SpanData,
}

impl Span {
    /// A span between two times, in milliseconds since 1970. One that would end before it begins has no duration: the
    /// times may come from different clocks.
    pub(super) fn new(chain: &ChainId, part: Part<'_>, name: String, (from_ms, to_ms): (i64, i64)) -> Self {
        let trace = trace_of(chain);
        let start_time = time(from_ms);
        let data = SpanData {
            span_context: context(trace, part.id(trace)),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time: time(to_ms).max(start_time),
            attributes: vec![KeyValue::new("spillway.chain.id", chain.to_string())],
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("spillway")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        };
        Self { trace, data }
    }

    pub(super) fn parent(mut self, part: Part<'_>) -> Self {
        self.data.parent_span_id = part.id(self.trace);
        self
    }

    pub(super) fn kind(mut self, kind: SpanKind) -> Self {
        self.data.span_kind = kind;
        self
    }

    /// An attribute, if there is a value.
    pub(super) fn with<V: Into<Value>>(mut self, key: &'static str, value: Option<V>) -> Self {
        self.data
            .attributes
            .extend(value.map(|value| KeyValue::new(key, value)));
        self
    }

    /// Marks the span as failed if there is a reason.
    pub(super) fn error(mut self, reason: Option<String>) -> Self {
        if let Some(reason) = reason {
            self.data.status = Status::error(reason);
        }
        self
    }

    /// Links the root span of another chain.
    pub(super) fn link(mut self, chain: Option<&ChainId>) -> Self {
        if let Some(chain) = chain {
            let trace = trace_of(chain);
            let link = Link::with_context(context(trace, Part::Chain.id(trace)));
            self.data.links.links.push(link);
        }
        self
    }

    pub(super) fn data(self) -> SpanData {
        self.data
    }
}

fn context(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

fn time(at_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_the_chain_and_the_part_alone() {
        let chain = ChainId::of_workflow("chain:acme:01ROOT");
        let other = ChainId::of_workflow("chain:acme:01OTHER");
        assert_eq!(trace_of(&chain).to_string(), "857cf36baabd744739412277d0fa6fde");
        assert_ne!(trace_of(&chain), trace_of(&other));
        let trace = trace_of(&chain);
        let ids = [
            Part::Chain.id(trace),
            Part::Webhook.id(trace),
            Part::Stack("a").id(trace),
            Part::Run("a").id(trace),
            Part::Activity("a", 1).id(trace),
            Part::Activity("a", 2).id(trace),
            Part::Chain.id(trace_of(&other)),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(Part::Stack("a").id(trace), Part::Stack("a").id(trace));
    }

    #[test]
    fn a_span_never_ends_before_it_begins() {
        let chain = ChainId::of_workflow("chain:acme:01ROOT");
        let span = Span::new(&chain, Part::Chain, "chain".to_owned(), (2_000, 1_000)).data();
        assert_eq!(span.start_time, span.end_time);
    }
}
