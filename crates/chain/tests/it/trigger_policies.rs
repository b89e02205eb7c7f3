//! Which trigger policies read the labels that we read.

use chain::LabelGrammar;
use chain::trigger_policy::reads_labels;

#[test]
fn policies_that_read_dependency_labels() {
    for (rule, expected) in [
        // One label for each upstream.
        (
            r#"stack.labels[_] == concat("", ["depends-on:", input.stack.id])"#,
            true,
        ),
        (
            r#"label == concat("", ["depends-on:", input.stack.id, "|state:", input.run.state])"#,
            true,
        ),
        // A list.
        (
            r#"startswith(label, "depends-on:")
               dependencies := split(trim_prefix(label, "depends-on:"), ",")"#,
            true,
        ),
        (r#"label == sprintf("dependsOn:%s", [input.stack.id])"#, true),
        (r#"concat(":", ["depends-on", input.stack.id])"#, true),
        ("regex.match(`^depends-on:.*$`, label)", true),
        // Others.
        (r#"stack.id == "database""#, false),
        (r#"label == concat("", ["after:", input.stack.id])"#, false),
        (r#"label == "depends-on-call:team""#, false),
        (r#"label == "independs-on:team""#, false),
        // A comment does not count.
        (
            "# stacks have a label \"depends-on:<stack>\"\nstack.id == \"database\"",
            false,
        ),
        (r#"x == "a \" # depends-on:b""#, true),
        (r##"x == "#" ; y == "depends-on:""##, true),
        (r#"x == "a" # "depends-on:"#, false),
        (r#"x == `\` # "depends-on:"#, false),
        // Text that is not Rego does not end a string, so it has none.
        (r#"x == "never closed"#, false),
        ("x == \"\\", false),
        ("", false),
    ] {
        let body = format!("package spacelift\n\ntrigger[stack.id] {{\n  {rule}\n}}\n");
        assert_eq!(reads_labels(&body, &LabelGrammar::default()), expected, "{rule}");
    }
    let grammar: LabelGrammar = "after".parse().unwrap();
    assert!(reads_labels("x == \"after:\"", &grammar));
    assert!(!reads_labels("x == \"depends-on:\"", &grammar));
}
