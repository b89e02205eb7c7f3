//! `spillway sink`: where messages about chains are sent.

use chain::notice::NoticedStack;
use chain::{ChainId, ChainResult, Counts, Notice, Root, RunId};
use clap::{Args, Subcommand};
use notify::Notifier;
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::clock;

use crate::command::{Done, block_on, with_clients};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::{self, Output};
use crate::table::Table;
use crate::variables::variables;

const EXAMPLES: &str = "Examples:
  spillway sink list
  spillway sink test platform
  spillway sink preview chain:acme:01JB3KCV6K5EBS8H8R3HBKD8XJ

The sinks are read from SPILLWAY_SINKS_FILE or SPILLWAY_SINKS: see docs/messages.md.";

/// List the sinks of messages, send a test message, and preview messages.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SinkArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the sinks.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Send a test message to a sink. It describes an example chain and names no real stack.
    Test {
        /// The name of the sink.
        #[arg(value_name = "SINK")]
        name: String,
    },
    /// Print what each sink would be sent, and send nothing.
    Preview {
        /// A chain. Without it, the messages describe an example chain.
        #[arg(value_name = "CHAIN")]
        chain: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

/// A sink.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sink")]
pub(crate) struct View {
    name: String,
    kind: &'static str,
}

impl Shape for View {
    const KIND: &'static str = "sink";
}

/// What a sink would be sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SinkMessage")]
pub(crate) struct MessageView {
    sink: String,
    kind: &'static str,
    /// The body of the message: JSON, or plain text for e-mail.
    message: String,
}

impl Shape for MessageView {
    const KIND: &'static str = "sink_message";
}

impl SinkArguments {
    pub(crate) fn run(self) -> Done {
        match self.action {
            Action::List { output } => block_on(async { list(&sinks(None).await?, output) }),
            Action::Test { name } => block_on(test(&name)),
            Action::Preview { chain: None, output } => {
                block_on(async { preview(&sinks(None).await?, &example(), output) })
            }
            Action::Preview {
                chain: Some(chain),
                output,
            } => with_clients(async |clients| {
                let chain = ChainId::of_workflow(&chain);
                let report = clients.workflows.chain(&chain).await?;
                let report = report.ok_or_else(|| Failure::not_found("chain", &chain))?;
                let now_ms = clock::now_ms();
                let (root, by, refused) = (report.root, report.by, report.reason);
                let notice = Notice::begin(chain, root, by, refused, report.record.as_ref(), now_ms);
                let account = Some(clients.spacelift.web_url().to_owned());
                preview(&sinks(account).await?, &notice, output)
            }),
        }
    }
}

/// `account` is the URL of the Spacelift account, for links.
async fn sinks(account: Option<String>) -> anyhow::Result<Notifier> {
    let variables = variables().await?;
    let sinks = Notifier::from_lookup(|name| variables.get(name).cloned(), account).await;
    sinks.map_err(|error| Failure::setting(error.to_string()).into())
}

fn list(sinks: &Notifier, output: Output) -> Done {
    let views: Vec<View> = sinks
        .sinks()
        .map(|(name, kind)| View {
            name: name.to_owned(),
            kind,
        })
        .collect();
    let mut table = Table::with_head(["sink", "kind"]);
    for view in &views {
        table.row([view.name.as_str(), view.kind]);
    }
    output.list(&views, &table, NO_SINKS)?;
    Ok(Exit::Success)
}

const NO_SINKS: &str = "No sinks are set: see docs/messages.md.";

async fn test(name: &str) -> Done {
    let sinks = sinks(None).await?;
    match sinks.send_to(name, &example(), clock::now_ms()).await {
        Some(Ok(())) => {
            output::line(&format!("Sent a test message to `{name}`."))?;
            Ok(Exit::Success)
        }
        Some(Err(error)) => Err(Failure::unreachable(format!(
            "the test message to `{name}` was not delivered: {error}"
        ))
        .into()),
        None => {
            let known: Vec<&str> = sinks.sinks().map(|(name, _)| name).collect();
            let all = match known.as_slice() {
                [] => NO_SINKS.to_owned(),
                some => format!("The sinks are {}.", some.join(", ")),
            };
            Err(Failure::rejected(format!("there is no sink `{name}`"))
                .did_you_mean(name, known, &all)
                .into())
        }
    }
}

fn preview(sinks: &Notifier, notice: &Notice, output: Output) -> Done {
    let views: Vec<MessageView> = sinks
        .preview(notice, clock::now_ms())
        .into_iter()
        .map(|(sink, kind, message)| MessageView {
            sink: sink.to_owned(),
            kind,
            message,
        })
        .collect();
    if output.is_text() && !views.is_empty() {
        for view in &views {
            output::line(&format!("{} ({})\n\n{}\n", view.sink, view.kind, view.message))?;
        }
        return Ok(Exit::Success);
    }
    output.list(&views, &Table::with_head(["sink", "kind"]), NO_SINKS)?;
    Ok(Exit::Success)
}

/// A chain that failed, since that message has every part.
fn example() -> Notice {
    let now_ms = clock::now_ms();
    let parsed = "is a valid id";
    let account: chain::AccountName = "example".parse().expect(parsed);
    let run: RunId = "01JEXAMPLE0000000000000000".parse().expect(parsed);
    let root = Root {
        run: Some(run.clone()),
        ..Root::requested(account.clone(), "example-network".parse().expect(parsed), "main")
    };
    let counts = Counts {
        succeeded: 1,
        failed: 1,
        skipped: 1,
        ..Counts::default()
    };
    Notice {
        chain: ChainId::of_root_run(&account, &run),
        root,
        repository: Some("example/infrastructure".to_owned()),
        by: Some("alice".to_owned()),
        result: ChainResult::Failed,
        reason: None,
        counts,
        failed: vec![NoticedStack {
            stack: "example-database".parse().expect(parsed),
            run: Some(run),
            commit: None,
            text: "this is a test message: no run failed".to_owned(),
        }],
        held: Vec::new(),
        started_at_ms: now_ms - 60_000,
        ended_at_ms: Some(now_ms),
        at_ms: now_ms,
        revision: 1,
    }
}
