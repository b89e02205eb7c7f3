//! Every order reaches a stack without a run, whatever it waits for.

use std::num::NonZeroU32;

use chain::ChainId;
use chain::schedule::Control;

use super::{MINUTE_MS, host_with, made, settings, states, why};
use crate::schedule::host::Host;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    Upstream,
    Slot,
    Lock,
    Freeze,
    RetryAfter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Pause,
    Cancel,
    CancelAndStopRuns,
    Halt,
}

const WAITS: [WaitsFor; 5] = [
    WaitsFor::Upstream,
    WaitsFor::Slot,
    WaitsFor::Lock,
    WaitsFor::Freeze,
    WaitsFor::RetryAfter,
];

const ORDERS: [Order; 4] = [Order::Pause, Order::Cancel, Order::CancelAndStopRuns, Order::Halt];

impl WaitsFor {
    /// `db` waits, and why.
    fn begin(self) -> (Host, &'static str) {
        let account = match self {
            Self::Upstream => "vpc; before: vpc; db: before; app: db",
            // The longest path goes first.
            Self::Slot => "vpc; first: vpc; second: first; third: second; db: vpc; app: db",
            Self::Lock | Self::Freeze | Self::RetryAfter => "vpc; db: vpc; app: db",
        };
        let one_at_a_time = settings(|settings| settings.chain.parallel_runs = NonZeroU32::MIN);
        let mut host = host_with(account, one_at_a_time);
        match self {
            Self::Upstream | Self::Slot => host.world.step_ms = 50_000,
            Self::Lock => host.locks("db", true),
            Self::Freeze => host.freeze_for(20 * MINUTE_MS),
            Self::RetryAfter => {
                host.trouble_until_ms = i64::MAX;
                host.retry_after_ms = Some(20 * MINUTE_MS);
            }
        }
        host.pushes("vpc");
        let why = match self {
            Self::Upstream => "waits for `before`",
            Self::Slot => "waits for a free slot",
            Self::Lock => "the stack is locked by alice",
            Self::Freeze => "frozen",
            Self::RetryAfter => "503",
        };
        (host, why)
    }

    fn end(self, host: &mut Host) {
        match self {
            Self::Upstream | Self::Slot => {}
            Self::Lock => host.locks("db", false),
            Self::Freeze => host.thaw(),
            Self::RetryAfter => host.trouble_until_ms = 0,
        }
        host.hour();
    }
}

fn chain_of_db(host: &Host) -> ChainId {
    let has_db = |chain: &&ChainId| states(host, chain).contains("db ");
    host.records.keys().find(has_db).unwrap().clone()
}

fn runs_of_db(host: &Host) -> usize {
    made(host).split(' ').filter(|stack| *stack == "db").count()
}

#[test]
fn orders_reach_waiting_stacks() {
    for waits_for in WAITS {
        for order in ORDERS {
            let case = format!("{waits_for:?}, {order:?}");
            let (mut host, expected) = waits_for.begin();
            let end_ms = host.now_ms + 20 * MINUTE_MS;
            while !why(&host, "db").contains(expected) {
                assert!(host.now_ms < end_ms, "{case}: {}", why(&host, "db"));
                host.run_for(1_000);
            }
            let chain = chain_of_db(&host);
            match order {
                Order::Pause => host.control(&chain, Control::Pause),
                Order::Cancel => host.control(&chain, Control::Cancel),
                Order::CancelAndStopRuns => host.control(&chain, Control::CancelAndStopRuns),
                Order::Halt => host.halt(true),
            }
            host.run_for(1);
            waits_for.end(&mut host);
            assert_eq!(runs_of_db(&host), 0, "{case}");
            let (runs, ends) = match order {
                Order::Pause => {
                    host.control(&chain, Control::Resume);
                    (1, ["db succeeded", "app succeeded"])
                }
                Order::Halt => {
                    host.halt(false);
                    (1, ["db succeeded", "app succeeded"])
                }
                Order::Cancel | Order::CancelAndStopRuns => (0, ["db skipped", "app skipped"]),
            };
            host.hour();
            assert_eq!(runs_of_db(&host), runs, "{case}");
            let states = states(&host, &chain);
            assert!(ends.iter().all(|end| states.contains(end)), "{case}: {states}");
            host.keeps_the_laws();
        }
    }
}
