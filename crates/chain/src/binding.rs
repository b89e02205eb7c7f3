//! Which labels of a stack send a message after a run: `spillway:on-completed=<sink>`, `spillway:on-failed=<sink>` and
//! `slack:<channel>:<state>,<state>`.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RunState;
use crate::attempt::waits_for_person;
use crate::policy::PREFIX;

/// The keys of the labels that name a sink.
pub(crate) const ON_COMPLETED: &str = "on-completed";
pub(crate) const ON_FAILED: &str = "on-failed";

/// The prefix of the labels that name a channel. Another receiver of Spacelift's webhooks introduced them.
const SLACK: &str = "slack";

/// Where a message about a run is sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Target {
    /// The sink of this name.
    Sink { sink: String },
    /// This channel, by the Slack sink.
    SlackChannel { channel: String },
    /// The pull requests of the commit, by this GitHub sink.
    PullRequest { sink: String },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink { sink } | Self::PullRequest { sink } => f.write_str(sink),
            Self::SlackChannel { channel } => write!(f, "{channel} in Slack"),
        }
    }
}

/// Where the labels of a stack send a message about a run that came into this state.
pub fn targets(labels: &[String], state: &RunState) -> BTreeSet<Target> {
    let sinks = bindings(labels).filter(|(key, _)| match *key {
        ON_COMPLETED => state.succeeded(),
        _ => state.is_terminal() && !state.succeeded() && *state != RunState::Skipped,
    });
    let sinks = sinks.map(|(_, sink)| Target::Sink {
        sink: sink.to_owned(),
    });
    let channels = labels.iter().filter_map(|label| SlackLabel::parse(label));
    let channels = channels
        .filter(|label| label.states.contains(state))
        .map(|label| Target::SlackChannel {
            channel: label.channel.to_owned(),
        });
    sinks.chain(channels).collect()
}

/// The sinks that the labels of a stack name.
pub fn named_sinks(labels: &[String]) -> BTreeSet<&str> {
    bindings(labels).map(|(_, sink)| sink).collect()
}

/// The keys and sinks of the labels that bind a sink to a stack.
fn bindings(labels: &[String]) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().filter_map(|label| {
        let (key, sink) = label.trim().strip_prefix(PREFIX)?.split_once('=')?;
        let (key, sink) = (key.trim(), sink.trim());
        (matches!(key, ON_COMPLETED | ON_FAILED) && is_name(sink)).then_some((key, sink))
    })
}

/// Whether a text can be the name of a sink.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// `slack:<channel>`, or `slack:<channel>:<state>,<state>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackLabel<'a> {
    /// Such as `#infra`, or an id.
    pub channel: &'a str,
    pub states: Vec<RunState>,
}

impl<'a> SlackLabel<'a> {
    /// `None` if it is another label. Without states, it means failures.
    pub fn parse(label: &'a str) -> Option<Self> {
        let mut parts = label.split(':').map(str::trim);
        if parts.next() != Some(SLACK) {
            return None;
        }
        let channel = parts.next().filter(|channel| is_name(channel))?;
        let states = parts.next().filter(|states| !states.is_empty());
        let states = states.map_or_else(
            || vec![RunState::Failed],
            |states| states.split(',').map(state).collect(),
        );
        Some(Self { channel, states })
    }

    /// The states for which no message is sent: Spillway looks at a run when it ends or waits for a person.
    pub fn silent_states(&self) -> impl Iterator<Item = &RunState> {
        let sends_notice = |state: &RunState| state.is_terminal() || waits_for_person(state).is_some();
        self.states.iter().filter(move |state| !sends_notice(state))
    }
}

/// In any case, and `failure` also for FAILED, which is how that receiver's documentation writes it.
fn state(text: &str) -> RunState {
    match text.trim().to_uppercase().as_str() {
        "FAILURE" => RunState::Failed,
        other => RunState::from(other),
    }
}
