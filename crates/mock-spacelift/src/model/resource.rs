//! Resources by name: those that a test says a run changes.

use crate::mock::MockSpacelift;
use crate::model::refusal::done;
use crate::model::stack::Stack;

/// A resource in the state of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub address: String,
    /// Its attributes as JSON.
    pub values: String,
}

impl Resource {
    /// `spacelift_stack` in `module.all.spacelift_stack.this["db"]`.
    pub(crate) fn kind(&self) -> &str {
        let before_keys = self
            .address
            .trim_end_matches(|last| last != '[')
            .trim_end_matches('[');
        let address = if before_keys.is_empty() {
            &self.address
        } else {
            before_keys
        };
        address.rsplit('.').nth(1).unwrap_or_default()
    }
}

impl MockSpacelift {
    /// The stack's next run changes these resources, each an address and its attributes, and keeps them.
    #[track_caller]
    pub fn changes_next(&self, stack: &str, resources: &[(&str, serde_json::Value)]) {
        done(self.write(|account| {
            let stack = account.stack_mut(stack)?;
            for (address, values) in resources {
                stack.keep(Resource {
                    address: (*address).to_owned(),
                    values: values.to_string(),
                });
            }
            let addresses = resources.iter().map(|(address, _)| (*address).to_owned());
            stack.next_changes = Some(addresses.collect());
            Ok(())
        }));
    }
}

impl Stack {
    fn keep(&mut self, resource: Resource) {
        self.resources.retain(|other| other.address != resource.address);
        self.resources.push(resource);
    }
}
