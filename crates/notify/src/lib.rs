#![doc = include_str!("../README.md")]

mod config;
mod error;
mod filter;
mod message;
mod run_message;
mod runs;
mod sink;

use std::collections::BTreeMap;

use chain::Notice;
use chain::notice::{Delivery, Due, News, due};
use futures::future::join_all;

pub use config::{ConfigError, sink_kinds};
pub use error::SinkError;
pub use message::Links;
pub use runs::RunRound;

use filter::Filter;
use message::Message;
use sink::Kind;

/// The sinks of messages about chains.
#[derive(Debug)]
pub struct Notifier {
    sinks: Vec<Sink>,
    links: Links,
}

#[derive(Debug)]
struct Sink {
    name: String,
    filter: Filter,
    rules: chain::notice::Rules,
    kind: Kind,
}

/// The result of one round of deliveries.
#[derive(Debug, Default)]
pub struct Round {
    pub attempts: Vec<Attempt>,
    /// When the next round is due, unless the chain changes before.
    pub next_at_ms: Option<i64>,
}

/// One attempt to deliver a message to a sink.
#[derive(Debug)]
pub struct Attempt {
    pub sink: String,
    /// Such as `slack`.
    pub kind: &'static str,
    pub result: Result<(), SinkError>,
    /// The sink has failed for so long that people may miss something.
    pub is_late: bool,
}

impl Notifier {
    /// Whether there are no sinks.
    pub fn is_empty(&self) -> bool {
        self.sinks.is_empty()
    }

    /// Whether any sink gets messages about chains. The others get only what labels send them.
    pub fn has_chain_sinks(&self) -> bool {
        self.sinks.iter().any(|sink| sink.filter.chains)
    }

    /// The names of the sinks with their kinds, in the order of the names.
    pub fn sinks(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.sinks
            .iter()
            .map(|sink| (sink.name.as_str(), sink.kind.name()))
    }

    /// Brings every sink up to date with a notice, each on its own. `deliveries` is what earlier rounds did.
    pub async fn deliver(
        &self,
        notice: &Notice,
        deliveries: &mut BTreeMap<String, Delivery>,
        now_ms: i64,
    ) -> Round {
        let mut round = Round::default();
        let mut sending = Vec::new();
        for delivery in deliveries.values_mut() {
            delivery.forget_past_alerts(notice);
        }
        for sink in self.sinks.iter().filter(|sink| sink.filter.wants(notice)) {
            let delivery = deliveries.get(&sink.name).cloned().unwrap_or_default();
            match due(sink.kind.pace(), &sink.rules, notice, &delivery, now_ms) {
                Due::Nothing => {}
                Due::At(at_ms) => round.wait_until(at_ms),
                Due::Now(news) => sending.push(async move {
                    let message = Message::new(notice, &self.links, now_ms);
                    let sent = sink.kind.send(&message, &delivery, &news, &sink.name).await;
                    (sink, delivery, news, sent)
                }),
            }
        }
        for (sink, mut delivery, news, sent) in join_all(sending).await {
            delivery.handle = sent.handle.or(delivery.handle);
            let result = match sent.result {
                Ok(()) => {
                    delivery.delivered(notice, news, now_ms);
                    Ok(())
                }
                Err(error) if error.is_final() => {
                    delivery.give_up();
                    Err(error)
                }
                Err(error) => {
                    delivery.failed(error.to_string(), error.retry_after_ms(), now_ms);
                    if let Some(at_ms) = delivery.not_before_ms {
                        round.wait_until(at_ms);
                    }
                    Err(error)
                }
            };
            round.attempts.push(Attempt {
                sink: sink.name.clone(),
                kind: sink.kind.name(),
                result,
                is_late: delivery.is_late(now_ms),
            });
            deliveries.insert(sink.name.clone(), delivery);
        }
        round
    }

    /// Sends a notice to one sink, whatever its rules say. `None` if there is no such sink.
    pub async fn send_to(&self, name: &str, notice: &Notice, now_ms: i64) -> Option<Result<(), SinkError>> {
        let sink = self.sink(name)?;
        let message = Message::new(notice, &self.links, now_ms);
        let delivery = Delivery::default();
        let news = News::of(notice, &delivery);
        let sent = sink.kind.send(&message, &delivery, &news, &sink.name).await;
        Some(sent.result)
    }

    /// Asks every sink whether it answers, and sends no message: the names with their kinds, and what each answered.
    pub async fn probe(&self) -> Vec<(&str, &'static str, Result<String, SinkError>)> {
        let probes = self.sinks.iter().map(async |sink| {
            let answered = sink.kind.probe().await;
            (sink.name.as_str(), sink.kind.name(), answered)
        });
        join_all(probes).await
    }

    /// What each sink would be sent for a notice.
    pub fn preview(&self, notice: &Notice, now_ms: i64) -> Vec<(&str, &'static str, String)> {
        let message = Message::new(notice, &self.links, now_ms);
        self.sinks
            .iter()
            .map(|sink| {
                (
                    sink.name.as_str(),
                    sink.kind.name(),
                    sink.kind.preview(&message, &sink.name),
                )
            })
            .collect()
    }
}

impl Round {
    fn wait_until(&mut self, at_ms: i64) {
        self.next_at_ms = Some(self.next_at_ms.map_or(at_ms, |earlier| earlier.min(at_ms)));
    }
}
