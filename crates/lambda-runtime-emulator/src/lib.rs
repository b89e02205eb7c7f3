//! Lambda as a function of a test's own sees it: the real program, the runtime API, real events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod function;
mod runtime;

pub use function::Function;
