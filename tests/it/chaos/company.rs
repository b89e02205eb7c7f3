//! The company: stacks in layers, in several repositories, with labels, and stacks that Spacelift runs by itself.

use std::collections::{BTreeMap, BTreeSet};

use mock_spacelift::{NewPolicy, NewStack};

use super::random::Random;
use crate::world::World;

const ROOTS: usize = 6;
/// How many stacks depend natively on a stack of the layers, and how many a trigger policy runs. One more stack depends on
/// each of them by its label.
const NATIVE: usize = 3;
const BY_POLICY: usize = 3;
/// The number of stacks at each depth.
const LAYERS: [usize; 4] = [14, 12, 10, 6];
pub(super) const REPOSITORIES: [&str; 3] = ["acme/landing-zone", "acme/platform", "acme/apps"];

/// Stacks in layers, each depending on some of the layers above it.
pub(super) struct Company {
    /// The dependencies of each stack.
    pub(super) upstream: BTreeMap<String, Vec<String>>,
    pub(super) repository: BTreeMap<String, String>,
    confirming: BTreeSet<String>,
    /// Their runs change nothing.
    unchanging: BTreeSet<String>,
    /// The native dependency of each stack that has one.
    native: BTreeMap<String, String>,
    /// The stacks that trigger policies run, with the stack after whose runs.
    by_policy: BTreeMap<String, String>,
    /// The labels of stacks that have labels of their own.
    pub(super) policies: BTreeMap<String, &'static str>,
}

/// Failed runs of a stack with this label are retried.
pub(super) const RETRIES: &str = "spillway:retries=1";
/// If a stack with this label fails, its dependents run.
pub(super) const CONTINUES: &str = "spillway:on-failure=continue";
const POLICIES: [&str; 6] = [
    RETRIES,
    CONTINUES,
    "spillway:no-change=skip",
    "spillway:timeout=20s",
    "spillway:priority=5",
    "spillway:optional=nowhere",
];

impl Company {
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut company = Self {
            upstream: BTreeMap::new(),
            repository: BTreeMap::new(),
            confirming: BTreeSet::new(),
            unchanging: BTreeSet::new(),
            native: BTreeMap::new(),
            by_policy: BTreeMap::new(),
            policies: BTreeMap::new(),
        };
        let mut above: Vec<String> = Vec::new();
        for (depth, count) in std::iter::once(ROOTS).chain(LAYERS).enumerate() {
            let mut layer = Vec::new();
            for number in 0..count {
                let stack = format!("layer-{depth}-{number:02}");
                let mut upstream = BTreeSet::new();
                for _ in 0..=random.below(3) {
                    upstream.extend(random.one_of(&above).cloned());
                }
                // Two of three roots share a repository, so that one push can have several roots.
                let repository = if depth == 0 { number / 3 } else { random.below(3) };
                company
                    .upstream
                    .insert(stack.clone(), upstream.into_iter().collect());
                company
                    .repository
                    .insert(stack.clone(), REPOSITORIES[repository].to_owned());
                if depth > 0 && random.percent(10) {
                    company.confirming.insert(stack.clone());
                }
                if depth > 0 && random.percent(40) {
                    let label = *random.one_of(&POLICIES).unwrap();
                    company.policies.insert(stack.clone(), label);
                }
                if random.percent(40) {
                    company.unchanging.insert(stack.clone());
                }
                layer.push(stack);
            }
            above.extend(layer);
        }
        for number in 0..NATIVE {
            let stack = company.add_pair("native", number, &mut random);
            let after = random.one_of(&above).unwrap().clone();
            company.native.insert(stack, after);
        }
        for number in 0..BY_POLICY {
            let stack = company.add_pair("policy", number, &mut random);
            let after = random.one_of(&above).unwrap().clone();
            company.by_policy.insert(stack, after);
        }
        company
    }

    /// Adds a stack without labels, and one that depends on it. Returns the first.
    fn add_pair(&mut self, kind: &str, number: usize, random: &mut Random) -> String {
        let first = format!("{kind}-{number:02}");
        let below = format!("{kind}-below-{number:02}");
        for (stack, upstream) in [(&first, vec![]), (&below, vec![first.clone()])] {
            let repository = *random.one_of(&REPOSITORIES).unwrap();
            self.upstream.insert(stack.clone(), upstream);
            self.repository.insert(stack.clone(), repository.to_owned());
        }
        first
    }

    pub(super) fn add_to(&self, world: &World) {
        for (stack, upstream) in &self.upstream {
            let stack_of = NewStack::named(stack)
                .repository(&self.repository[stack])
                .autodeploy(!self.confirming.contains(stack));
            let stack_of = if self.unchanging.contains(stack) {
                stack_of.no_changes()
            } else {
                stack_of
            };
            let stack_of = match self.native.get(stack) {
                Some(after) => stack_of.native_dependency(after),
                None => stack_of,
            };
            let labelled = upstream
                .iter()
                .fold(stack_of, |stack, upstream| stack.depends_on(upstream));
            let own = self.policies.get(stack);
            world
                .spacelift
                .add_stack(own.into_iter().fold(labelled, |stack, label| stack.label(label)));
        }
        for (stack, after) in &self.by_policy {
            let body = format!(
                "package spacelift\n\ntrigger[\"{stack}\"] {{\n  input.run.state == \"FINISHED\"\n  input.run.type == \"TRACKED\"\n}}\n"
            );
            let name = format!("run-{stack}");
            world
                .spacelift
                .create_policy(NewPolicy::trigger(&name, &body))
                .unwrap();
            world.spacelift.attach_policy(&name, after);
        }
    }

    pub(super) fn roots_in(&self, repository: &str) -> Vec<String> {
        let roots = self.upstream.iter().filter(|(_, upstream)| upstream.is_empty());
        let stacks = roots.map(|(stack, _)| stack.clone());
        stacks
            .filter(|stack| self.repository[stack] == repository)
            .collect()
    }

    /// Everything downstream of a stack.
    pub(super) fn downstream(&self, stack: &str) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        // Names sort by depth, so one pass is enough.
        for (below, upstream) in &self.upstream {
            if upstream
                .iter()
                .any(|above| above == stack || found.contains(above))
            {
                found.insert(below.clone());
            }
        }
        found
    }
}
