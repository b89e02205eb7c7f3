//! What the client can ask for: one operation is one `.graphql` and one module. The generated types stay in their
//! module; a pure function turns them into the type that callers see.

pub(crate) mod blueprint;
mod chosen;
pub(crate) mod context;
pub(crate) mod dependency;
mod execute;
mod page;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod session;
pub(crate) mod space;
pub(crate) mod stack;
pub(crate) mod webhook;

use std::fmt::Display;

use crate::transport::Unusable;

/// An id as Spacelift sent it.
fn id<T: TryFrom<String, Error: Display>>(text: String) -> Result<T, Unusable> {
    T::try_from(text).map_err(|error| Unusable::Mismatch(error.to_string()))
}
