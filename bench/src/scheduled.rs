//! A chain through the schedule, with a Spacelift that answers at once.

use std::collections::VecDeque;

use chain::schedule::{Effect, Event, Listed, Rebuilt};
use chain::{
    AttemptOutcome, ChainId, DependencyGraph, LabelGrammar, RunFacts, RunState, RunType, Schedule,
    ScheduleSettings, StackFacts,
};

use crate::{parsed, root};

/// How many runs were made, and how many decisions it took.
pub fn run_through(account: Vec<StackFacts>) -> (usize, usize) {
    let graph = DependencyGraph::build(account, &LabelGrammar::default());
    let mut schedule = Schedule::new(parsed("acme"), ScheduleSettings::default());
    let clean = Rebuilt {
        clean: true,
        ..Rebuilt::default()
    };
    let mut now_ms = 0;
    schedule.apply(Event::Rebuilt(Box::new(clean)), now_ms);
    let mut events = VecDeque::from([Event::Requested {
        chain: ChainId::of_request(&parsed("acme"), "bench"),
        root: root(),
        by: None,
        only: None,
    }]);
    let mut graph = Some(graph);
    let (mut runs, mut decisions) = (0, 0);
    while let Some(event) = events.pop_front() {
        schedule.apply(event, now_ms);
        loop {
            decisions += 1;
            now_ms += 1;
            for effect in schedule.decide(now_ms) {
                match effect {
                    Effect::List => events.extend(graph.take().map(listed)),
                    Effect::Attempt(request) => {
                        runs += 1;
                        let run = facts(runs, RunState::Queued);
                        let outcome = AttemptOutcome::Run {
                            run,
                            made: true,
                            chains: request.needs.into_iter().map(|need| need.chain).collect(),
                            behind: false,
                            chosen: None,
                        };
                        let stack = request.stack.clone();
                        events.push_back(Event::Attempted { stack, outcome });
                        events.push_back(Event::RunEnded {
                            stack: request.stack,
                            run: facts(runs, RunState::Finished),
                        });
                    }
                    _ => {}
                }
            }
            schedule.take_changes();
            // The chain is opened in one decision, and begun in the next.
            if schedule.next_wake_ms().is_none_or(|at_ms| at_ms > now_ms) {
                break;
            }
        }
    }
    (runs, decisions)
}

fn listed(graph: DependencyGraph) -> Event {
    Event::Listed(Box::new(Listed {
        graph,
        policies: Vec::new(),
        changes: std::collections::BTreeMap::new(),
        settings: ScheduleSettings::default(),
    }))
}

fn facts(number: usize, state: RunState) -> RunFacts {
    RunFacts {
        id: parsed(&format!("R{number}")),
        run_type: RunType::Tracked,
        state,
        branch: "main".to_owned(),
        commit: None,
        triggered_by: None,
        ours: true,
        other_spillway: None,
        drift_detection: false,
        created_at_s: 0,
        began_at_s: None,
        changed_at_s: 0,
        partial: false,
        planned: true,
        changed: None,
        gone: false,
        reported_at_ms: None,
    }
}
