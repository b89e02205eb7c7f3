//! Sets aside a broken cause with an alarm, so that it does not block the others.

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use super::message::Decision;

impl Schedule {
    /// Sets aside the causes that are wrong in a saved state.
    pub(super) fn quarantine_broken(&mut self) {
        let broken: Vec<(CauseNumber, &str)> = self
            .state
            .causes
            .keys()
            .filter_map(|&number| Some((number, self.broken(number)?)))
            .collect();
        for (number, why) in broken {
            self.quarantine(number, why);
        }
    }

    fn broken(&self, number: CauseNumber) -> Option<&'static str> {
        let plan = self.state.causes.get(&number)?.plan.as_ref()?;
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return Some("its stacks are not known");
        };
        if plan.standings.len() != topology.len() || plan.standings.is_unreadable() {
            return Some("where its stacks stand is not known");
        }
        let has_run = |at: u32| {
            let run = self
                .state
                .stacks
                .get(topology.id(at))
                .and_then(|stack| stack.run.as_ref());
            run.is_some_and(|used| used.causes.contains(&number))
        };
        let mut running = plan
            .standings
            .iter()
            .filter(|&(_, standing)| standing == Standing::Running);
        (!running.all(|(at, _)| has_run(at))).then_some("a stack of it runs, and its run is not known")
    }

    /// Sets aside the causes that wait for something that can never happen.
    pub(super) fn quarantine_stuck(&mut self) {
        let stuck: Vec<CauseNumber> = self
            .state
            .causes
            .iter()
            .filter(|(number, cause)| {
                let plan = cause.plan.as_ref();
                plan.is_some_and(|plan| !plan.standings.is_over() && !plan.standings.has_running())
                    && !self.ready.has_cause(**number)
            })
            .map(|(number, _)| *number)
            .collect();
        for number in stuck {
            self.quarantine(number, "its stacks wait for each other");
        }
    }

    fn quarantine(&mut self, number: CauseNumber, why: &str) {
        for stack in self.ready.remove_cause(number) {
            self.forget_wait_unless_ready(&stack);
        }
        if let Some(cause) = self.state.causes.remove(&number) {
            self.log(Decision::Quarantined {
                chain: cause.chain,
                why: why.to_owned(),
            });
        }
    }
}
