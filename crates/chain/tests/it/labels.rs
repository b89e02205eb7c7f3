//! The label grammar, as a table.

use chain::LabelGrammar;
use chain::label::parse;

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
fn what_looks_like_a_dependency_and_cannot_be_read() {
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
                "! only `|state:FINISHED` may follow a stack id, not `|`",
            ),
            (
                "dependsOn:vpc|state:APPLYING",
                "! only `|state:FINISHED` may follow a stack id, not `|state:APPLYING`",
            ),
            (
                "dependsOn:vpc|state:finished",
                "! only `|state:FINISHED` may follow a stack id, not `|state:finished`",
            ),
            (
                "dependsOn:vpc|state:FINISHED|state:FINISHED",
                "! only `|state:FINISHED` may follow a stack id, not `|state:FINISHED|state:FINISHED`",
            ),
        ],
    );
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
fn a_prefix_is_a_word() {
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
