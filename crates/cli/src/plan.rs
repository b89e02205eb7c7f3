//! `spillway plan`: the chain that a finished run would start.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chain::freeze::{Covered, FreezeWindow};
use chain::{Chain, CommitSha, DependencyGraph, Downstream, Reason, Refusal, Root, StackId, render};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use settings::Settings;
use spacelift::Spacelift;

use crate::command::{Done, no_stack, with_spacelift};
use crate::completion;
use crate::dependencies;
use crate::exit::Exit;
use crate::json::{Shape, Time};
use crate::output::{self, Output};
use crate::variables::settings;

const EXAMPLES: &str = "Examples:
  spillway plan core-network
  spillway plan core-network --commit 0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb
  spillway plan core-network --diagram dot | dot -Tsvg > chain.svg

The settings are read from spillway.toml and the SPILLWAY_ variables, as the worker reads them. The exit code is 1 if \
the chain would be refused.";

/// Show the chain that a finished run of a stack would start. This changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArguments {
    /// The id of the stack.
    #[arg(value_name = "STACK", add = completion::stacks())]
    stack: StackId,
    /// The commit of the run [default: the tracked commit].
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,
    /// The branch of the run [default: the branch of the stack].
    #[arg(long)]
    branch: Option<String>,
    /// Print a diagram instead.
    #[arg(long, value_enum, conflicts_with = "output")]
    diagram: Option<Diagram>,
    #[command(flatten)]
    output: Output,
}

/// The chain that a run would start.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub(crate) struct View<'a> {
    /// The chain; null if it is refused.
    chain: Option<&'a Chain>,
    /// Why there would be no chain.
    refused: Option<Reason>,
    /// The freeze windows of the settings that hold stacks of the chain: those that last now, and the next time of the
    /// others.
    freeze_windows: Vec<Window>,
    /// Where the labels of stacks say something else than the settings.
    policies: Vec<Policy>,
}

/// A freeze window that holds stacks of a chain.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlanFreezeWindow")]
pub(crate) struct Window {
    name: String,
    /// When it repeats, or its dates.
    times: String,
    is_now: bool,
    from: Option<Time>,
    until: Option<Time>,
    /// The same in one line, in the time zone of the window.
    when: String,
    stacks: Vec<StackId>,
}

/// What a label of a stack says, where that is not what holds otherwise.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlanPolicy")]
pub(crate) struct Policy {
    stack: StackId,
    /// The key of the label, such as `on-failure`.
    key: &'static str,
    value: String,
    /// What would hold without the label.
    default: Option<String>,
    /// Why it holds: the label of the stack.
    label: String,
}

impl Shape for View<'_> {
    const KIND: &'static str = "plan";
}

impl<'a> View<'a> {
    pub(crate) fn of(chain: &'a Chain, graph: &DependencyGraph, settings: &Settings) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            chain: Some(chain),
            refused: None,
            freeze_windows: windows(chain, graph, &settings.freezes, now),
            policies: policies(chain, graph, settings),
        }
    }

    /// The freeze windows, for people.
    pub(crate) fn windows_text(&self) -> String {
        if self.freeze_windows.is_empty() {
            return String::new();
        }
        let mut text = "\n\nfreeze windows:".to_owned();
        for window in &self.freeze_windows {
            let all = self.chain.map_or(0, |chain| chain.stacks.len());
            let stacks = match window.stacks.len() {
                held if held == all && held > 1 => format!("all {held} stacks"),
                _ => render::names(&window.stacks),
            };
            let _ = write!(
                text,
                "\n  {} ({}) holds {stacks}: {}",
                window.name, window.times, window.when
            );
        }
        text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Diagram {
    Mermaid,
    Dot,
}

pub(crate) fn plan(arguments: PlanArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let (diagram, output) = (arguments.diagram, arguments.output);
        let graph = dependencies::graph(&spacelift, &settings.chain).await?;
        let root = root(&spacelift, &graph, arguments).await?;
        match chain::plan(&graph, &root, &settings.chain) {
            Ok(chain) => print(&chain, &View::of(&chain, &graph, &settings), diagram, output),
            Err(refusal) => refuse(&refusal, output),
        }
    })
}

