//! What Spillway writes into the metadata of the runs that it triggers, and how it recognises another Spillway.
//!
//! Anyone who can trigger runs can write metadata, so they decide nothing about a run that our own key did not trigger.

/// The beginning of the metadata. The namespace follows.
const PREFIX: &str = "spillway:";

/// The metadata of a run: the Temporal namespace of the Spillway that triggered it, and the workflow.
pub fn of_run(namespace: &str, workflow: &str) -> String {
    format!("{PREFIX}{}:{workflow}", escaped(namespace))
}

/// The namespace of another Spillway, if the metadata of a run contain one. Each call about a run can add an entry.
pub fn other_namespace(metadata: &[String], own: &str) -> Option<String> {
    let own = escaped(own);
    metadata
        .iter()
        .filter_map(|entry| entry.strip_prefix(PREFIX)?.split_once(':'))
        .map(|(namespace, _)| namespace)
        .find(|namespace| !namespace.is_empty() && *namespace != own)
        .map(|namespace| namespace.replace("%3A", ":").replace("%25", "%"))
}

fn escaped(namespace: &str) -> String {
    namespace.replace('%', "%25").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spillway_is_recognised_by_its_namespace() {
        let of = |namespace| of_run(namespace, "stack:acme:db");
        for (metadata, expected) in [
            (vec![], None),
            (vec![of("ours")], None),
            (vec![of("theirs")], Some("theirs")),
            // A person used our client to confirm a run that another Spillway triggered.
            (vec![of("theirs"), of("ours")], Some("theirs")),
            (vec!["change 42".to_owned(), of("theirs")], Some("theirs")),
            (vec!["change 42".to_owned()], None),
            (vec!["spillway:".to_owned()], None),
            (vec!["spillway::stack".to_owned()], None),
            (vec!["spillway:ours".to_owned()], None),
            (vec![of("ours:2")], Some("ours:2")),
            (vec![of("100%:%3A")], Some("100%:%3A")),
        ] {
            let found = other_namespace(&metadata, "ours");
            assert_eq!(found.as_deref(), expected, "{metadata:?}");
        }
        assert_eq!(other_namespace(&[of("a:%3A")], "a:%3A"), None);
    }
}
