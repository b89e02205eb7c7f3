//! The label grammar, as a table.

use chain::LabelGrammar;
use chain::label::{named, parse, with, without};

/// The stacks that the label names, `-` for another kind of label, or why it cannot be read.
fn reading(label: &str, grammar: &LabelGrammar) -> String {
    match parse(label, grammar) {
        Ok(None) => "-".to_owned(),
        Ok(Some(stacks)) => stacks
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        Err(e) => {
            assert_eq!(e.label, label);
            assert!(e.to_string().contains(label), "`{e}` does not name the label");
            format!("! {}", e.kind)
        }
    }
}

#[track_caller]
fn check(grammar: &LabelGrammar, table: &[(&str, &str)]) {
    for (label, expected) in table {
        assert_eq!(reading(label, grammar), *expected, "label {label:?}");
    }
}

const MEANT: &str = "! it looks like a dependency, which is written `dependsOn:<stack id>`";
const NO_STACK: &str = "! a stack id is missing";

#[test]
fn dependencies() {
    check(
        &LabelGrammar::default(),
        &[
            ("dependsOn:vpc", "vpc"),
            ("depends-on:vpc", "vpc"),
            ("dependsOn:vpc,db", "vpc db"),
            ("dependsOn:vpc, db , dns", "vpc db dns"),
            ("dependsOn: vpc", "vpc"),
            ("  dependsOn:vpc  ", "vpc"),
            ("dependsOn:vpc|state:FINISHED", "vpc"),
            ("dependsOn:vpc,db|state:FINISHED", "vpc db"),
            ("dependsOn:vpc|state:FINISHED,db|state:FINISHED", "vpc db"),
            ("dependsOn:vpc | state:FINISHED", "vpc"),
            ("dependsOn:vpc,vpc", "vpc vpc"),
            (
                "dependsOn:prod-01HJP3651BQT2GY2EQSG6KVWDB",
                "prod-01HJP3651BQT2GY2EQSG6KVWDB",
            ),
            ("dependsOn:under_score.dot/slash", "under_score.dot/slash"),
            ("dependsOn:VPC", "VPC"),
            ("dependsOn:dependsOn:vpc", "dependsOn:vpc"),
        ],
    );
}

#[test]
fn other_labels() {
    check(
        &LabelGrammar::default(),
        &[
            ("", "-"),
            ("env:prod", "-"),
            ("folder:aws/dependsOn", "-"),
            ("feature:dependsOn:vpc", "-"),
            ("dependsOnCall:team", "-"),
            ("depends-on-call:team", "-"),
            ("dependsOnvpc", "-"),
            ("independent", "-"),
            ("autoattach:*", "-"),
            (":", "-"),
            (",|:", "-"),
            ("☃:vpc", "-"),
        ],
    );
}

#[test]
fn unreadable_labels_that_look_like_dependencies() {
    let long = format!("dependsOn:{}", "a".repeat(129));
    check(
        &LabelGrammar::default(),
        &[
            ("dependsOn", MEANT),
            ("dependsOn vpc", MEANT),
            ("dependsOn=vpc", MEANT),
            ("dependsOn|vpc", MEANT),
            ("dependson:vpc", MEANT),
            ("DependsOn:vpc", MEANT),
            ("DEPENDS_ON:vpc", MEANT),
            ("depends on:vpc", MEANT),
            ("dependsOn :vpc", MEANT),
            ("Depends-On : vpc", MEANT),
            ("dependsOn:", NO_STACK),
            ("dependsOn: ", NO_STACK),
            ("dependsOn:,", NO_STACK),
            ("dependsOn:vpc,", NO_STACK),
            ("dependsOn:,vpc", NO_STACK),
            ("dependsOn:vpc,,db", NO_STACK),
            ("dependsOn:|state:FINISHED", NO_STACK),
            ("dependsOn:vpc db", "! stack id \"vpc db\" has the character ' '"),
            (
                "dependsOn:vpc\u{7}db",
                "! stack id \"vpc\\u{7}db\" has the character '\\u{7}'",
            ),
            (&long, "! stack id is 129 bytes long, more than 128"),
            (
                "dependsOn:vpc|",
                "! only `|state:FINISHED` may follow a stack id, not `|`: write `dependsOn:vpc`",
            ),
            (
                "dependsOn:vpc|output:id",
                "! only `|state:FINISHED` may follow a stack id, not `|output:id`: write `dependsOn:vpc`",
            ),
            (
                "dependsOn:vpc|state:finished",
                "! `|state:finished` is written `|state:FINISHED`",
            ),
            (
                "dependsOn:vpc|state:FINISHED|state:FINISHED",
                "! only `|state:FINISHED` may follow a stack id, not `|state:FINISHED|state:FINISHED`: write \
                 `dependsOn:vpc`",
            ),
        ],
    );
}

