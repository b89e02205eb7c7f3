//! From a cause to its plan: one listing of the account serves all causes that were told before it began.

use std::collections::BTreeMap;

use super::cause::{Cause, CauseNumber, Plan, Standing, Standings};
use super::message::{Decision, Effect, Listed, Opening};
use super::topology::Topology;
use super::{Listing, Schedule};
use crate::chain::{Member, members};
use crate::{ChainId, DependencyGraph, Refusal, Root, StackId};

/// How old a listing may be to say that nothing depends on a stack.
const FRESH_MS: i64 = 60_000;

impl Schedule {
    /// A person asks for a run of the root and of what depends on it.
    pub(super) fn requested(&mut self, chain: ChainId, root: Root, by: Option<String>) {
        let root = Root {
            ended_at_s: root.ended_at_s.or(Some(self.now_ms / 1000)),
            ..root
        };
        self.add_cause(chain, root, by);
    }

    pub(super) fn add_cause(&mut self, chain: ChainId, root: Root, by: Option<String>) {
        if self.cause_of(&chain).is_some() {
            return;
        }
        self.log(Decision::Cause {
            chain: chain.clone(),
            stack: root.stack.clone(),
            run: root.run.clone(),
        });
        if !root.is_due && self.is_known_leaf(&root.stack) {
            self.log(Decision::NothingToDo {
                chain,
                stack: root.stack,
            });
            return;
        }
        let number = self.state.next_cause;
        self.state.next_cause += 1;
        let cause = Cause {
            chain,
            root,
            by,
            plan: None,
            paused: false,
            stopped: None,
            is_gone: false,
        };
        self.state.causes.insert(number, cause);
    }

    /// A fresh listing says that nothing depends on the stack, so that a new one is not needed.
    fn is_known_leaf(&self, stack: &StackId) -> bool {
        let Some(listing) = &self.state.listing else {
            return false;
        };
        let is_fresh = listing.listed_at_ms > self.now_ms - FRESH_MS;
        let topology = self.state.topologies.get(&listing.topology);
        is_fresh
            && topology.is_some_and(|topology| {
                let at = topology.index(stack);
                at.is_some_and(|at| topology.downstream_by_label(at).next().is_none())
            })
    }

    /// Asks for a listing where a cause needs one and none is under way; also after a loss, since without one nobody
    /// knows for what else to wait.
    pub(super) fn list(&mut self) {
        let is_missing = self.state.listing.is_none() && !self.state.causes.is_empty();
        let is_wanted = is_missing || self.unplanned_roots().next().is_some();
        if is_wanted && self.state.listing_below.is_none() {
            self.state.listing_below = Some(self.state.next_cause);
            self.state.effects.push(Effect::List);
        }
    }

    /// The roots of causes that are not planned: what lies downstream of them may be due.
    pub(super) fn unplanned_roots(&self) -> impl Iterator<Item = &StackId> {
        self.state
            .causes
            .values()
            .filter(|cause| cause.plan.is_none())
            .map(|cause| &cause.root.stack)
    }

    pub(super) fn listed(&mut self, listed: Listed) {
        let Some(below) = self.state.listing_below.take() else {
            return;
        };
        self.state.settings = listed.settings;
        let topology = self.keep_listing(&listed.graph, listed.policies);
        let unplanned: Vec<CauseNumber> = self
            .state
            .causes
            .range(..below)
            .filter(|(_, cause)| cause.plan.is_none())
            .map(|(number, _)| *number)
            .collect();
        for number in unplanned {
            self.plan(number, &listed.graph, topology);
        }
    }

    /// Keeps the topology of a listing, or the one before where nothing changed.
    fn keep_listing(&mut self, graph: &DependencyGraph, policies: Vec<String>) -> u32 {
        let listed = Topology::of_account(graph);
        let known = self.state.listing.as_ref().map(|listing| listing.topology);
        let same = known.filter(|number| self.state.topologies.get(number) == Some(&listed));
        let topology = same.unwrap_or_else(|| self.keep_topology(listed));
        let native_upstream: BTreeMap<StackId, Vec<String>> = graph
            .stacks()
            .iter()
            .filter(|stack| !stack.native_dependencies.is_empty())
            .map(|stack| {
                let upstream = stack.native_dependencies.iter().map(ToString::to_string);
                (stack.id.clone(), upstream.collect())
            })
            .collect();
        self.state.listing = Some(Listing {
            listed_at_ms: self.now_ms,
            topology,
            native_upstream,
            policies,
        });
        topology
    }

