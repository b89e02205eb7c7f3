//! From a cause to its plan. One listing of the account serves all causes that arrived before it began.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::{Cause, CauseNumber, Plan, Standing, Standings};
use super::message::{Decision, Effect, Listed, Opening};
use super::topology::Topology;
use super::{Listing, Schedule};
use crate::chain::{Member, Scope, members};
use crate::{
    ChainId, ChainSettings, DependencyGraph, NoChange, Refusal, Root, RunChanges, RunId, StackFacts, StackId,
    StackPolicy,
};

/// How old a listing can be to show that a stack has no dependents.
const FRESH_MS: i64 = 60_000;

impl Schedule {
    /// A person requests a run of the root and its dependents, or a retry of some of them.
    pub(super) fn requested(
        &mut self,
        chain: ChainId,
        root: Root,
        by: Option<String>,
        only: Option<Vec<StackId>>,
    ) {
        let root = Root {
            ended_at_s: root.ended_at_s.or(Some(self.now_ms / 1000)),
            ..root
        };
        self.add_cause(chain, root, by, only);
    }

    pub(super) fn add_cause(
        &mut self,
        chain: ChainId,
        root: Root,
        by: Option<String>,
        only: Option<Vec<StackId>>,
    ) {
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
            only,
            plan: None,
            paused: false,
            pause: None,
            unapproved: false,
            stuck_since_ms: None,
            stopped: None,
            stops_runs: false,
            is_gone: false,
        };
        self.state.causes.insert(number, cause);
    }

    /// A fresh listing shows that the stack has no dependents, so no new one is needed.
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

    /// Requests a listing if a cause needs one and none is in progress. Also after a loss, since without a listing it
    /// is unknown what else to wait for.
    pub(super) fn list(&mut self) {
        let is_missing = self.state.listing.is_none() && !self.state.causes.is_empty();
        let is_wanted = is_missing || self.unplanned_roots().next().is_some();
        if is_wanted && self.state.listing_below.is_none() {
            self.state.listing_below = Some(self.state.next_cause);
            self.state.effects.push(Effect::List);
        }
    }

    /// The roots that the requested listing serves and, if the cause is a run, their runs: what these changed may
    /// matter.
    pub fn listed_roots(&self) -> Vec<(StackId, RunId)> {
        let Some(below) = self.state.listing_below else {
            return Vec::new();
        };
        let unplanned = self.state.causes.range(..below).map(|(_, cause)| cause);
        unplanned
            .filter(|cause| cause.plan.is_none() && cause.only.is_none() && !cause.root.is_due)
            .filter_map(|cause| Some((cause.root.stack.clone(), cause.root.run.clone()?)))
            .collect()
    }

    /// The roots of unplanned causes. Everything downstream of them may be due.
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
            self.plan(number, &listed.graph, &listed.changes, topology);
        }
    }

    /// Keeps the topology of a listing, or the previous one if nothing changed.
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
            ignored: ignored(graph),
        });
        topology
    }

    pub(super) fn keep_topology(&mut self, topology: Topology) -> u32 {
        let number = self.state.next_topology;
        self.state.next_topology += 1;
        self.state.topologies.insert(number, topology);
        number
    }

    fn plan(
        &mut self,
        number: CauseNumber,
        graph: &DependencyGraph,
        changes: &BTreeMap<RunId, RunChanges>,
        topology: u32,
    ) {
        let settings = self.state.settings.chain.clone();
        let Some(cause) = self.state.causes.get(&number) else {
            return;
        };
        let not_looked_up = RunChanges::Unknown {
            why: "nobody looked".to_owned(),
        };
        let changed = cause.root.run.as_ref().and_then(|run| changes.get(run));
        let scope = match &cause.only {
            Some(only) => Scope::Only(only),
            None => Scope::Changed(changed.unwrap_or(&not_looked_up)),
        };
        let members = match members(graph, &cause.root, scope, &settings) {
            Ok(members) => members,
            Err(refusal) => return self.refuse(number, refusal),
        };
        if !members
            .iter()
            .any(|member| matches!(member, Member::Runs | Member::Skipped(_)))
        {
            let (chain, stack) = (cause.chain.clone(), cause.root.stack.clone());
            self.state.causes.remove(&number);
            self.state.unsent.remove(&chain);
            self.log(Decision::NothingToDo { chain, stack });
            return;
        }
        let chain = match crate::plan_only(graph, &cause.root, scope, &settings) {
            Ok(chain) => chain,
            Err(refusal) => return self.refuse(number, refusal),
        };
        let mut standings: Vec<Standing> = members.iter().map(standing).collect();
        self.wait_over_native(topology, &cause.root, &mut standings);
        let has_native = self
            .state
            .topologies
            .get(&topology)
            .is_some_and(Topology::has_native);
        let looks_far = has_native && standings.contains(&Standing::Skipped);
        let is_passing = |(_, standing): &(u32, &Standing)| **standing == Standing::Passing;
        let passing = (0..)
            .zip(&standings)
            .filter(is_passing)
            .map(|(at, _)| at)
            .collect();
        let plan = Plan {
            topology,
            minds_changes: minds_changes(graph, &cause.root, &settings),
            settings,
            repository: graph.stack(&cause.root.stack).map(|root| root.repository.clone()),
            passing,
            policies: policies(graph),
            tries: BTreeMap::new(),
            changed: root_changed(graph, &cause.root),
            standings: Standings::new(standings),
            looks_far,
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
        cause.unapproved = chain.needs_approval.is_some();
        let root = cause.root.stack.clone();
        cause.only = None;
        self.state.effects.push(Effect::Open(Box::new(Opening {
            chain: cause.chain.clone(),
            root: cause.root.clone(),
            by: cause.by.clone(),
            plan: Ok(chain),
        })));
        self.pass_over(number);
        self.find_ready_of(number);
        self.note_deadlines_of(&root);
    }

    /// A stack that the chain does not run, and that Spacelift itself runs after one that the chain runs, is left out:
    /// stacks that wait for it wait for both. If such stacks wait for each other, the cycle is cut.
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

    /// Leaves out stacks that wait for nothing, and skips those that need not run because nothing changed.
    fn pass_over(&mut self, number: CauseNumber) {
        let Some(cause) = self.state.causes.get_mut(&number) else {
            return;
        };
        let root = cause.root.clone();
        let Some(plan) = cause.plan.as_mut() else {
            return;
        };
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return;
        };
        let root = topology.index(&root.stack);
        let mut let_out = Vec::new();
        for &at in topology.order() {
            let standing = plan.standings.get(at);
            if !matches!(standing, Standing::Passing | Standing::Due) || !plan.is_ready(at, topology) {
                continue;
            }
            if standing == Standing::Due && !plan.is_let_out(at, root, topology) {
                continue;
            }
            plan.standings.set(at, Standing::Skipped);
            plan.pass_on_change(at, root, topology);
            if standing == Standing::Due {
                let_out.push(topology.id(at).clone());
            }
        }
        for stack in let_out {
            self.report_let_out(number, &stack);
        }
    }

    fn refuse(&mut self, number: CauseNumber, refusal: Refusal) {
        if let Some(cause) = self.state.causes.remove(&number) {
            self.state.unsent.remove(&cause.chain);
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

/// The stacks that block nothing, according to their labels.
fn ignored(graph: &DependencyGraph) -> BTreeSet<StackId> {
    let ids = graph.stacks().iter().map(|facts| &facts.id);
    ids.filter(|id| graph.policy(id).is_some_and(|policy| policy.ignore))
        .cloned()
        .collect()
}

/// Whether a stack can be skipped because nothing changed. A retry runs the stacks that it names, because its own runs
/// do not show what changed before.
fn minds_changes(graph: &DependencyGraph, root: &Root, settings: &ChainSettings) -> bool {
    let skips = |facts: &StackFacts| {
        let own = graph.policy(&facts.id).and_then(|policy| policy.no_change);
        own.unwrap_or(settings.no_change) == NoChange::Skip
    };
    root.retry_of.is_none() && graph.stacks().iter().any(skips)
}

/// The settings in the labels of stacks, if there are any.
fn policies(graph: &DependencyGraph) -> BTreeMap<u32, StackPolicy> {
    let own = (0..).zip(graph.stacks()).filter_map(|(at, facts)| {
        let policy = graph.policy(&facts.id)?;
        (!policy.is_default()).then(|| (at, policy.clone()))
    });
    own.collect()
}

/// Whether the root's run changed something, if known.
fn root_changed(graph: &DependencyGraph, root: &Root) -> BTreeMap<u32, bool> {
    let at = graph.stacks().iter().position(|facts| facts.id == root.stack);
    let at = at.and_then(|at| u32::try_from(at).ok());
    at.zip(root.changed).into_iter().collect()
}

fn standing(member: &Member) -> Standing {
    match member {
        Member::Outside => Standing::Outside,
        Member::Runs => Standing::Due,
        Member::LeftOut(_) => Standing::Passing,
        Member::Skipped(_) => Standing::Skipped,
    }
}
