//! `spillway mock`: a Spacelift account in memory, and what people, pushes and faults do to it.

mod answer;
mod client;
mod log;
mod serve;

use chain::RunState;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{ArgGroup, Args, Subcommand};
use mock_spacelift::{ControlRequest, FAULT_KINDS, FaultRequest, PushRequest};

use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::output::{Format, Output};
use client::Client;

pub(crate) use answer::View as Change;
pub(crate) use log::View as LogEntry;
pub(crate) use serve::{ServeArguments, account};

const EXAMPLES: &str = "Examples:
  spillway mock serve
  spillway mock push acme/landing-zone                       one commit, and runs of all stacks of the repository
  spillway mock push acme/infra --path network/main.tf       only the stacks whose project root contains the file
  spillway mock push --stack core-network
  spillway mock fail database
  spillway mock lock cluster --by bob
  spillway mock confirm backoffice
  spillway mock fault unavailable --operation runTrigger --times 3
  spillway mock fault any --one-in 10 --seed 7               one answer in ten fails
  spillway mock fault --clear
  spillway mock log -o json

All but `serve` change the account of a running `spillway dev` or `spillway mock serve` on this machine.";

/// Serve a Spacelift account in memory, and simulate pushes, decisions, locks, failures and faults.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MockArguments {
    /// The URL of the account in memory.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SPACELIFT_BASE_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8010"
    )]
    url: String,
    #[arg(
        id = "output",
        short = 'o',
        long = "output",
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value = "table",
        hide_possible_values = true,
        help = "Output format: table, wide, json or yaml"
    )]
    format: Format,
    #[arg(long, global = true, hide = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(ServeArguments),
    Push(PushArguments),
    /// Trigger a tracked run as a person.
    Trigger {
        #[command(flatten)]
        person: Person,
        /// The commit to run; an older one is a rollback [default: the tracked commit].
        #[arg(long, value_name = "SHA")]
        commit: Option<String>,
    },
    /// Retry a failed run as a person: a new run of the same commit. Without --run, the newest failed run.
    Retry(Decision),
    /// Confirm a run as a person. Without --run, the run that waits for a confirmation.
    Confirm(Decision),
    /// Discard a run as a person. Without --run, the run that blocks the stack.
    Discard(Decision),
    /// Stop a run as a person. Without --run, the run that blocks the stack.
    Stop(Decision),
    /// Make the next tracked run of a stack fail.
    Fail {
        /// The id of the stack.
        stack: String,
        /// The state in which it fails: PREPARING, INITIALIZING, PLANNING or APPLYING.
        #[arg(long, value_name = "STATE", default_value = "PLANNING")]
        state: String,
    },
    /// Make Spacelift skip the next tracked run of a stack.
    Skip {
        /// The id of the stack.
        stack: String,
    },
    /// Lock a stack as a person. Runs of everyone else wait.
    Lock {
        #[command(flatten)]
        person: Person,
        /// Why it is locked.
        #[arg(long)]
        note: Option<String>,
    },
    /// Unlock a stack.
    Unlock {
        /// The id of the stack.
        stack: String,
        /// Who unlocks it. Only the owner of the lock can [default: the owner].
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Disable a stack. It accepts no runs.
    Disable {
        /// The id of the stack.
        stack: String,
    },
    /// Enable a stack.
    Enable {
        /// The id of the stack.
        stack: String,
    },
    /// Set whether applies of a stack change the outputs that native dependencies use.
    Outputs {
        /// The id of the stack.
        stack: String,
        #[arg(value_parser = ["change", "stay"])]
        outputs: String,
    },
    /// Set whether workers are present. Without workers, runs stay READY.
    Workers {
        #[arg(value_parser = ["present", "absent"])]
        workers: String,
    },
    /// Take a space and its subspaces away from the API key.
    RevokeSpace {
        /// The id of the space.
        space: String,
    },
    /// Give a space back to the API key.
    GrantSpace {
        /// The id of the space.
        space: String,
    },
    Fault(FaultArguments),
    /// Show what was pushed, triggered, decided and locked, by whom and when.
    Log,
}

/// A stack, and who does something to it.
#[derive(Debug, Args)]
struct Person {
    /// The id of the stack.
    stack: String,
    /// Who does it [default: alice].
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
}