    pub(super) fn keep_topology(&mut self, topology: Topology) -> u32 {
        let number = self.state.next_topology;
        self.state.next_topology += 1;
        self.state.topologies.insert(number, topology);
        number
    }

    fn plan(&mut self, number: CauseNumber, graph: &DependencyGraph, topology: u32) {
        let settings = self.state.settings.chain.clone();
        let Some(cause) = self.state.causes.get(&number) else {
            return;
        };
        let members = match members(graph, &cause.root, &settings) {
            Ok(members) => members,
            Err(refusal) => return self.refuse(number, refusal),
        };
        if !members
            .iter()
            .any(|member| matches!(member, Member::Runs | Member::Skipped(_)))
        {
            let (chain, stack) = (cause.chain.clone(), cause.root.stack.clone());
            self.state.causes.remove(&number);
            self.state.untold.remove(&chain);
            self.log(Decision::NothingToDo { chain, stack });
            return;
        }
        let chain = match crate::plan(graph, &cause.root, &settings) {
            Ok(chain) => chain,
            Err(refusal) => return self.refuse(number, refusal),
        };
        let mut standings: Vec<Standing> = members.iter().map(standing).collect();
        self.wait_over_native(topology, &cause.root, &mut standings);
        let is_passing = |(_, standing): &(u32, &Standing)| **standing == Standing::Passing;
        let passing = (0..)
            .zip(&standings)
            .filter(is_passing)
            .map(|(at, _)| at)
            .collect();
        let plan = Plan {
            topology,
            settings,
            repository: graph.stack(&cause.root.stack).map(|root| root.repository.clone()),
            passing,
            standings: Standings::new(standings),
            looks_far: false,
            ready_at_s: BTreeMap::new(),
            slots: 0,
        };
        self.log(Decision::Planned {
            chain: cause.chain.clone(),
            stacks: chain.stacks.len(),
        });
        let Some(cause) = self.state.causes.get_mut(&number) else {
            return;
        };
        cause.plan = Some(plan);
        self.state.effects.push(Effect::Open(Box::new(Opening {
            chain: cause.chain.clone(),
            root: cause.root.clone(),
            by: cause.by.clone(),
            plan: Ok(chain),
        })));
        self.pass_over(number);
        self.find_ready_of(number);
    }

    /// A stack that the chain does not run, and that Spacelift itself runs after one that it does, is passed over: what
    /// waits for it waits for both. Where such stacks wait for each other, the cycle is cut.
    fn wait_over_native(&self, topology: u32, root: &Root, standings: &mut [Standing]) {
        let Some(topology) = self
            .state
            .topologies
            .get(&topology)
            .filter(|topology| topology.has_native())
        else {
            return;
        };
        let Some(root_at) = topology.index(&root.stack) else {
            return;
        };
        for at in topology.reached_from(root_at) {
            let standing = &mut standings[at as usize];
            if *standing == Standing::Outside && !topology.closes_cycle(at) {
                *standing = Standing::Passing;
            }
        }
    }

    /// Passes over what is left out and waits for nothing.
    fn pass_over(&mut self, number: CauseNumber) {
        let Some(plan) = self
            .state
            .causes
            .get_mut(&number)
            .and_then(|cause| cause.plan.as_mut())
        else {
            return;
        };
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return;
        };
        for &at in topology.order() {
            if plan.standings.get(at) == Standing::Passing && plan.is_ready(at, topology) {
                plan.standings.set(at, Standing::Skipped);
            }
        }
    }

    fn refuse(&mut self, number: CauseNumber, refusal: Refusal) {
        if let Some(cause) = self.state.causes.remove(&number) {
            self.state.untold.remove(&cause.chain);
            self.log(Decision::Refused {
                chain: cause.chain.clone(),
                code: refusal.code().to_owned(),
                reason: refusal.to_string(),
            });
            self.state.effects.push(Effect::Open(Box::new(Opening {
                chain: cause.chain,
                root: cause.root,
                by: cause.by,
                plan: Err(refusal),
            })));
        }
    }
}

fn standing(member: &Member) -> Standing {
    match member {
        Member::Outside => Standing::Outside,
        Member::Runs => Standing::Due,
        Member::LeftOut(_) => Standing::Passing,
        Member::Skipped(_) => Standing::Skipped,
    }
}
