//! `spillway freeze` and `spillway thaw`: no stack is started for a while.

use std::time::Duration;

use chain::freeze::{Coverage, Freeze, FreezeWindow};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clients::Clients;
use crate::command::{Done, with_clients_even_in_outage};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Shape, Time};
use crate::output::Output;

const EXAMPLES: &str = "Examples:
  spillway freeze now --for 2h --reason \"incident 7\"
  spillway freeze now --for 1d --reason \"audit of production\" --space 'prod-*' --label critical
  spillway freeze show

Running stacks continue. Windows that repeat are written in the settings: see docs/steering.md.";

/// Freeze the account or a part of it: no stack that the freeze covers is started.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FreezeArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start a freeze. It ends by itself.
    Now {
        /// How long it lasts, such as 90m, 2h or 1d.
        #[arg(long = "for", value_name = "DURATION", value_parser = chain::freeze::length)]
        how_long: Duration,
        /// The reason. It is shown wherever something waits for the freeze to end.
        #[arg(long, value_name = "TEXT", value_parser = some_reason)]
        reason: String,
        /// Only stacks whose id matches this pattern; `*` matches any text. Can be repeated.
        #[arg(long, value_name = "PATTERN")]
        stack: Vec<String>,
        /// Only stacks in spaces that match this pattern. Can be repeated.
        #[arg(long, value_name = "PATTERN")]
        space: Vec<String>,
        /// Only stacks with a label that matches this pattern. Can be repeated.
        #[arg(long, value_name = "PATTERN")]
        label: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Show the current freeze, and the windows in the settings.
    Show {
        #[command(flatten)]
        output: Output,
    },
}

/// Lift the freeze that `spillway freeze now` started.
#[derive(Debug, Args)]
pub(crate) struct ThawArguments {
    #[command(flatten)]
    output: Output,
}

/// What is frozen.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Freeze")]
pub(crate) struct View {
    account: String,
    /// The freeze that a person started; null if there is none.
    freeze: Option<Current>,
    /// The windows in the settings.
    windows: Vec<Window>,
}

impl Shape for View {
    const KIND: &'static str = "freeze";
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CurrentFreeze")]
struct Current {
    by: String,
    reason: String,
    until: Option<Time>,
    covers: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FreezeWindow")]
struct Window {
    name: String,
    times: String,
    covers: String,
    is_now: bool,
    from: Option<Time>,
    until: Option<Time>,
}

/// A freeze that was lifted, or that was not there.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Thaw {
    account: String,
    /// Whether there was a freeze to lift.
    changed: bool,
}

impl Shape for Thaw {
    const KIND: &'static str = "thaw";
}

pub(crate) fn freeze(arguments: FreezeArguments) -> Done {
    match arguments.action {
        Action::Now {
            how_long,
            reason,
            stack,
            space,
            label,
            output,
        } => {
            let coverage = Coverage {
                stacks: stack,
                spaces: space,
                labels: label,
            };
            begin(how_long, reason, coverage, output)
        }
        Action::Show { output } => show(output),
    }
}

/// A reason that says something, in one line: it is shown in tables to people who wait for the end of the freeze.
fn some_reason(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(words.join(" "))
}

fn begin(how_long: Duration, reason: String, coverage: Coverage, output: Output) -> Done {
    let until = Timestamp::now()
        .checked_add(how_long)
        .map_err(|_| Failure::usage("--for is too long"))?;
    with_clients_even_in_outage(async |clients| {
        let account = &clients.account;
        let freeze = Freeze {
            by: clients.actor().await?.to_string(),
            reason,
            until_ms: until.as_millisecond(),
            coverage,
        };
        if let Some(known) = clients.workflows.freeze(account, &freeze).await? {
            return Err(Failure::rejected(format!("{account} is {known}"))
                .meaning("Nothing was changed.")
                .hint("Lift that freeze first: `spillway thaw`")
                .into());
        }
        let view = View::of(&clients, Some(&freeze));
        output.show(&view, || {
            format!(
                "{account} is {freeze}. It covers {}. Running stacks continue.",
                freeze.coverage
            )
        })?;
        Ok(Exit::Success)
    })
}

pub(crate) fn thaw(arguments: &ThawArguments) -> Done {
    with_clients_even_in_outage(async |clients| {
        let by = clients.actor().await?.to_string();
        let changed = clients.workflows.thaw(&clients.account, &by).await?;
        let thaw = Thaw {
            account: clients.account.to_string(),
            changed,
        };
        arguments.output.show(&thaw, || {
            if changed {
                format!("The freeze of {} was lifted.", thaw.account)
            } else {
                format!(
                    "{} was not frozen by a person. `spillway freeze show` lists the windows in the settings.",
                    thaw.account
                )
            }
        })?;
        Ok(Exit::Success)
    })
}

fn show(output: Output) -> Done {
    with_clients_even_in_outage(async |clients| {
        let frozen = clients.workflows.frozen(&clients.account).await?;
        let view = View::of(&clients, frozen.as_ref());
        output.show(&view, || {
            let mut lines = vec![match &frozen {
                Some(freeze) => format!("{} is {freeze}. It covers {}.", view.account, freeze.coverage),
                None => format!("{} is not frozen by a person.", view.account),
            }];
            let now_ms = Timestamp::now().as_millisecond();
            let windows = &clients.workflows.settings().freezes;
            lines.extend(windows.iter().map(|window| described(window, now_ms)));
            lines.join("\n")
        })?;
        Ok(Exit::Success)
    })
}

impl View {
    fn of(clients: &Clients, freeze: Option<&Freeze>) -> Self {
        let now_ms = Timestamp::now().as_millisecond();
        let windows = &clients.workflows.settings().freezes;
        Self {
            account: clients.account.to_string(),
            freeze: freeze.map(Current::of),
            windows: windows.iter().map(|window| Window::of(window, now_ms)).collect(),
        }
    }
}

impl Current {
    fn of(freeze: &Freeze) -> Self {
        Self {
            by: freeze.by.clone(),
            reason: freeze.reason.clone(),
            until: Time::from_ms(freeze.until_ms),
            covers: freeze.coverage.to_string(),
        }
    }
}

impl Window {
    fn of(window: &FreezeWindow, now_ms: i64) -> Self {
        let period = window.period(now_ms);
        Self {
            name: window.name().to_owned(),
            times: window.times(),
            covers: window.coverage().to_string(),
            is_now: period.is_some_and(|period| period.has(now_ms)),
            from: period.and_then(|period| Time::from_ms(period.from_ms)),
            until: period.and_then(|period| Time::from_ms(period.until_ms)),
        }
    }
}

fn described(window: &FreezeWindow, now_ms: i64) -> String {
    let when = match window.period(now_ms) {
        None => "over".to_owned(),
        Some(period) if period.has(now_ms) => format!("lasts until {}", window.moment(period.until_ms)),
        Some(period) => format!("begins {}", window.moment(period.from_ms)),
    };
    format!(
        "{} ({}): {when}; covers {}",
        window.name(),
        window.times(),
        window.coverage()
    )
}
