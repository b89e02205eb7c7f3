//! Emulates Lambda for one test: the real program, the runtime API, real events.

mod function;
mod runtime;

pub use self::function::Function;
