//! `spillway webhook replay`: records the events that wait in a queue.

use audit::{Action, Entry, Record, Store};
use chain::AccountName;
use chain::event::{self, Delivery};
use clap::Args;
use queue::{Message, Queue, Received};
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::contract::{self, ReceivedEvent, Source};
use temporal_client::{Recorded, WorkflowClient, clock};

use crate::actor::Actor;
use crate::apply::Apply;
use crate::command::{Done, block_on, spacelift};
use crate::exit::Exit;
use crate::json::{Shape, Time};
use crate::output::{self, Output};
use crate::progress::during;
use crate::table::Table;
use crate::temporal;
use crate::time::shown;

const EXAMPLES: &str = "Examples:
  spillway webhook replay --queue https://sqs.eu-west-1.amazonaws.com/123456789012/spillway-dead-letters
  spillway webhook replay --queue $DEAD_LETTERS --apply

The AWS environment provides the region and the credentials. Messages that are read are hidden from other readers \
for two minutes. The exit code is 1 if a message could not be recorded.";

/// Replay dead-lettered or quarantined events. Without --apply, show what would happen.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArguments {
    /// The URL of the queue, from the outputs of the deployment.
    #[arg(long, value_name = "URL", value_parser = queue_url)]
    queue: String,
    #[command(flatten)]
    apply: Apply,
    /// The default account for requests.
    #[arg(long, env = "SPILLWAY_ACCOUNT", hide_env_values = true)]
    account: Option<AccountName>,
    /// The maximum number of messages.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

fn queue_url(text: &str) -> Result<String, &'static str> {
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err(
            "this is not the URL of a queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/name",
        ),
    }
}

/// A message of the queue, and what becomes of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReplayedMessage {
    message: String,
    /// How often it was received.
    received: u32,
    about: Option<ReplayedEvent>,
    result: Outcome,
    /// Why it is ignored, or stays in the queue.
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ReplayedEvent {
    account: AccountName,
    stack: String,
    run: Option<String>,
    state: Option<String>,
    at: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReplayResult")]
enum Outcome {
    WouldRecord,
    Recorded,
    Duplicate,
    /// It can be read now, and needs nothing.
    Ignored,
    Stays,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::WouldRecord => "would be recorded",
            Self::Recorded => "recorded",
            Self::Duplicate => "recorded before",
            Self::Ignored => "ignored",
            Self::Stays => "stays in the queue",
        }
    }
}

/// What a message is.
enum Parsed {
    Record(Box<contract::Received>),
    Nothing(String),
    Unknown(String),
}

impl ReplayArguments {
    pub(crate) fn run(self) -> Done {
        let arguments = &self;
        block_on(async {
            let queue = Queue::new(&arguments.queue);
            // Before anything is taken out of the queue.
            let recorder = if arguments.apply.is_on() {
                Some(Recorder {
                    workflows: temporal::connect().await?,
                    by: by().await,
                    audit: Store::from_lookup(|name| std::env::var(name).ok()).await?,
                })
            } else {
                None
            };
            let everything = Box::pin(everything_in(&queue, usize::try_from(arguments.limit)?));
            let messages = during("Reading the queue", everything).await?;
            let mut looked = Vec::new();
            for message in &messages {
                looked.push(look(&queue, message, arguments, recorder.as_ref()).await?);
            }
            let none = "The queue is empty, or its messages are being processed.";
            arguments.output.list(&looked, &table(&looked), none)?;
            if !arguments.apply.is_on() && !looked.is_empty() && arguments.output.is_text() {
                output::note("\nNothing was changed. Run with --apply to record them.");
            }
            let left = arguments.apply.is_on() && looked.iter().any(|looked| looked.result == Outcome::Stays);
            Ok(Exit::of(!left))
        })
    }
}

impl Shape for ReplayedMessage {
    const KIND: &'static str = "replayed_message";
}

/// The owner of the API key. Spacelift is not needed to replay: while it is away, the local user's name has to do.
async fn by() -> String {
    let actor = async { anyhow::Ok(Actor::of(&spacelift().await?).await?) };
    match actor.await {
        Ok(actor) => actor.to_string(),
        Err(_) => Actor::claim().map_or_else(
            || "unknown".to_owned(),
            |claimed| format!("claims to be {claimed}"),
        ),
    }
}

/// Records messages.
struct Recorder {
    workflows: WorkflowClient,
    /// Who replays, for the audit log.
    by: String,
    audit: Option<Store>,
}

async fn everything_in(queue: &Queue, limit: usize) -> anyhow::Result<Vec<Received>> {
    let mut messages: Vec<Received> = Vec::new();
    while messages.len() < limit {
        let more = queue.receive().await?;
        if more.is_empty() {
            break;
        }
        messages.extend(more);
    }
    Ok(messages)
}

