//! `spillway redeliver`: records by hand what waits in a queue.

use std::process::ExitCode;

use audit::{Action, Entry, Record, Store};
use chain::AccountName;
use chain::event::{self, Delivery};
use clap::Args;
use orchestrator::contract::{self, ReceivedEvent, Source};
use orchestrator::{Orchestrator, Recorded, clock};
use queue::{Message, Queue, Received};
use serde::Serialize;

use crate::command::{Done, block_on};
use crate::failure::BAD_OUTCOME;
use crate::progress::during;
use crate::table::Table;
use crate::{output, temporal};

const EXAMPLES: &str = "Examples:
  spillway redeliver --queue https://sqs.eu-west-1.amazonaws.com/123456789012/spillway-dead-letters
  spillway redeliver --queue $DEAD_LETTERS --apply

Region and credentials are those of the AWS environment. Messages that are looked at are hidden from others \
for two minutes. The exit status is 1 if messages stay that should have been recorded.";

/// Records what waits in the dead-letter queue or in the quarantine. Without --apply it only says what would happen.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RedeliverArguments {
    /// The queue's URL, as the deployment's outputs name it.
    #[arg(long, value_name = "URL")]
    queue: String,
    /// Record the messages in Temporal, and delete those that are recorded.
    #[arg(long)]
    apply: bool,
    /// The account of requests that name none.
    #[arg(long, env = "SPILLWAY_ACCOUNT")]
    account: Option<AccountName>,
    /// How many messages at most.
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One message, and what becomes of it.
#[derive(Debug, Serialize)]
struct Looked {
    message: String,
    received: u32,
    about: Option<About>,
    result: Outcome,
    /// Why it stays.
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct About {
    account: AccountName,
    stack: String,
    run: Option<String>,
    state: Option<String>,
    at: Option<jiff::Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    WouldRecord,
    Recorded,
    Duplicate,
    /// Understood now, and nothing follows from it.
    Ignored,
    Stays,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::WouldRecord => "would be recorded",
            Self::Recorded => "recorded",
            Self::Duplicate => "was recorded before",
            Self::Ignored => "ignored",
            Self::Stays => "stays",
        }
    }
}

/// What a message asks for.
enum Wanted {
    Record(Box<contract::Received>),
    Nothing(String),
    Unknown(String),
}

pub(crate) fn redeliver(arguments: &RedeliverArguments) -> Done {
    block_on(async {
        let queue = Queue::new(&arguments.queue);
        // Before anything is taken out of the queue.
        let hands = if arguments.apply {
            Some(Hands {
                orchestrator: temporal::connect().await?,
                audit: Store::from_lookup(|name| std::env::var(name).ok()).await?,
            })
        } else {
            None
        };
        let everything = Box::pin(everything_in(&queue, arguments.limit));
        let messages = during("Reading the queue", everything).await?;
        let mut looked = Vec::new();
        for message in &messages {
            looked.push(look(&queue, message, arguments, hands.as_ref()).await?);
        }
        if arguments.json {
            output::json(&looked)?;
        } else {
            show(&looked, arguments.apply);
        }
        let left = arguments.apply && looked.iter().any(|looked| looked.result == Outcome::Stays);
        Ok(ExitCode::from(if left { BAD_OUTCOME } else { 0 }))
    })
}

/// What it takes to record.
struct Hands {
    orchestrator: Orchestrator,
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
    arguments: &RedeliverArguments,
    hands: Option<&Hands>,
) -> anyhow::Result<Looked> {
    let mut looked = Looked {
        message: message.id.clone(),
        received: message.times,
        about: None,
        result: Outcome::Stays,
        reason: None,
    };
    match (wanted(&message.text, arguments.account.as_ref()), hands) {
        (Wanted::Unknown(why), _) => looked.reason = Some(why),
        (Wanted::Nothing(why), None) => {
            looked.result = Outcome::Ignored;
            looked.reason = Some(why);
        }
        (Wanted::Nothing(why), Some(_)) => {
            queue.delete(message).await?;
            looked.result = Outcome::Ignored;
            looked.reason = Some(why);
            return Ok(looked);
        }
        (Wanted::Record(arrived), None) => {
            looked.about = Some(about(&arrived));
            looked.result = Outcome::WouldRecord;
        }
        (Wanted::Record(arrived), Some(hands)) => {
            looked.about = Some(about(&arrived));
            match hands.record(&arrived).await {
                Ok(outcome) => {
                    queue.delete(message).await?;
                    looked.result = outcome;
                    return Ok(looked);
                }
                Err(error) => looked.reason = Some(format!("{error:#}")),
            }
        }
    }
    queue.give_back(message).await?;
    Ok(looked)
}

