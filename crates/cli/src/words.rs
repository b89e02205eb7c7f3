//! Numbers in sentences.

use std::fmt::Display;

/// `1 stack`, or how many `stacks`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    let what = if number == N::from(1) { one } else { many };
    format!("{number} {what}")
}
