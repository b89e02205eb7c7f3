//! `spillway mock`: does to a running account in memory what people, pushes and bad days do.

mod client;
mod log;

use std::process::ExitCode;

use chain::RunState;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{ArgGroup, Args, Subcommand};
use mock_spacelift::{ControlRequest, FAULT_KINDS, FaultRequest, PushRequest};

use crate::command::{Done, block_on};
use crate::output;
use client::Client;

const EXAMPLES: &str = "Examples:
  spillway mock push acme/landing-zone                       one commit, and the runs of all stacks of the repository
  spillway mock push acme/infra --path network/main.tf       only the stacks whose project root has that file
  spillway mock push --stack core-network
  spillway mock fail database
  spillway mock lock cluster --by bob
  spillway mock confirm backoffice
  spillway mock fault unavailable --operation runTrigger --times 3
  spillway mock fault any --one-in 10 --seed 7               one answer in ten is bad
  spillway mock fault --clear
  spillway mock log --json

The account is that of `spillway dev` or `spillway mock-spacelift` on this machine.";

/// Changes a running account in memory: pushes, people's decisions, locks, failures, faults.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ControlArguments {
    /// Where the account listens.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SPACELIFT_BASE_URL",
        default_value = "http://127.0.0.1:8010"
    )]
    url: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Push(PushArguments),
    /// A person triggers a tracked run.
    Trigger {
        #[command(flatten)]
        person: Person,
        /// The commit to run; an older one is a rollback [default: the one that the stack tracks].
        #[arg(long, value_name = "SHA")]
        commit: Option<String>,
    },
    /// A person retries a run that failed: a new run of the same commit. Without --run, the newest that failed.
    Retry(Decision),
    /// A person confirms a run. Without --run, the one that waits for it.
    Confirm(Decision),
    /// A person discards a run. Without --run, the one that blocks the stack.
    Discard(Decision),
    /// A person stops a run, wherever it is. Without --run, the one that blocks the stack.
    Stop(Decision),
    /// The stack's next tracked run fails.
    Fail {
        /// The stack's id.
        stack: String,
        /// Where it fails: PREPARING, INITIALIZING, PLANNING or APPLYING.
        #[arg(long, value_name = "STATE", default_value = "PLANNING")]
        state: String,
    },
    /// The stack's next tracked run is skipped.
    Skip {
        /// The stack's id.
        stack: String,
    },
    /// A person locks a stack: runs of everyone else wait.
    Lock {
        #[command(flatten)]
        person: Person,
        /// Why.
        #[arg(long)]
        note: Option<String>,
    },
    /// The person who locked a stack unlocks it.
    Unlock {
        /// The stack's id.
        stack: String,
        /// Who tries it; anybody but the lock's owner is refused [default: the lock's owner].
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// The stack takes no runs.
    Disable {
        /// The stack's id.
        stack: String,
    },
    /// The stack takes runs again.
    Enable {
        /// The stack's id.
        stack: String,
    },
    /// Says whether applies of the stack change the outputs that native dependencies refer to.
    Outputs {
        /// The stack's id.
        stack: String,
        #[arg(value_parser = ["change", "stay"])]
        outputs: String,
    },
    /// Says whether there are workers: without, runs stay READY.
    Workers {
        #[arg(value_parser = ["present", "absent"])]
        workers: String,
    },
    /// The API key loses a space and all below it.
    RevokeSpace {
        /// The space's id.
        space: String,
    },
    /// The API key gets a space back.
    GrantSpace {
        /// The space's id.
        space: String,
    },
    Fault(FaultArguments),
    /// Shows what was pushed, triggered, decided and locked: by whom, and when.
    Log,
}

/// A stack, and who does something to it.
#[derive(Debug, Args)]
struct Person {
    /// The stack's id.
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
    /// The run's id.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Pushes one commit: the runs of all stacks that follow the branch and are touched start.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["repository", "stack"]))]
struct PushArguments {
    /// The repository, as owner/name.
    repository: Option<String>,
    /// Touch this stack only, in its own repository and branch.
    #[arg(long, value_name = "STACK", conflicts_with_all = ["branch", "path"])]
    stack: Option<String>,
    /// The branch [default: the one that the stacks of the repository follow].
    #[arg(long)]
    branch: Option<String>,
    /// The commit's hash [default: a new one].
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    /// The commit's message.
    #[arg(long)]
    message: Option<String>,
    /// Who wrote the commit.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// A file that the push touches; may be repeated [default: files of every stack].
    #[arg(long, value_name = "FILE")]
    path: Vec<String>,
}

/// Makes answers or deliveries go wrong.
#[derive(Debug, Args)]
struct FaultArguments {
    /// What goes wrong.
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
    /// One in N, by chance, until --clear.
    #[arg(long, value_name = "N", group = "how-often")]
    one_in: Option<u64>,
    /// Each N-th, until --clear.
    #[arg(long, value_name = "N", group = "how-often")]
    every: Option<u64>,
    /// The same seed strikes the same requests.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "one_in")]
    seed: u64,
    /// What a GraphQL error says.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// How late an answer or a delivery is, or how long a client is told to wait, in milliseconds.
    #[arg(long, value_name = "MS")]
    pause: Option<u64>,
    /// End all faults, and send deliveries that were held back.
    #[arg(long, conflicts_with_all = ["kind", "operation", "how-often", "seed", "message", "pause"])]
    clear: bool,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(FAULT_KINDS.map(|(name, help)| PossibleValue::new(name).help(help)))
}

pub(crate) fn control(arguments: ControlArguments) -> Done {
    let client = Client::of(&arguments.url)?;
    block_on(async {
        let Some(request) = arguments.verb.request() else {
            return log::show(&client.log().await?, arguments.json);
        };
        let answer = client.send(&request).await?;
        if arguments.json {
            output::json(&answer)?;
        } else {
            output::line(&answer.text);
        }
        Ok(ExitCode::SUCCESS)
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
            Self::Log => return None,
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