fn wanted(text: &str, account: Option<&AccountName>) -> Wanted {
    let unreadable = match Message::parse(text) {
        Ok(Message::Received(arrived)) => return Wanted::Record(Box::new(arrived)),
        Ok(Message::Unreadable(unreadable)) => unreadable,
        Err(error) => return Wanted::Unknown(error.to_string()),
    };
    let body = match unreadable.body() {
        Ok(body) => body,
        Err(error) => return Wanted::Unknown(error.to_string()),
    };
    match event::parse(&body) {
        Ok(Delivery::Run(event)) => Wanted::Record(Box::new(contract::Received::Event {
            event: ReceivedEvent {
                event,
                received_at_ms: Some(unreadable.received_at_ms),
            },
        })),
        Ok(Delivery::Request(request)) => match request.account.clone().or_else(|| account.cloned()) {
            Some(account) => Wanted::Record(Box::new(contract::Received::request(account, request))),
            None => Wanted::Unknown("it names no account; --account does".to_owned()),
        },
        Ok(Delivery::RunEnded(ended)) => match ended.account.clone().or_else(|| account.cloned()) {
            Some(account) => Wanted::Record(Box::new(contract::Received::RunEnded { account, ended })),
            None => Wanted::Unknown("it names no account; --account does".to_owned()),
        },
        Ok(Delivery::Ignored(ignored)) => Wanted::Nothing(ignored.to_string()),
        Err(error) => Wanted::Unknown(format!("still unreadable: {error}")),
    }
}

impl Hands {
    async fn record(&self, arrived: &contract::Received) -> anyhow::Result<Outcome> {
        let outcome = match self.orchestrator.record(arrived, Source::Operator).await? {
            Recorded::Accepted { .. } => Outcome::Recorded,
            Recorded::Duplicate { .. } => Outcome::Duplicate,
        };
        if let Some(store) = &self.audit {
            let by = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
            let mut entry = Entry::new(
                clock::now_ms(),
                format!("operator:{by}"),
                Action::DeliveryRedelivered,
            );
            arrived.identify(&mut entry);
            entry.outcome = Some(outcome.word().to_owned());
            store.put_delivery(&Record::unlinked(entry)).await?;
        }
        Ok(outcome)
    }
}

fn about(arrived: &contract::Received) -> About {
    match arrived {
        contract::Received::Event {
            event: ReceivedEvent { event, .. },
        } => About {
            account: event.account.clone(),
            stack: event.stack.to_string(),
            run: Some(event.run.to_string()),
            state: Some(event.state.to_string()),
            at: jiff::Timestamp::from_millisecond(event.timestamp_ms).ok(),
        },
        contract::Received::RunEnded { account, ended } => About {
            account: account.clone(),
            stack: ended.stack.to_string(),
            run: Some(ended.run.to_string()),
            state: None,
            at: None,
        },
        contract::Received::Request { account, request, .. } => About {
            account: account.clone(),
            stack: request.stack.to_string(),
            run: None,
            state: None,
            at: None,
        },
    }
}

fn show(looked: &[Looked], applied: bool) {
    if looked.is_empty() {
        output::line("The queue is empty, or others have its messages in hand.");
        return;
    }
    let mut table = Table::with_head(["stack", "run", "state", "at", "result"]);
    for message in looked {
        let about = message.about.as_ref();
        let text = |field: Option<&String>| field.cloned().unwrap_or_default();
        let at = about.and_then(|about| about.at);
        let result = match &message.reason {
            Some(reason) => format!("{}: {reason}", message.result.word()),
            None => message.result.word().to_owned(),
        };
        table.row([
            &text(about.map(|about| &about.stack)),
            &text(about.and_then(|about| about.run.as_ref())),
            &text(about.and_then(|about| about.state.as_ref())),
            &at.map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
                .unwrap_or_default(),
            &result,
        ]);
    }
    output::line(&table.render());
    if !applied {
        output::line("\nNothing was changed. --apply records them.");
    }
}
