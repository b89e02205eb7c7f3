//! `spillway waiting`: what continues only when somebody does something, or when a freeze ends.

use chain::attempt::REVIEW;
use chain::schedule::{ScheduleReport, Waiting, WaitingKind};
use chain::{ChainId, RunId, StackId, page};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::{Done, with_clients_even_in_outage};
use crate::exit::Exit;
use crate::json::{Shape, Time};
use crate::output::{self, Output};
use crate::schedule::KNOWN_SOON;
use crate::table::{Table, plain};
use crate::time::took;

const EXAMPLES: &str = "Examples:
  spillway waiting
  spillway waiting --jq '.items[] | select(.for == \"person\") | .link'";

/// List what waits for a person, a lock or the end of a freeze, and paused chains, oldest first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WaitingArguments {
    #[command(flatten)]
    output: Output,
}

/// Something that waits.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Waiting")]
pub(crate) struct View {
    stack: StackId,
    /// What it waits for.
    #[serde(rename = "for")]
    kind: WaitingKind,
    /// The run that waits; null if it has not been triggered yet.
    run: Option<RunId>,
    since: Option<Time>,
    reason: String,
    chains: Vec<ChainId>,
    /// Its page in Spacelift.
    link: String,
    /// The command that lets it continue.
    command: Option<String>,
}

impl Shape for View {
    const KIND: &'static str = "waiting";
}

pub(crate) fn waiting(arguments: &WaitingArguments) -> Done {
    with_clients_even_in_outage(async |clients| {
        let report = clients.workflows.schedule_report(&clients.account).await?;
        let rebuilding = report.as_ref().is_some_and(|report| !report.rebuilt);
        let halted = report.as_ref().and_then(ScheduleReport::halted);
        let waiting = report.map(|report| report.waiting).unwrap_or_default();
        let frozen = clients.workflows.frozen(&clients.account).await?;
        let frozen = frozen.map(|freeze| freeze.to_string());
        let base = clients.spacelift.web_url();
        let views: Vec<View> = waiting
            .into_iter()
            .map(|waiting| View::of(base, waiting, frozen.as_deref()))
            .collect();
        let nothing = if rebuilding {
            format!(
                "The schedule of {} is being rebuilt. {KNOWN_SOON}",
                clients.account
            )
        } else {
            "Nothing waits for a person, a lock or the end of a freeze.".to_owned()
        };
        let output = arguments.output;
        output.list_as(&views, &nothing, || text(&views, output.is_wide()))?;
        if rebuilding && !output.is_text() {
            output::note(&nothing);
        }
        if let Some(halt) = halted {
            output::note(&format!(
                "No stack of {} is triggered until `spillway go`. Halted by {}.",
                clients.account,
                plain(&halt)
            ));
        }
        Ok(Exit::Success)
    })
}

/// A block for each item, since a table would have to cut the command and the link; or a wide table.
fn text(views: &[View], is_wide: bool) -> String {
    let now = Time::now();
    let since = |view: &View| view.since.map(|since| took(now.since(since))).unwrap_or_default();
    if is_wide {
        let mut table = Table::with_head(["stack", "since", "reason", "to continue", "link"]);
        for view in views {
            table.row([
                view.stack.as_str(),
                &since(view),
                &view.reason,
                view.command.as_deref().unwrap_or_default(),
                &view.link,
            ]);
        }
        return table.render(is_wide);
    }
    let block = |view: &View| {
        let since = Some(since(view)).filter(|since| !since.is_empty());
        let since = since.map_or_else(String::new, |since| format!(", for {since}"));
        let head = format!("{}{since}: {}", view.stack, plain(&view.reason));
        let command = view.command.clone();
        let lines = command.into_iter().chain([view.link.clone()]);
        lines.fold(head, |block, line| format!("{block}\n  {line}"))
    };
    let blocks: Vec<String> = views.iter().map(block).collect();
    blocks.join("\n")
}

impl View {
    /// `frozen` says what a person froze. What else freezes is a window of the settings, which only a release passes.
    fn of(base: &str, waiting: Waiting, frozen: Option<&str>) -> Self {
        let stack = &waiting.stack;
        let link = match &waiting.run {
            Some(run) => page::run(base, stack, run),
            None => page::stack(base, stack),
        };
        let command = match (waiting.kind, &waiting.run) {
            // A review is possible only in Spacelift.
            (WaitingKind::Person, Some(_)) if waiting.text.ends_with(REVIEW) => None,
            (WaitingKind::Person, Some(run)) => Some(format!("spillway run confirm {stack} {run}")),
            (WaitingKind::Person, None) => None,
            (WaitingKind::Approval, _) => waiting
                .chains
                .first()
                .map(|chain| format!("spillway chain approve {chain}")),
            (WaitingKind::Freeze, _) if frozen == Some(waiting.text.as_str()) => {
                Some("spillway thaw".to_owned())
            }
            (WaitingKind::Pause, _) => waiting
                .chains
                .first()
                .map(|chain| format!("spillway chain resume {chain}")),
            // Only Spacelift can unlock a stack; a release looks again at once.
            (WaitingKind::Lock | WaitingKind::Guard | WaitingKind::Freeze, _) => {
                Some(format!("spillway stack release {stack}"))
            }
        };
        Self {
            since: Time::from_ms(waiting.since_ms),
            stack: waiting.stack,
            kind: waiting.kind,
            run: waiting.run,
            reason: waiting.text,
            chains: waiting.chains,
            link,
            command,
        }
    }
}
