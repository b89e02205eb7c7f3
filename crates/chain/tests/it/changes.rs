//! Which stacks a run of an administrative stack changed.

use std::collections::BTreeSet;

use chain::StackId;
use chain::changes::{ManagedResource, ReportedChanges, RunChanges};

use crate::account::id;

const KNOWN: [&str; 3] = ["network", "acme-db", "app"];

/// Resources as `address` or `address = values`.
fn managed(line: &str) -> ManagedResource {
    let (address, values) = match line.split_once(" = ") {
        Some((address, values)) => (address, Some(values.to_owned())),
        None => (line, None),
    };
    ManagedResource {
        address: address.to_owned(),
        values,
    }
}

/// The stacks that a run changed, or why they are unknown. `deleted` of the changed resources were deleted.
#[track_caller]
fn check(changed: &[&str], deleted: i64, resources: &[&str], expected: &str) {
    let reported = ReportedChanges {
        addresses: changed.iter().map(|&address| address.to_owned()).collect(),
        count: Some(i64::try_from(changed.len()).unwrap()),
        deleted: Some(deleted),
    };
    let known: BTreeSet<StackId> = KNOWN.into_iter().map(id).collect();
    let resources: Vec<ManagedResource> = resources.iter().map(|line| managed(line)).collect();
    let found = match reported.stacks(&resources, &known) {
        RunChanges::Stacks { stacks } => {
            let stacks: Vec<String> = stacks.iter().map(ToString::to_string).collect();
            stacks.join(" ")
        }
        RunChanges::Unknown { why } => format!("unknown: {why}"),
    };
    assert_eq!(found, expected, "{changed:?}");
}

#[test]
fn the_id_attribute_names_the_stack() {
    let stack = r#"spacelift_stack.this = {"id": "acme-db", "name": "network"}"#;
    check(&["spacelift_stack.this"], 0, &[stack], "acme-db");
    let keyed = r#"module.stacks["network"].spacelift_stack.this[0] = {"id": "acme-db"}"#;
    check(
        &[r#"module.stacks["network"].spacelift_stack.this[0]"#],
        0,
        &[keyed],
        "acme-db",
    );
    // The last characters of the SHA-256 of `acme-db`, as Spacelift shows a hidden text.
    let hidden = r#"spacelift_stack.this = {"id": "d4a59fea"}"#;
    check(&["spacelift_stack.this"], 0, &[hidden], "acme-db");
    // An id of as many characters that is no such end.
    let other = r#"spacelift_stack.this = {"id": "d4a59feb"}"#;
    check(
        &["spacelift_stack.this"],
        0,
        &[other],
        "unknown: the resource `spacelift_stack.this` names no stack that the API key sees",
    );
}

#[test]
fn a_key_in_the_address_names_the_stack_if_the_attributes_do_not() {
    for address in [
        r#"spacelift_stack.this["app"]"#,
        r#"module.all.module.of["app"].spacelift_stack.this[0]"#,
        r#"module.a["x.y[0]"].spacelift_stack.this["app"]"#,
        r#"module.a["network"].spacelift_stack.this["app"]"#,
    ] {
        check(&[address], 0, &[address], "app");
    }
    check(
        &[r#"spacelift_stack.this["a\"pp"]"#],
        0,
        &[r#"spacelift_stack.this["a\"pp"]"#],
        r#"unknown: the resource `spacelift_stack.this["a\"pp"]` names no stack that the API key sees"#,
    );
}

#[test]
fn only_resources_that_belong_to_a_stack_count() {
    let variable = r#"spacelift_environment_variable.region = {"stack_id": "network"}"#;
    check(
        &["spacelift_environment_variable.region"],
        0,
        &[variable],
        "network",
    );
    // A resource of another provider does not, whatever its attributes are.
    let elsewhere = r#"aws_vpc.this = {"stack_id": "app"}"#;
    check(
        &["aws_vpc.this", "spacelift_environment_variable.region"],
        0,
        &[elsewhere, variable],
        "network",
    );
    let attached = r#"spacelift_policy_attachment.p["app"]"#;
    check(&[attached], 0, &[attached], "app");
    for address in [
        "spacelift_policy.plan",
        r#"aws_vpc.this["app"]"#,
        "data.spacelift_stack.app",
        r#"module.m.data.spacelift_stack.this["app"]"#,
        "output.spacelift_stack",
        "spacelift_stack",
        "",
        "[",
        "[\"app",
        "..[]",
    ] {
        check(&[address], 0, &[address], "");
    }
}

#[test]
fn deleted_stacks_are_ignored_and_unlisted_ones_are_unknown() {
    let deleted = r#"spacelift_stack.this["old"]"#;
    let kept = r#"spacelift_stack.this["app"] = {"id": "app"}"#;
    check(&[deleted, r#"spacelift_stack.this["app"]"#], 1, &[kept], "app");
    check(
        &[deleted],
        0,
        &[kept],
        r#"unknown: the resource `spacelift_stack.this["old"]` names no stack that the API key sees"#,
    );
}

#[test]
fn an_empty_resource_list_counts_only_if_nothing_changed() {
    check(&[], 0, &[], "");
    let known = BTreeSet::new();
    for count in [None, Some(1)] {
        let reported = ReportedChanges {
            count,
            ..ReportedChanges::default()
        };
        assert_eq!(
            reported.stacks(&[], &known),
            RunChanges::Unknown {
                why: "Spacelift lists no changed resources of the run".to_owned()
            }
        );
    }
}
