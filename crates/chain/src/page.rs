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

#[cfg(test)]
mod tests {
    use super::{ChainId, chain, run, segment, stack};

    #[test]
    fn pages_have_escaped_segments_and_one_slash() {
        assert_eq!(segment("a-b_c.d~e:f"), "a-b_c.d~e:f");
        assert_eq!(segment("a/b?c d%"), "a%2Fb%3Fc%20d%25");
        let id = ChainId::of_workflow("chain:acme:01R");
        let (db, tracked) = ("db".parse().unwrap(), "01R".parse().unwrap());
        for base in ["https://acme.example", "https://acme.example/"] {
            assert_eq!(chain(base, &id), "https://acme.example/chains/chain:acme:01R");
            assert_eq!(stack(base, &db), "https://acme.example/stack/db");
            assert_eq!(run(base, &db, &tracked), "https://acme.example/stack/db/run/01R");
        }
    }
}
