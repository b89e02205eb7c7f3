//! Resources by name: those that a test says a run changes.

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
