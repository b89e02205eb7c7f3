//! The operations of the client, one module each. Operations that return the same thing share a `.graphql` document and
//! the generated type of its fragment. A pure function, `from_fields`, converts that into the type that callers see.

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