/// Labels that other tools and examples use.
#[test]
fn labels_of_other_tools() {
    const FAILED: &str = "! Spillway runs a stack only after a run that finished, never because of `|state:FAILED`: \
                          write `depends-on:stack-one`, or keep the trigger policy for this label and give it another \
                          word before the colon";
    check(
        &LabelGrammar::default(),
        &[
            // Cloud Posse's modules and atmos.
            ("depends-on:plat-ue2-dev-vpc", "plat-ue2-dev-vpc"),
            ("deps:stacks/orgs/acme/plat/dev.yaml", "-"),
            ("import:catalog/vpc/defaults", "-"),
            ("stack:plat-ue2-dev", "-"),
            ("folder:component/vpc", "-"),
            // Masterpoint's spacelift-automation.
            (
                "depends-on:spacelift-automation-default",
                "spacelift-automation-default",
            ),
            ("folder:random-pet/example", "-"),
            // Spacelift's documentation and example policies.
            ("depends-on:stack-2a,stack-2b", "stack-2a stack-2b"),
            ("depends-on:stack-one|state:FINISHED", "stack-one"),
            ("depends-on:stack-one|state:FAILED", FAILED),
            // Receivers that send messages.
            ("slack:#channel:FAILED,FINISHED", "-"),
            // Spacelift itself.
            ("autoattach:network", "-"),
            ("feature:enable_log_timestamps", "-"),
        ],
    );
    for state in ["CANCELED", "DISCARDED", "STOPPED", "SKIPPED", "UNCONFIRMED"] {
        let label = format!("depends-on:stack-one|state:{state}");
        let expected = FAILED.replace("FAILED", state);
        check(&LabelGrammar::default(), &[(&label, &expected)]);
    }
}

fn labels(text: &str) -> Vec<String> {
    text.split(';')
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_new_dependency_label_has_the_prefix_of_the_existing_ones() {
    let stack = "vpc".parse().unwrap();
    for (before, after) in [
        ("", "dependsOn:vpc"),
        ("env:prod", "env:prod;dependsOn:vpc"),
        ("depends-on:dns", "depends-on:dns;depends-on:vpc"),
        ("depends-on:dns,vpc", "depends-on:dns,vpc"),
        ("dependsOn:vpc|state:FINISHED", "dependsOn:vpc|state:FINISHED"),
        ("depends-on:vpc2", "depends-on:vpc2;depends-on:vpc"),
        // An unreadable label names nothing.
        (
            "depends-on:vpc|state:FAILED",
            "depends-on:vpc|state:FAILED;depends-on:vpc",
        ),
        ("spillway:optional=vpc", "spillway:optional=vpc;dependsOn:vpc"),
    ] {
        let grammar = LabelGrammar::default();
        assert_eq!(with(&labels(before), &stack, &grammar), labels(after), "{before}");
    }
}

#[test]
fn removing_a_dependency_removes_its_label_or_its_entry_in_a_list() {
    let stack = "vpc".parse().unwrap();
    for (before, after) in [
        ("", ""),
        ("env:prod;dependsOn:vpc;x", "env:prod;x"),
        ("dependsOn:vpc;depends-on: vpc ", ""),
        (
            "depends-on:dns,vpc,db|state:FINISHED",
            "depends-on:dns,db|state:FINISHED",
        ),
        ("depends-on:vpc,vpc", ""),
        ("depends-on:vpc2", "depends-on:vpc2"),
        ("depends-on:vpc|state:FAILED", "depends-on:vpc|state:FAILED"),
        (
            "spillway:optional=vpc;spillway:optional=dns",
            "spillway:optional=dns",
        ),
    ] {
        let grammar = LabelGrammar::default();
        assert_eq!(
            without(&labels(before), &stack, &grammar),
            labels(after),
            "{before}"
        );
    }
}

#[test]
fn the_text_in_place_of_a_stack_is_quoted() {
    let grammar = LabelGrammar::default();
    for (label, expected) in [
        ("depends-on:Core Network, db|state:X", vec!["Core Network", "db"]),
        ("env:prod", vec![]),
    ] {
        assert_eq!(named(label, &grammar).collect::<Vec<_>>(), expected, "{label}");
    }
}

#[test]
fn the_prefix_is_configurable() {
    let grammar: LabelGrammar = "after, needs-run".parse().unwrap();
    check(
        &grammar,
        &[
            ("after:vpc", "vpc"),
            ("needs-run:vpc,db", "vpc db"),
            ("dependsOn:vpc", "-"),
            (
                "After:vpc",
                "! it looks like a dependency, which is written `after:<stack id>`",
            ),
            (
                "needsRun:vpc",
                "! it looks like a dependency, which is written `after:<stack id>`",
            ),
        ],
    );
}

#[test]
fn a_prefix_is_one_word() {
    for wrong in ["", "a,", "a,,b", "a:", "a|b", "a b", "--"] {
        assert!(wrong.parse::<LabelGrammar>().is_err(), "{wrong:?}");
    }
    assert_eq!(
        LabelGrammar::new(vec!["a:".to_owned()]).unwrap_err().to_string(),
        "the label prefix \"a:\" is not made of letters, digits, `-`, `_`, `.` and `/`"
    );
    assert!(LabelGrammar::new(Vec::new()).is_err());
    assert!(serde_json::from_str::<LabelGrammar>(r#"["a b"]"#).is_err());
    let read: LabelGrammar = serde_json::from_str(r#"["after"]"#).unwrap();
    assert_eq!(read.prefixes(), ["after"]);
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"["after"]"#);
}
