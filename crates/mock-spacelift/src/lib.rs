#![doc = include_str!("../README.md")]

mod account;
mod controls;
mod faults;
mod graphql;
mod http;
mod mock;
mod model;
mod runs;
mod webhooks;

pub use controls::fault_request::{FAULT_KINDS, FaultRequest};
pub use controls::request::{ControlAnswer, ControlRequest, ControlledRun, PushRequest};
pub use controls::seed::{Seed, SeedError};
pub use faults::delivery::WebhookFault;
pub use faults::rate::{FaultRate, WebhookFaultRate};
pub use faults::request::Fault;
pub use http::environment::{Environment, environments};
pub use http::server::Server;
pub use mock::MockSpacelift;
pub use model::api_key::{KEY_ID, KEY_SECRET};
pub use model::blueprint::{Blueprint, BlueprintState};
pub use model::clock::Timestamp;
pub use model::context::{ConfigElement, ConfigType, SpaceContext};
pub use model::log::{LogAction, LogEntry};
pub use model::named_webhook::NewNamedWebhook;
pub use model::new_stack::NewStack;
pub use model::pace::Pace;
pub use model::policy::{NewPolicy, PolicyType};
pub use model::push::Push;
pub use model::record::{DeliveryOutcome, DeliveryRecord, RequestRecord, RunRecord, StackRecord};
pub use model::refusal::Refusal;
pub use model::rego::PolicyEngine;
pub use model::space::{NewSpace, Space};
pub use model::vendor::Vendor;
pub use model::webhook::{DeliveredTransition, NewWebhook, WebhookKey};