async fn root(
    spacelift: &Spacelift,
    graph: &DependencyGraph,
    arguments: PlanArguments,
) -> anyhow::Result<Root> {
    let Some(stack) = graph.stack(&arguments.stack) else {
        return Err(no_stack(spacelift, &arguments.stack).await);
    };
    let branch = arguments.branch.unwrap_or_else(|| stack.branch.clone());
    Ok(Root {
        commit: arguments.commit.or_else(|| stack.tracked_commit.clone()),
        is_due: false,
        ..Root::requested(spacelift.account_name().await?, arguments.stack, branch)
    })
}

fn print(chain: &Chain, view: &View<'_>, diagram: Option<Diagram>, output: Output) -> Done {
    match diagram {
        Some(Diagram::Mermaid) => output::text(&render::mermaid(chain))?,
        Some(Diagram::Dot) => output::text(&render::dot(chain))?,
        None => {
            output.show(view, || {
                format!("{}{}", render::text(chain).trim_end(), view.windows_text())
            })?;
        }
    }
    Ok(Exit::Success)
}

/// Which freeze windows would hold which stacks of the chain: those that last now, and the next time of the others.
fn windows(
    chain: &Chain,
    graph: &DependencyGraph,
    windows: &[FreezeWindow],
    now: jiff::Timestamp,
) -> Vec<Window> {
    let now_ms = now.as_millisecond();
    let holding = windows.iter().filter_map(|window| {
        let coverage = window.coverage();
        let covered = chain.stacks.iter().filter_map(|stack| graph.stack(&stack.id));
        let stacks: Vec<StackId> = covered
            .filter(|facts| coverage.covers(&Covered::of(facts)))
            .map(|facts| facts.id.clone())
            .collect();
        let period = window.period(now_ms).filter(|_| !stacks.is_empty())?;
        let is_now = period.has(now_ms);
        let when = if is_now {
            format!("now, until {}", window.moment(period.until_ms))
        } else {
            format!(
                "from {} until {}",
                window.moment(period.from_ms),
                window.moment(period.until_ms)
            )
        };
        Some(Window {
            name: window.name().to_owned(),
            times: window.times(),
            is_now,
            from: Time::from_ms(period.from_ms),
            until: Time::from_ms(period.until_ms),
            when,
            stacks,
        })
    });
    holding.collect()
}

/// Where labels of the root, of the stacks of the chain and of those left out say something else than the settings.
fn policies(chain: &Chain, graph: &DependencyGraph, settings: &Settings) -> Vec<Policy> {
    let stacks = std::iter::once(&chain.root.stack)
        .chain(chain.stacks.iter().map(|stack| &stack.id))
        .chain(chain.left_out.iter().map(|left_out| &left_out.id));
    let mut seen = BTreeSet::new();
    let mut policies = Vec::new();
    for stack in stacks.filter(|stack| seen.insert(*stack)) {
        let Some(own) = graph.policy(stack) else { continue };
        for (key, value) in own.labels() {
            let default = default_of(key, settings);
            if default.as_ref() != Some(&value) {
                policies.push(Policy {
                    stack: stack.clone(),
                    key,
                    label: format!("{}{key}={value}", chain::policy::PREFIX),
                    value,
                    default,
                });
            }
        }
    }
    policies
}

/// What holds where no label says anything, as a label would write it.
fn default_of(key: &str, settings: &Settings) -> Option<String> {
    let duration = |duration: std::time::Duration| {
        let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        (seconds > 0).then(|| chain::policy::duration(seconds))
    };
    match key {
        "on-failure" => Some(settings.chain.on_failure.to_string()),
        "no-change" => Some(settings.chain.no_change.to_string()),
        "retries" => Some(settings.chain.run_retries.to_string()),
        "timeout" => duration(settings.timing.run_timeout),
        "stuck-after" => duration(settings.timing.stuck_after),
        "priority" => Some("0".to_owned()),
        "ignore" => Some("false".to_owned()),
        "downstream" => Some(Downstream::default().to_string()),
        _ => None,
    }
}

pub(crate) fn refuse(refusal: &Refusal, output: Output) -> Done {
    if output.is_text() {
        output::error(&format!("no chain would start: {refusal}"));
    } else {
        let view = View {
            chain: None,
            refused: Some(Reason::new(refusal.code().to_owned(), refusal.to_string())),
            freeze_windows: Vec::new(),
            policies: Vec::new(),
        };
        output.show(&view, String::new)?;
    }
    Ok(Exit::BadOutcome)
}
