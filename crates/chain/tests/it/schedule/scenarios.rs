//! Each law on small accounts without faults.

mod approvals;
mod attempts;
mod conflicts;
mod deadlines;
mod doubts;
mod downstream;
mod failures;
mod follow;
mod freezes;
mod joins;
mod native;
mod notices;
mod orders;
mod policies;
mod rebuilds;
mod records;
mod repairs;
mod reports;
mod retries;
mod slots;
mod state;
mod steering;
mod summaries;

use chain::schedule::Decision;
use chain::{ChainId, ScheduleSettings, StackId};

use super::host::{Entry, Faults, Host};
use super::oracle;
use super::random::Random;
use super::world::{By, Fate, World};
use crate::account::{id, stacks};

const MINUTE_MS: i64 = 60_000;

fn settings(change: impl FnOnce(&mut ScheduleSettings)) -> ScheduleSettings {
    let mut settings = ScheduleSettings::default();
    change(&mut settings);
    settings
}

fn host_with(account: &str, settings: ScheduleSettings) -> Host {
    let world = World::new(stacks(account), Random::new(1));
    let faults = Faults {
        delay_ms: 200,
        ..Faults::default()
    };
    Host::new(world, settings, faults, Random::new(2))
}

fn host(account: &str) -> Host {
    host_with(account, ScheduleSettings::default())
}

/// The stacks of the runs that we triggered, in order.
fn made(host: &Host) -> String {
    let own = host.world.runs.iter().filter(|run| run.by == By::Us);
    own.map(|run| run.stack.to_string()).collect::<Vec<_>>().join(" ")
}

/// The attempted stacks, in order.
fn tried(host: &Host) -> String {
    let tried = host.trace.iter().filter_map(|(_, entry)| match entry {
        Entry::Decided(Decision::Attempt { stack, .. }) => Some(stack.to_string()),
        _ => None,
    });
    tried.collect::<Vec<_>>().join(" ")
}

fn run_of(host: &Host, stack: &str) -> usize {
    let found = host.world.runs.iter().rposition(|run| run.stack == id(stack));
    found.unwrap()
}

fn why(host: &Host, stack: &str) -> String {
    host.schedule.stack_report(&id(stack), host.now_ms).why
}

/// `stack state` of the chain, in its order.
fn states(host: &Host, chain: &ChainId) -> String {
    let states = host.records[chain]
        .progress()
        .iter()
        .map(|stack| format!("{} {}", stack.id, stack.state));
    states.collect::<Vec<_>>().join(", ")
}

impl Host {
    fn pushes(&mut self, stacks: &str) {
        let stacks: Vec<StackId> = stacks.split_whitespace().map(id).collect();
        self.world.push(&stacks, self.now_ms);
        self.run_for(1);
    }

    fn fate(&mut self, stack: &str, fate: Fate) {
        self.world.next_fate.insert(id(stack), fate);
    }

    fn locks(&mut self, stack: &str, locked: bool) {
        self.world.stacks.get_mut(&id(stack)).unwrap().locked = locked;
    }

    fn confirms(&mut self, stack: &str, confirm: bool) {
        let run = run_of(self, stack);
        self.person_decides(run, confirm);
    }

    fn only_chain(&self) -> ChainId {
        assert_eq!(self.records.len(), 1);
        self.records.keys().next().unwrap().clone()
    }

    fn hour(&mut self) {
        self.run_for(60 * MINUTE_MS);
    }

    #[track_caller]
    fn keeps_the_laws(&self) {
        if let Err(why) = oracle::check(self) {
            panic!("{why}");
        }
    }
}