async fn look(
    queue: &Queue,
    message: &Received,
    arguments: &ReplayArguments,
    recorder: Option<&Recorder>,
) -> anyhow::Result<ReplayedMessage> {
    let mut looked = ReplayedMessage {
        message: message.id.clone(),
        received: message.times,
        about: None,
        result: Outcome::Stays,
        reason: None,
    };
    match (parsed(&message.text, arguments.account.as_ref()), recorder) {
        (Parsed::Unknown(why), _) => looked.reason = Some(why),
        (Parsed::Nothing(why), None) => {
            looked.result = Outcome::Ignored;
            looked.reason = Some(why);
        }
        (Parsed::Nothing(why), Some(_)) => {
            queue.delete(message).await?;
            looked.result = Outcome::Ignored;
            looked.reason = Some(why);
            return Ok(looked);
        }
        (Parsed::Record(arrived), None) => {
            looked.about = Some(about(&arrived));
            looked.result = Outcome::WouldRecord;
        }
        (Parsed::Record(arrived), Some(recorder)) => {
            looked.about = Some(about(&arrived));
            match recorder.record(&arrived).await {
                Ok(outcome) => {
                    queue.delete(message).await?;
                    looked.result = outcome;
                    return Ok(looked);
                }
                Err(error) => looked.reason = Some(crate::failure::in_one_line(&error)),
            }
        }
    }
    queue.give_back(message).await?;
    Ok(looked)
}

fn parsed(text: &str, account: Option<&AccountName>) -> Parsed {
    let unreadable = match Message::parse(text) {
        Ok(Message::Received(arrived)) => return Parsed::Record(Box::new(arrived)),
        Ok(Message::Unreadable(unreadable)) => unreadable,
        Err(error) => return Parsed::Unknown(error.to_string()),
    };
    let body = match unreadable.body() {
        Ok(body) => body,
        Err(error) => return Parsed::Unknown(error.to_string()),
    };
    match event::parse(&body) {
        Ok(Delivery::Run(event)) => Parsed::Record(Box::new(contract::Received::Event {
            event: ReceivedEvent {
                event,
                received_at_ms: Some(unreadable.received_at_ms),
            },
        })),
        // A person decides about what was quarantined, so that it need not be fresh.
        Ok(Delivery::Request(signed)) => match signed.request.account.clone().or_else(|| account.cloned()) {
            Some(account) => Parsed::Record(Box::new(contract::Received::request(account, signed.request))),
            None => Parsed::Unknown("it names no account: pass --account".to_owned()),
        },
        Ok(Delivery::RunEnded(ended)) => match ended.account.clone().or_else(|| account.cloned()) {
            Some(account) => Parsed::Record(Box::new(contract::Received::RunEnded { account, ended })),
            None => Parsed::Unknown("it names no account: pass --account".to_owned()),
        },
        Ok(Delivery::Ignored(ignored)) => Parsed::Nothing(ignored.to_string()),
        Err(error) => Parsed::Unknown(format!("still unreadable: {error}")),
    }
}

impl Recorder {
    async fn record(&self, arrived: &contract::Received) -> anyhow::Result<Outcome> {
        let outcome = match self.workflows.record(arrived, Source::Operator).await? {
            Recorded::Accepted { .. } => Outcome::Recorded,
            Recorded::Duplicate { .. } => Outcome::Duplicate,
        };
        if let Some(store) = &self.audit {
            let mut entry = Entry::new(
                clock::now_ms(),
                format!("operator:{}", self.by),
                Action::DeliveryRedelivered,
            );
            arrived.identify(&mut entry);
            entry.outcome = Some(outcome.word().to_owned());
            store.put_delivery(&Record::unlinked(entry)).await?;
        }
        Ok(outcome)
    }
}

fn about(arrived: &contract::Received) -> ReplayedEvent {
    match arrived {
        contract::Received::Event {
            event: ReceivedEvent { event, .. },
        } => ReplayedEvent {
            account: event.account.clone(),
            stack: event.stack.to_string(),
            run: Some(event.run.to_string()),
            state: Some(event.state.to_string()),
            at: Time::from_ms(event.timestamp_ms),
        },
        contract::Received::RunEnded { account, ended } => ReplayedEvent {
            account: account.clone(),
            stack: ended.stack.to_string(),
            run: Some(ended.run.to_string()),
            state: None,
            at: None,
        },
        contract::Received::Request {
            account,
            request,
            received_at_ms,
            ..
        } => ReplayedEvent {
            account: account.clone(),
            stack: request.stack.to_string(),
            run: None,
            state: None,
            at: received_at_ms.and_then(Time::from_ms),
        },
    }
}

fn table(looked: &[ReplayedMessage]) -> Table {
    let mut table = Table::with_head(["stack", "run", "state", "at", "result"]);
    for message in looked {
        let about = message.about.as_ref();
        let text = |field: Option<&String>| field.cloned().unwrap_or_default();
        let result = match &message.reason {
            Some(reason) => format!("{}: {reason}", message.result.word()),
            None => message.result.word().to_owned(),
        };
        table.row([
            &text(about.map(|about| &about.stack)),
            &text(about.and_then(|about| about.run.as_ref())),
            &text(about.and_then(|about| about.state.as_ref())),
            &about.and_then(|about| about.at).map(shown).unwrap_or_default(),
            &result,
        ]);
    }
    table
}
