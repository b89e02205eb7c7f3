//! Data that the first version wrote can still be read, since histories outlive deployments.
//!
//! `tests/contract` has a file for each type that crosses Temporal, with examples as the first version wrote them.
//! Examples are only ever added: a field that came later is not in the old ones, and so must have a default.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chain::schedule::{ScheduleReport, StackReport};
use chain::{AttemptOutcome, Change};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use temporal_client::contract::*;

macro_rules! contract {
    ($($name:ident: $type:ty),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        $(
            #[test]
            fn $name() {
                check::<$type>(stringify!($name));
            }
        )+
    };
}

contract! {
    attempt_outcome: AttemptOutcome,
    audit_input: AuditInput,
    audit_record: audit::Record,
    audit_records: AuditRecords,
    chain_input: ChainInput,
    chain_order: ChainOrder,
    chain_report: ChainReport,
    changes: Vec<Change>,
    deliveries: Deliveries,
    execution_input: ExecutionInput,
    execution_ref: ExecutionRef,
    follow_input: FollowInput,
    follow_outcome: FollowOutcome,
    freeze_input: FreezeInput,
    halt: Halt,
    list_request: ListRequest,
    listed_stacks: ListedStacks,
    notify_input: NotifyInput,
    open_chains: OpenChains,
    open_work: OpenWork,
    open_work_request: OpenWorkRequest,
    received: Received,
    received_event: ReceivedEvent,
    retry_request: RetryRequest,
    run_look: RunLook,
    run_look_request: RunLookRequest,
    run_notify_input: RunNotifyInput,
    run_ref: RunRef,
    run_requested: RunRequested,
    run_stop: RunStop,
    schedule_input: ScheduleInput,
    schedule_message: ScheduleMessage,
    schedule_report: ScheduleReport,
    send_notices: SendNotices,
    send_run_notices: SendRunNotices,
    sent_notices: SentNotices,
    sent_run_notices: SentRunNotices,
    stack_report: StackReport,
    sweep_input: SweepInput,
    sweep_outcome: SweepOutcome,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract")
}

#[test]
fn each_example_belongs_to_a_type() {
    let files = std::fs::read_dir(directory()).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.trim_end_matches(".json").to_owned()
    });
    let names: BTreeSet<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(files.collect::<BTreeSet<String>>(), names);
}

#[track_caller]
fn check<T: DeserializeOwned + Serialize>(name: &str) {
    let text = std::fs::read(directory().join(format!("{name}.json"))).unwrap();
    let examples: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(!examples.is_empty());
    for old in examples {
        let read: T =
            serde_json::from_value(old.clone()).unwrap_or_else(|error| panic!("{name}: {error}: {old:#}"));
        let new = serde_json::to_value(&read).unwrap();
        if let Err(place) = is_kept(&old, &new) {
            panic!("{name}: {place} is not as it was: {old:#}\nis written as {new:#}");
        }
        let again: T = serde_json::from_value(new.clone()).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), new, "{name}");
    }
}

/// Everything in `old` is still written under the same name. The error is the path of what is missing.
fn is_kept(old: &Value, new: &Value) -> Result<(), String> {
    let within = |place: String| move |inner: String| format!("{place}{inner}");
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                is_kept(value, new.get(key).unwrap_or(&Value::Null)).map_err(within(format!("/{key}")))?;
            }
            Ok(())
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                is_kept(old, new).map_err(within(format!("/{at}")))?;
            }
            Ok(())
        }
        _ if old == new => Ok(()),
        _ => Err(String::new()),
    }
}

#[test]
fn a_renamed_or_changed_field_is_found() {
    let old = serde_json::json!({"a": [{"b": 1}], "c": null});
    for (new, place) in [
        (serde_json::json!({"a": [{"b": 1, "more": 2}], "c": null}), None),
        (serde_json::json!({"a": [{"b": 1}]}), None),
        (serde_json::json!({"a": [{"renamed": 1}]}), Some("/a/0/b")),
        (serde_json::json!({"a": [{"b": 2}]}), Some("/a/0/b")),
        (serde_json::json!({"a": []}), Some("/a")),
    ] {
        assert_eq!(is_kept(&old, &new).err().as_deref(), place, "{new}");
    }
}
