#![doc = include_str!("../README.md")]

mod action;
mod canonical;
mod entry;
mod hash;
mod key;
pub mod manifest;
mod record;
mod store;
pub mod verify;

pub use action::Action;
pub use entry::Entry;
pub use hash::{Hash, NotAHash};
pub use record::{Link, Record, Trail, VERSION};
pub use store::{BucketFailure, History, Location, LocationError, Object, Store, StoreError, StoredChain};
