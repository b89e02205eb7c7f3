//! What Spillway writes into the metadata of the runs that it triggers, and how it recognises another Spillway.
//!
//! Anyone who can trigger runs can write metadata, so they decide nothing about a run that our own key did not trigger.

/// The beginning of the metadata. The name of the namespace, the workflow and the id of the namespace follow.
const PREFIX: &str = "spillway:";

/// The Temporal namespace of a Spillway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    pub name: String,
    /// Temporal's own id, if it is known. Most servers have a namespace of the name `default`, each with another id.
    pub id: Option<String>,
}

impl Namespace {
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
        }
    }

    fn is_other(&self, own: &Self) -> bool {
        let has_other_id = || matches!((&self.id, &own.id), (Some(id), Some(own)) if id != own);
        !self.name.is_empty() && (self.name != own.name || has_other_id())
    }
}

/// The metadata of a run: the namespace of the Spillway that triggered it, and the workflow.
pub fn of_run(namespace: &Namespace, workflow: &str) -> String {
    let id = namespace.id.iter().map(|id| format!("#{id}"));
    format!(
        "{PREFIX}{}:{workflow}{}",
        escaped(&namespace.name),
        id.collect::<String>()
    )
}

/// The name of the namespace of another Spillway, if the metadata of a run contain one. Each call about a run can add an
/// entry.
pub fn other_namespace(metadata: &[String], own: &Namespace) -> Option<String> {
    let named = metadata.iter().filter_map(|entry| namespace_of(entry));
    named
        .filter(|namespace| namespace.is_other(own))
        .map(|namespace| namespace.name)
        .next()
}

/// Whether the metadata of a run say that this Spillway triggered it.
pub fn names_own_namespace(metadata: &[String], own: &Namespace) -> bool {
    let mut named = metadata.iter().filter_map(|entry| namespace_of(entry));
    named.any(|namespace| namespace.name == own.name && !namespace.is_other(own))
}

fn namespace_of(entry: &str) -> Option<Namespace> {
    let (name, workflow) = entry.strip_prefix(PREFIX)?.split_once(':')?;
    Some(Namespace {
        name: name.replace("%3A", ":").replace("%25", "%"),
        id: workflow.rsplit_once('#').map(|(_, id)| id.to_owned()),
    })
}

fn escaped(namespace: &str) -> String {
    namespace.replace('%', "%25").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        of_run(&Namespace::named(name), "stack:acme:db")
    }

    fn with_id(name: &str, id: &str) -> Namespace {
        Namespace {
            id: Some(id.to_owned()),
            ..Namespace::named(name)
        }
    }

    #[test]
    fn another_spillway_is_recognised_by_its_namespace() {
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
            let found = other_namespace(&metadata, &Namespace::named("ours"));
            assert_eq!(found.as_deref(), expected, "{metadata:?}");
        }
        assert_eq!(other_namespace(&[of("a:%3A")], &Namespace::named("a:%3A")), None);
    }

    #[test]
    fn metadata_without_a_namespace_name_nobody() {
        let own = Namespace::named("ours");
        for metadata in [
            vec![],
            vec!["change 42".to_owned()],
            vec!["spillway::stack".to_owned()],
        ] {
            assert!(!names_own_namespace(&metadata, &own), "{metadata:?}");
        }
        assert!(names_own_namespace(&["change 42".to_owned(), of("ours")], &own));
    }

    #[test]
    fn two_servers_have_namespaces_of_the_same_name() {
        let (one, two, unknown) = (
            with_id("default", "1"),
            with_id("default", "2"),
            Namespace::named("default"),
        );
        for (theirs, own, is_other) in [
            (&one, &one, false),
            (&one, &two, true),
            (&unknown, &one, false),
            (&one, &unknown, false),
            (&with_id("else", "1"), &one, true),
        ] {
            let found = other_namespace(&[of_run(theirs, "stack:acme:db")], own);
            assert_eq!(found, is_other.then(|| theirs.name.clone()), "{theirs:?} {own:?}");
            let is_own = names_own_namespace(&[of_run(theirs, "stack:acme:db")], own);
            assert_eq!(is_own, !is_other, "{theirs:?} {own:?}");
        }
    }
}
