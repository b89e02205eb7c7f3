//! Where people see a chain on the dashboard, and a stack and a run in Spacelift.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{ChainId, RunId, StackId};

/// The characters that are not escaped in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':');

/// A text as one segment of a path or as a value of a query.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The page of a chain on the dashboard. `base` is the address of the dashboard.
pub fn chain(base: &str, chain: &ChainId) -> String {
    format!(
        "{}/chains/{}",
        base.trim_end_matches('/'),
        segment(chain.as_str())
    )
}

/// The page of a stack. `base` is that of the account, such as `https://acme.app.spacelift.io`.
pub fn stack(base: &str, stack: &StackId) -> String {
    format!("{}/stack/{}", base.trim_end_matches('/'), segment(stack.as_str()))
}

/// The page of a run.
pub fn run(base: &str, stack: &StackId, run: &RunId) -> String {
    format!("{}/run/{}", self::stack(base, stack), segment(run.as_str()))
}
