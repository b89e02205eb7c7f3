//! The settings of chains: the parameters of the workflows.

use super::{Group, Setting, parameter};

pub(super) const CHAINS: Group = Group {
    title: "Chains",
    settings: &[
        parameter(
            &["SPILLWAY_PARALLEL_RUNS"],
            "parallel_runs",
            "The maximum number of runs of one chain that work at the same time. A run that waits for a person, a lock or \
             another run does not count, nor one that has waited for a worker for 15 minutes.",
            "10",
        ),
        parameter(
            &["SPILLWAY_PARALLEL_RUNS_OF_ACCOUNT"],
            "parallel_runs_of_account",
            "The maximum number of runs of all chains that work at the same time.",
            "30",
        ),
        parameter(
            &["SPILLWAY_ON_FAILURE"],
            "on_failure",
            "What a failed stack means for its chain: `skip-downstream`, `stop` (nothing new starts) or `continue` (it \
             counts as done).",
            "skip-downstream",
        ),
        parameter(
            &["SPILLWAY_UNKNOWN_UPSTREAM"],
            "unknown_upstream",
            "What happens to a stack whose dependency does not exist or is not visible: `skip` or `ignore`.",
            "skip",
        ),
        parameter(
            &["SPILLWAY_CONFIRM"],
            "confirm",
            "Who confirms chains: `spacelift` (each run in Spacelift), or `chain` (a chain that a push started also waits for an approval before its first run).",
            "spacelift",
        ),
        parameter(
            &["SPILLWAY_ASK_ABOVE"],
            "ask_above",
            "A chain of more stacks waits for an approval before its first run; 0 means never.",
            "0",
        ),
        parameter(
            &["SPILLWAY_NO_CHANGE"],
            "no_change",
            "What happens to a stack whose upstream stacks changed no resource in the chain: `run` or `skip`.",
            "run",
        ),
        parameter(
            &["SPILLWAY_RUN_RETRIES"],
            "run_retries",
            "How often a failed run is retried.",
            "0",
        ),
        parameter(
            &["SPILLWAY_RUN_RETRY_PAUSE"],
            "run_retry_pause",
            "The pause before the first retry of a run; each later one is twice as long.",
            "60s",
        ),
        parameter(
            &["SPILLWAY_RUN_TIMEOUT"],
            "run_timeout",
            "How long a run may take until it is confirmed or being applied. Then it is ended; `0s` means never.",
            "0s",
        ),
        parameter(
            &["SPILLWAY_STUCK_AFTER"],
            "stuck_after",
            "How long something may wait for a person or a lock before the alarm counts it.",
            "24h",
        ),
        Setting {
            variables: &["SPILLWAY_FREEZE"],
            key: Some("freeze"),
            meaning: "Windows in which no stack is started: see steering.md.",
            default: None,
        },
        parameter(
            &["SPILLWAY_LABEL_PREFIXES"],
            "label_prefixes",
            "The words that begin a dependency label.",
            "dependsOn, depends-on",
        ),
        parameter(
            &["SPILLWAY_JOIN_WAIT"],
            "join_wait",
            "How long a stack that could run waits for others upstream of it, so that one run serves several chains.",
            "10m",
        ),
        parameter(
            &["SPILLWAY_TRIGGER_ATTEMPTS"],
            "trigger_attempts",
            "How often Spacelift may reject the run of a stack before the stack fails.",
            "3",
        ),
        parameter(
            &["SPILLWAY_TRIGGER_PATIENCE"],
            "trigger_patience",
            "How long a stack is tried while Spacelift is unavailable or does not show it, before the stack fails.",
            "2h",
        ),
        parameter(
            &["SPILLWAY_TRIGGER_BACKOFF"],
            "trigger_backoff",
            "The first pause between attempts. Each later one is twice as long, up to five minutes.",
            "5s",
        ),
        parameter(
            &["SPILLWAY_POLL_FIRST"],
            "poll_first",
            "The first pause between polls of a run whose webhook does not arrive. Each later one is three times as long.",
            "10m",
        ),
        parameter(
            &["SPILLWAY_POLL_LONGEST"],
            "poll_longest",
            "The longest pause between polls.",
            "3h",
        ),
        parameter(
            &["SPILLWAY_DRIFT_RUNS"],
            "drift_runs",
            "Whether the end of a drift detection run starts a chain.",
            "false",
        ),
        parameter(
            &["SPILLWAY_HISTORY_EVENTS"],
            "history_events",
            "How many events the history of a workflow may have before the workflow continues as new.",
            "8000",
        ),
        parameter(
            &["SPILLWAY_SWEEP_EVERY"],
            "sweep_every",
            "How often the sweep looks for runs whose webhook was missed.",
            "10m",
        ),
    ],
};
