//! A selection of fields that the caller chooses.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use async_graphql_parser::types::{DocumentOperations, Field, Selection, SelectionSet};
use async_graphql_parser::{Error as ParseError, parse_query};

/// More than all fields of a stack together. The text becomes part of every page's request.
const BYTES_MAX: usize = 8 * 1024;

/// The parser calls itself for each bracket, so their number has to be limited before it starts.
const BRACKETS_MAX: usize = 100;

/// The parser's column of the first character: the text follows `{ `.
const FIRST_COLUMN: usize = 3;

/// A selection of fields, as it is written between braces in GraphQL: `id name config { id value }`. Commas are
/// allowed.
///
/// It cannot leave its place in the document: it is one complete selection, and variables and directives are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    text: String,
    names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    #[error("no field is named")]
    Empty,
    #[error("{0} bytes of fields are more than {BYTES_MAX}")]
    TooLong(usize),
    #[error("the fields are nested too deep, or have more than {BRACKETS_MAX} brackets")]
    TooDeep,
    #[error("they are not GraphQL fields: see line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    #[error("they are not one selection: a bracket is closed that was not opened")]
    SeveralSelections,
    #[error("a variable or a directive cannot be used here")]
    NotConstant,
}

impl Fields {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the outermost fields in the answer, in order: the alias of a field that has one.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Fields {
    type Err = FieldsError;

    fn from_str(text: &str) -> Result<Self, FieldsError> {
        if text.len() > BYTES_MAX {
            return Err(FieldsError::TooLong(text.len()));
        }
        if text.matches(['{', '(', '[']).count() > BRACKETS_MAX {
            return Err(FieldsError::TooDeep);
        }
        let text = text.trim();
        if text.chars().all(|c| c.is_whitespace() || c == ',') {
            return Err(FieldsError::Empty);
        }
        // In one line, as in the document that is sent: a comment at the end would hide the bracket here, too.
        let document = parse_query(format!("{{ {text} }}")).map_err(|error| invalid(text, &error))?;
        let DocumentOperations::Single(operation) = &document.operations else {
            return Err(FieldsError::SeveralSelections);
        };
        if !document.fragments.is_empty() {
            return Err(FieldsError::SeveralSelections);
        }
        let selection = &operation.node.selection_set.node;
        if !is_constant(selection) {
            return Err(FieldsError::NotConstant);
        }
        let mut names = Vec::new();
        add_names(selection, &mut names);
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Ok(Self {
            text: text.to_owned(),
            names,
        })
    }
}

fn invalid(text: &str, error: &ParseError) -> FieldsError {
    match error {
        ParseError::Syntax { start, .. } => {
            let last_column = text
                .lines()
                .nth(start.line - 1)
                .map_or(0, |line| line.chars().count());
            let column = if start.line == 1 {
                (start.column + 1).saturating_sub(FIRST_COLUMN)
            } else {
                start.column
            };
            FieldsError::Syntax {
                line: start.line,
                column: column.clamp(1, last_column.max(1)),
            }
        }
        ParseError::RecursionLimitExceeded => FieldsError::TooDeep,
        _ => FieldsError::SeveralSelections,
    }
}

/// Whether no value is a variable, and there are no directives.
fn is_constant(selection: &SelectionSet) -> bool {
    selection.items.iter().all(|item| match &item.node {
        Selection::Field(field) => {
            let mut arguments = field.node.arguments.iter();
            field.node.directives.is_empty()
                && arguments.all(|(_, value)| value.node.clone().into_const().is_some())
                && is_constant(&field.node.selection_set.node)
        }
        Selection::InlineFragment(fragment) => {
            fragment.node.directives.is_empty() && is_constant(&fragment.node.selection_set.node)
        }
        Selection::FragmentSpread(spread) => spread.node.directives.is_empty(),
    })
}

fn add_names(selection: &SelectionSet, names: &mut Vec<String>) {
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => names.push(response_name(&field.node).to_owned()),
            Selection::InlineFragment(fragment) => add_names(&fragment.node.selection_set.node, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn response_name(field: &Field) -> &str {
    field.response_key().node.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_selections_are_accepted() {
        for text in [
            "id",
            "id,name",
            " id\n name ",
            "config { id value writeOnly }",
            "vendorConfig { __typename ... on StackConfigVendorPulumi { loginURL } }",
            "runs(before: \"01} J\") { id }",
            "key: id logs(state: FINISHED, list: [1, -2.5], object: {}) { nextToken }",
            "id # a comment\n name",
        ] {
            let fields = text.parse::<Fields>().map(|fields| fields.text);
            assert_eq!(fields, Ok(text.trim().to_owned()));
        }
    }

    #[test]
    fn names_are_those_of_the_answer() {
        for (fields, expected) in [
            ("id name space", vec!["id", "name", "space"]),
            ("name,id , name", vec!["name", "id"]),
            ("id config { id value } labels", vec!["id", "config", "labels"]),
            ("key: id commit{hash}", vec!["key", "commit"]),
            ("runs(before: \"01} J\") { id } state", vec!["runs", "state"]),
            ("id ... on Stack { name }", vec!["id", "name"]),
        ] {
            assert_eq!(fields.parse::<Fields>().unwrap().names(), expected, "{fields}");
        }
    }

    #[test]
    fn a_selection_cannot_escape_its_field() {
        let at = |line, column| FieldsError::Syntax { line, column };
        for (fields, expected) in [
            ("", FieldsError::Empty),
            (" , ", FieldsError::Empty),
            ("{ id }", at(1, 1)),
            ("config { }", at(1, 10)),
            ("id } stackDelete(id: 1) { id", at(1, 6)),
            ("id } { id", FieldsError::SeveralSelections),
            ("id } mutation { id", FieldsError::SeveralSelections),
            ("id } mutation M { id", FieldsError::SeveralSelections),
            ("id } fragment F on Stack { id", FieldsError::SeveralSelections),
            ("id }", at(1, 4)),
            ("config { id", at(1, 11)),
            ("runs(before: 1 } id {", at(1, 16)),
            ("id # the rest", at(1, 13)),
            ("id \"\"\" } \"\"\"", at(1, 4)),
            ("runs(before: \"1) { id }", at(1, 14)),
            ("stack(id: $id) { id }", FieldsError::NotConstant),
            ("id @include(if: true)", FieldsError::NotConstant),
            ("... @include(if: true) { id }", FieldsError::NotConstant),
            ("id\n; name", at(2, 1)),
        ] {
            assert_eq!(fields.parse::<Fields>(), Err(expected), "{fields}");
        }
    }

    #[test]
    fn length_and_depth_are_limited() {
        assert_eq!(
            "a".repeat(BYTES_MAX + 1).parse::<Fields>(),
            Err(FieldsError::TooLong(BYTES_MAX + 1))
        );
        let nested = |depth| format!("{}a{}", "a{".repeat(depth), "}".repeat(depth));
        assert!(nested(12).parse::<Fields>().is_ok());
        assert_eq!(nested(BRACKETS_MAX).parse::<Fields>(), Err(FieldsError::TooDeep));
        assert_eq!(
            nested(BRACKETS_MAX + 1).parse::<Fields>(),
            Err(FieldsError::TooDeep)
        );
    }
}
