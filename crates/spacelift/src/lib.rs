#![doc = include_str!("../README.md")]

mod client;
mod document;
mod error;
mod facts;
mod fields;
mod operations;
mod settings;
mod transport;

pub use client::{Reservation, Spacelift};
pub use error::{Error, ErrorClass, ErrorKind};
pub use facts::COMMITS_MAX;
pub use fields::{Fields, FieldsError};
pub use operations::blueprint::{Blueprint, BlueprintInput, BlueprintState, StackFromBlueprint};
pub use operations::context::{ConfigElement, ConfigKind, Context, NewConfig, NewContext};
pub use operations::dependency::StackDependency;
pub use operations::policy::{NewPolicy, Policy};
pub use operations::run::{
    Commit, Delta, FoundRun, RUNS_SINCE_MAX, Run, RunEnd, RunsSince, Transition, TriggerRun,
};
pub use operations::session::User;
pub use operations::space::{NewSpace, Space};
pub use operations::stack::{Lock, NativeDependency, NewStack, Stack, StackWithRuns, Vendor, VendorConfig};
pub use operations::webhook::{NamedWebhook, NewNamedWebhook};
pub use settings::{ConfigError, Limits, Settings, is_private_address};
