//! Sends spans in the background, and loses some rather than let anything wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::warn;

use crate::metrics;

/// How many spans may wait to be sent: some megabytes. More are lost.
const WAITING_MAX: usize = 20_000;
/// How many spans one request carries. Receivers limit the size of a request.
const BATCH: usize = 500;
/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A loss is logged at most once in this time.
const LOG_EVERY: Duration = Duration::from_secs(60);

enum Item {
    Spans(Vec<SpanData>),
    /// Everything before this was sent or lost.
    Flush(oneshot::Sender<()>),
}

/// Hands spans to the task that sends them.
pub(super) struct Exporter {
    items: mpsc::UnboundedSender<Item>,
    /// How many spans wait. It limits the channel.
    waiting: Arc<AtomicUsize>,
    /// How many spans were dropped because too many waited.
    dropped: Arc<AtomicUsize>,
}

impl Exporter {
    /// `endpoint` is the URL that takes traces in the binary form of the protocol.
    pub(super) fn start(endpoint: &str, headers: HashMap<String, String>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .context("no HTTP client can be made for the traces")?;
        let mut sender = SpanExporter::builder()
            .with_http()
            .with_http_client(http)
            .with_headers(headers)
            .with_endpoint(endpoint)
            .with_timeout(TIMEOUT)
            .build()
            .context("the traces cannot be sent")?;
        sender.set_resource(&Resource::builder().with_service_name("spillway").build());
        let (items, received) = mpsc::unbounded_channel();
        let exporter = Self {
            items,
            waiting: Arc::default(),
            dropped: Arc::default(),
        };
        let losses = Losses {
            dropped: Arc::clone(&exporter.dropped),
            refused: 0,
            error: None,
            logged_at: None,
        };
        tokio::spawn(send(received, sender, Arc::clone(&exporter.waiting), losses));
        Ok(exporter)
    }

    /// Takes spans, unless too many wait already.
    pub(super) fn take(&self, spans: Vec<SpanData>) {
        let count = spans.len();
        let before = self.waiting.fetch_add(count, Ordering::Relaxed);
        if before + count > WAITING_MAX || self.items.send(Item::Spans(spans)).is_err() {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            self.dropped.fetch_add(count, Ordering::Relaxed);
            metrics::spans_lost(count);
        }
    }

    /// Waits until everything was sent, but no longer than this.
    pub(super) async fn flush(&self, patience: Duration) {
        let (done, flushed) = oneshot::channel();
        if self.items.send(Item::Flush(done)).is_ok() {
            // What is not sent in time is lost with the process.
            let _ = tokio::time::timeout(patience, flushed).await;
        }
    }
}

async fn send(
    mut items: mpsc::UnboundedReceiver<Item>,
    sender: SpanExporter,
    waiting: Arc<AtomicUsize>,
    mut losses: Losses,
) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Spans(spans) => {
                let mut spans = spans.into_iter().peekable();
                while spans.peek().is_some() {
                    let batch: Vec<SpanData> = spans.by_ref().take(BATCH).collect();
                    let count = batch.len();
                    if let Err(error) = sender.export(batch).await {
                        metrics::spans_lost(count);
                        losses.refused += count;
                        losses.error = Some(error.to_string());
                    }
                    waiting.fetch_sub(count, Ordering::Relaxed);
                    losses.log(false);
                }
            }
            Item::Flush(done) => {
                losses.log(true);
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        }
    }
}

/// What was lost since the last line of the log.
struct Losses {
    dropped: Arc<AtomicUsize>,
    refused: usize,
    error: Option<String>,
    logged_at: Option<Instant>,
}

impl Losses {
    fn log(&mut self, now: bool) {
        let is_recent = self.logged_at.is_some_and(|at| at.elapsed() < LOG_EVERY);
        if is_recent && !now {
            return;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let refused = std::mem::take(&mut self.refused);
        if dropped + refused == 0 {
            return;
        }
        let error = self.error.take().unwrap_or_else(|| "it is too slow".to_owned());
        self.logged_at = Some(Instant::now());
        warn!(
            spans.refused = refused,
            spans.dropped = dropped,
            "The receiver of traces did not take {} spans, which are lost: {error}",
            refused + dropped
        );
    }
}
