//! The part of a document that is sent. Operations that select the same fields share a document, so that the fields are
//! written once.

/// The operation of this name and the fragments that it uses. GraphQL refuses a document with an unused fragment.
///
/// An empty line ends a definition.
pub(crate) fn operation_document(document: &str, operation: &str) -> String {
    let mut definitions: Vec<&str> = Vec::new();
    let mut wanted = vec![operation];
    while let Some(name) = wanted.pop() {
        let definition = document
            .split("\n\n")
            .map(str::trim_end)
            .find(|definition| name_of(definition) == Some(name));
        if let Some(definition) = definition.filter(|definition| !definitions.contains(definition)) {
            definitions.push(definition);
            wanted.extend(definition.split("...").skip(1).map(leading_name));
        }
    }
    definitions.join("\n\n")
}

/// The name of a definition: its second word, as in `query Stack($id: ID!) {` or `fragment StackFields on Stack {`.
fn name_of(definition: &str) -> Option<&str> {
    let (_, rest) = definition.split_once(' ')?;
    Some(leading_name(rest)).filter(|name| !name.is_empty())
}

fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# `A` comes first.

query A($id: ID!) {
  a {
    ...F
    on {
      ... on T {
        id
      }
    }
  }
}

query AB {
  b {
    ...G
  }
}

fragment F on A {
  ...G
  same: a {
    ...G
  }
}

fragment G on B {
  id
}
";

    #[track_caller]
    fn check(operation: &str, definitions: &[&str]) {
        let part = operation_document(DOCUMENT, operation);
        let names: Vec<_> = part.split("\n\n").filter_map(name_of).collect();
        assert_eq!(names, definitions, "{part}");
    }

    #[test]
    fn an_operation_is_sent_with_its_fragments() {
        check("A", &["A", "F", "G"]);
        check("AB", &["AB", "G"]);
        assert_eq!(
            operation_document(DOCUMENT, "AB"),
            "query AB {\n  b {\n    ...G\n  }\n}\n\nfragment G on B {\n  id\n}"
        );
    }
}
