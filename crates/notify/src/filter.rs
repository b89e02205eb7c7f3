//! Which chains a sink gets messages about.

use chain::Notice;
use chain::pattern::fits;

/// Chains by account and by the id of the root. An empty list matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Without it, the sink gets only the messages that labels of stacks send it.
    pub(crate) chains: bool,
    pub(crate) accounts: Vec<String>,
    pub(crate) stacks: Vec<String>,
}

impl Filter {
    pub(crate) fn wants(&self, notice: &Notice) -> bool {
        let root = &notice.root;
        let is_account =
            self.accounts.is_empty() || self.accounts.iter().any(|name| name == root.account.as_str());
        let is_stack = self.stacks.is_empty()
            || self
                .stacks
                .iter()
                .any(|pattern| fits(pattern, root.stack.as_str()));
        self.chains && is_account && is_stack
    }
}
