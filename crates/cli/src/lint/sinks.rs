//! Labels that send messages, and the sinks that they need.

use std::collections::BTreeMap;
use std::fmt;

use chain::binding::{SlackLabel, named_sinks};
use chain::{Severity, StackId};
use spacelift::Stack;

use crate::failure::similar;

/// The kind of sink that posts to any channel.
const SLACK: &str = "slack";

/// The names and kinds of the sinks that are set here. `None` if none are set here.
pub(super) type Sinks = Option<BTreeMap<String, String>>;

/// A label that sends no message, or fewer than it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SinkProblem {
    /// It names a sink that does not exist.
    Unknown {
        stack: StackId,
        sink: String,
        meant: Option<String>,
    },
    /// Labels name sinks, and no sinks are set here.
    NotSet { stacks: Vec<StackId> },
    /// It names a channel, and there is no Slack bot.
    NoSlack { stack: StackId, label: String },
    /// It names states for which Spillway sends no message.
    Silent {
        stack: StackId,
        label: String,
        states: Vec<String>,
    },
}

impl SinkProblem {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Unknown { .. } => Severity::Error,
            Self::NotSet { .. } | Self::NoSlack { .. } | Self::Silent { .. } => Severity::Warning,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_sink",
            Self::NotSet { .. } => "sinks_not_set",
            Self::NoSlack { .. } => "no_slack_sink",
            Self::Silent { .. } => "silent_state",
        }
    }

    pub(super) fn stacks(&self) -> &[StackId] {
        match self {
            Self::Unknown { stack, .. } | Self::NoSlack { stack, .. } | Self::Silent { stack, .. } => {
                std::slice::from_ref(stack)
            }
            Self::NotSet { stacks } => stacks,
        }
    }
}

impl fmt::Display for SinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { stack, sink, meant } => {
                write!(
                    f,
                    "`{stack}`: a label names the sink `{sink}`, which does not exist"
                )?;
                meant
                    .as_ref()
                    .map_or(Ok(()), |meant| write!(f, "; did you mean `{meant}`?"))
            }
            Self::NotSet { stacks } => write!(
                f,
                "labels of {} {} name sinks, and no sinks are set here; set SPILLWAY_SINKS_FILE as for the worker to check them",
                stacks.len(),
                if stacks.len() == 1 { "stack" } else { "stacks" }
            ),
            Self::NoSlack { stack, label } => write!(
                f,
                "`{stack}`: the label `{label}` sends nothing: there is no sink of the kind `slack`"
            ),
            Self::Silent { stack, label, states } => write!(
                f,
                "`{stack}`: the label `{label}` names {}: messages are sent when a run ends or waits for a person",
                states.join(", ")
            ),
        }
    }
}

pub(super) fn problems(stacks: &[Stack], sinks: &Sinks) -> Vec<SinkProblem> {
    let Some(sinks) = sinks else {
        let names = |stack: &&Stack| !named_sinks(&stack.labels).is_empty();
        let stacks: Vec<StackId> = stacks
            .iter()
            .filter(names)
            .map(|stack| stack.id.clone())
            .collect();
        return if stacks.is_empty() {
            Vec::new()
        } else {
            vec![SinkProblem::NotSet { stacks }]
        };
    };
    let has_slack = sinks.values().any(|kind| kind == SLACK);
    stacks
        .iter()
        .flat_map(|stack| {
            let named = named_sinks(&stack.labels).into_iter();
            let unknown = named.filter(|sink| !sinks.contains_key(*sink));
            let unknown = unknown.map(|sink| SinkProblem::Unknown {
                stack: stack.id.clone(),
                sink: sink.to_owned(),
                meant: similar(sink, sinks.keys().map(String::as_str)).map(str::to_owned),
            });
            let slack = stack
                .labels
                .iter()
                .filter_map(|label| slack_problem(&stack.id, label, has_slack));
            unknown.chain(slack).collect::<Vec<_>>()
        })
        .collect()
}

fn slack_problem(stack: &StackId, label: &str, has_slack: bool) -> Option<SinkProblem> {
    let parsed = SlackLabel::parse(label)?;
    let (stack, label) = (stack.clone(), label.to_owned());
    if !has_slack {
        return Some(SinkProblem::NoSlack { stack, label });
    }
    let states: Vec<String> = parsed.silent_states().map(ToString::to_string).collect();
    (!states.is_empty()).then_some(SinkProblem::Silent { stack, label, states })
}
