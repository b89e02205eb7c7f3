//! Figures that Criterion does not give: the 99th percentile of a delivery, and the peak memory of planning.
//!
//!     cargo run --release -p bench --bin chain-figures -- delivery
//!     cargo run --release -p bench --bin chain-figures -- planning 10000
//!     cargo run --release -p bench --bin chain-figures -- schedule 10000

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use bench::{SignedDelivery, account, graph_and_chain, scheduled};

const DELIVERIES: usize = 200_000;
const PLANS: usize = 15;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let line = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["delivery"] => delivery(),
        ["planning", stacks] => match stacks.parse() {
            Ok(stacks) => planning(stacks),
            Err(e) => format!("`{stacks}` is not a number of stacks: {e}"),
        },
        ["schedule", stacks] => match stacks.parse() {
            Ok(stacks) => schedule(stacks),
            Err(e) => format!("`{stacks}` is not a number of stacks: {e}"),
        },
        _ => "usage: chain-figures delivery | planning <stacks> | schedule <stacks>".to_owned(),
    };
    writeln!(std::io::stdout(), "{line}")
}

fn delivery() -> String {
    let delivery = SignedDelivery::default();
    let mut times: Vec<Duration> = (0..DELIVERIES)
        .map(|_| {
            let start = Instant::now();
            black_box(black_box(&delivery).verify_and_parse());
            start.elapsed()
        })
        .collect();
    times.sort();
    format!(
        "verify and parse of {} bytes: median {:?}, 99th percentile {:?}, 99.9th {:?}",
        bench::DELIVERY_BYTES,
        times[DELIVERIES / 2],
        times[DELIVERIES / 100 * 99],
        times[DELIVERIES / 1000 * 999],
    )
}

fn planning(stacks: usize) -> String {
    let account = account(stacks);
    let before = peak_kib();
    let mut times: Vec<Duration> = (0..PLANS)
        .map(|_| {
            let account = account.clone();
            let start = Instant::now();
            match black_box(graph_and_chain(account)) {
                Ok(chain) => assert_eq!(chain.stacks.len(), stacks - 1),
                Err(refusal) => panic!("{refusal}"),
            }
            start.elapsed()
        })
        .collect();
    times.sort();
    format!(
        "graph and chain of {stacks} stacks: median {:?}, slowest {:?}; peak {} MiB, of which the account itself {} MiB",
        times[PLANS / 2],
        times[PLANS - 1],
        peak_kib() / 1024,
        before / 1024,
    )
}

/// One chain through the schedule, from its root to its end. Spacelift answers at once.
fn schedule(stacks: usize) -> String {
    let account = account(stacks);
    let before = peak_kib();
    let start = Instant::now();
    let (runs, decisions) = scheduled::run_through(account);
    assert_eq!(runs, stacks - 1);
    format!(
        "one chain of {stacks} stacks: {:?} for {decisions} decisions; peak {} MiB, of which the account itself {} MiB",
        start.elapsed(),
        peak_kib() / 1024,
        before / 1024,
    )
}

/// The most memory that this process has had, as Linux knows it; 0 elsewhere.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