/// A run of a stack, and who decides about it.
#[derive(Debug, Args)]
struct Decision {
    #[command(flatten)]
    person: Person,
    /// The id of the run.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Push a commit. Runs of all stacks that track the branch and are affected start.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["repository", "stack"]))]
struct PushArguments {
    /// The repository, as owner/name.
    repository: Option<String>,
    /// Affect only this stack, in its repository and branch.
    #[arg(long, value_name = "STACK", conflicts_with_all = ["branch", "path"])]
    stack: Option<String>,
    /// The branch [default: the branch that the stacks of the repository track].
    #[arg(long)]
    branch: Option<String>,
    /// The hash of the commit [default: a new one].
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The message of the commit.
    #[arg(long)]
    message: Option<String>,
    /// The author of the commit.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// A changed file. Can be repeated [default: files of every stack].
    #[arg(long, value_name = "FILE")]
    path: Vec<String>,
}

/// Make answers or deliveries fail.
#[derive(Debug, Args)]
struct FaultArguments {
    /// The kind of fault.
    #[arg(value_parser = kinds(), required_unless_present = "clear")]
    kind: Option<String>,
    /// Only for this operation or root field, such as runTrigger.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// How often [default: once].
    #[arg(long, value_name = "N", group = "how-often")]
    times: Option<usize>,
    /// Until --clear.
    #[arg(long, group = "how-often")]
    always: bool,
    /// One request in N, at random, until --clear.
    #[arg(long, value_name = "N", group = "how-often")]
    one_in: Option<u64>,
    /// Every N-th request, until --clear.
    #[arg(long, value_name = "N", group = "how-often")]
    every: Option<u64>,
    /// The seed: the same seed affects the same requests.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "one_in")]
    seed: u64,
    /// The message of a GraphQL error.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The delay of an answer or a delivery, or the wait that a client is asked for, in milliseconds.
    #[arg(long, value_name = "MS")]
    pause: Option<u64>,
    /// End all faults, and send the deliveries that were held back.
    #[arg(long, conflicts_with_all = ["kind", "operation", "how-often", "seed", "message", "pause"])]
    clear: bool,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(FAULT_KINDS.map(|(name, help)| PossibleValue::new(name).help(help)))
}

pub(crate) fn mock(arguments: MockArguments) -> Done {
    let verb = match arguments.verb {
        Verb::Serve(serve) => return serve.run(),
        verb => verb,
    };
    let output = Output::from(if arguments.json {
        Format::Json
    } else {
        arguments.format
    });
    let client = Client::of(&arguments.url)?;
    block_on(async {
        let Some(request) = verb.request() else {
            return log::show(&client.log().await?, output);
        };
        let answer = client.send(&request).await?;
        output.show(&answer::View::of(&answer), || answer.text.clone())?;
        Ok(Exit::Success)
    })
}

impl Verb {
    /// What to ask the account for; `None` for its log, which is only read.
    fn request(self) -> Option<ControlRequest> {
        use ControlRequest as Request;
        Some(match self {
            Self::Push(push) => Request::Push(push.into()),
            Self::Trigger { person, commit } => Request::Trigger {
                stack: person.stack,
                by: person.by,
                commit,
            },
            Self::Retry(Decision { person, run }) => Request::Retry {
                stack: person.stack,
                by: person.by,
                run,
            },
            Self::Confirm(Decision { person, run }) => Request::Confirm {
                stack: person.stack,
                by: person.by,
                run,
            },
            Self::Discard(Decision { person, run }) => Request::Discard {
                stack: person.stack,
                by: person.by,
                run,
            },
            Self::Stop(Decision { person, run }) => Request::Stop {
                stack: person.stack,
                by: person.by,
                run,
            },
            Self::Fail { stack, state } => Request::Fail {
                stack,
                state: Some(RunState::from(state.to_ascii_uppercase())),
            },
            Self::Skip { stack } => Request::Skip { stack },
            Self::Lock { person, note } => Request::Lock {
                stack: person.stack,
                by: person.by,
                note,
            },
            Self::Unlock { stack, by } => Request::Unlock { stack, by },
            Self::Disable { stack } => Request::Disable { stack },
            Self::Enable { stack } => Request::Enable { stack },
            Self::Outputs { stack, outputs } => Request::Outputs {
                stack,
                change: outputs == "change",
            },
            Self::Workers { workers } => Request::Workers {
                present: workers == "present",
            },
            Self::RevokeSpace { space } => Request::RevokeSpace { space },
            Self::GrantSpace { space } => Request::GrantSpace { space },
            Self::Fault(fault) => fault.into(),
            Self::Serve(_) | Self::Log => return None,
        })
    }
}

impl From<PushArguments> for PushRequest {
    fn from(push: PushArguments) -> Self {
        Self {
            repository: push.repository,
            stack: push.stack,
            branch: push.branch,
            commit: push.commit,
            message: push.message,
            author: push.author,
            paths: push.path,
            at: None,
        }
    }
}

impl From<FaultArguments> for ControlRequest {
    fn from(fault: FaultArguments) -> Self {
        let Some(kind) = fault.kind else {
            return Self::ClearFaults {};
        };
        Self::Fault(FaultRequest {
            kind,
            operation: fault.operation,
            times: fault.times,
            always: fault.always,
            one_in: fault.one_in,
            every: fault.every,
            seed: fault.seed,
            message: fault.message,
            pause_ms: fault.pause,
        })
    }
}
