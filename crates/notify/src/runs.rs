//! Delivers messages about runs.

use chain::binding::Target;
use chain::notice::RunMessage;
use futures::future::join_all;

use crate::error::SinkError;
use crate::run_message::RunText;
use crate::sink::Kind;
use crate::{Attempt, Notifier, Round, Sink};

/// The result of one round of messages about runs.
#[derive(Debug, Default)]
pub struct RunRound {
    /// Messages that were not delivered yet.
    pub left: Vec<RunMessage>,
    pub round: Round,
}

impl Notifier {
    /// Sends every message that is due, each on its own.
    pub async fn deliver_runs(&self, messages: Vec<RunMessage>, now_ms: i64) -> RunRound {
        let mut result = RunRound::default();
        let mut sending = Vec::new();
        for message in messages {
            match message.delivery.not_before_ms {
                Some(at_ms) if at_ms > now_ms => {
                    result.round.wait_until(at_ms);
                    result.left.push(message);
                }
                _ => sending.push(async {
                    let sent = self.send_run(&message).await;
                    (message, sent)
                }),
            }
        }
        for (mut message, (kind, sent)) in join_all(sending).await {
            let name = message.target.to_string();
            if let Err(error) = &sent {
                let (text, pause_ms) = (error.to_string(), error.retry_after_ms());
                message.delivery.failed(text, pause_ms, now_ms);
            }
            let is_late = message.delivery.is_late(now_ms);
            if sent.as_ref().is_err_and(|error| !error.is_final()) {
                if let Some(at_ms) = message.delivery.not_before_ms {
                    result.round.wait_until(at_ms);
                }
                result.left.push(message);
            }
            result.round.attempts.push(Attempt {
                sink: name,
                kind,
                is_late: is_late && sent.is_err(),
                result: sent,
            });
        }
        result
    }

    async fn send_run(&self, message: &RunMessage) -> (&'static str, Result<(), SinkError>) {
        let (sink, channel) = match &message.target {
            Target::Sink { sink } => (self.sink(sink), None),
            Target::SlackChannel { channel } => (self.slack(), Some(channel.as_str())),
            Target::PullRequest { sink } => {
                return match self.sink(sink).map(|sink| &sink.kind) {
                    Some(Kind::GitHub(github)) => ("github", github.comment(&message.notice).await),
                    _ => ("none", Err(SinkError::NoSuchSink)),
                };
            }
        };
        let Some(sink) = sink else {
            return ("none", Err(SinkError::NoSuchSink));
        };
        let text = RunText::new(&message.notice, &self.links);
        let sent = sink.kind.send_run(&text, channel, &sink.name).await;
        (sink.kind.name(), sent)
    }

    pub(crate) fn sink(&self, name: &str) -> Option<&Sink> {
        self.sinks.iter().find(|sink| sink.name == name)
    }

    /// The sinks that comment on pull requests.
    pub fn pull_request_sinks(&self) -> impl Iterator<Item = &str> {
        let comments = |sink: &&Sink| matches!(&sink.kind, Kind::GitHub(github) if github.pull_requests);
        self.sinks.iter().filter(comments).map(|sink| sink.name.as_str())
    }

    /// The first Slack bot, by name: labels name only a channel.
    fn slack(&self) -> Option<&Sink> {
        self.sinks.iter().find(|sink| matches!(sink.kind, Kind::Slack(_)))
    }
}
