//! The fields that a caller chooses.

use std::fmt;
use std::str::FromStr;

use crate::lexer::{LexError, Token, tokens};

/// Longer than the sum of all fields of a stack. The text becomes part of every page's request.
const BYTES_MAX: usize = 8 * 1024;

/// Deeper than anything in the schema that a list would show. Spacelift has a limit of its own.
const DEPTH_MAX: usize = 12;

/// A selection of fields, as one writes it between braces in GraphQL: `id name config { id value }`. Commas are
/// allowed.
///
/// It cannot leave the place in the document where it is put: its brackets are balanced, and variables, directives
/// and comments are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    #[error("no field is named")]
    Empty,
    #[error("{0} bytes of fields are more than {BYTES_MAX}")]
    TooLong(usize),
    #[error("the fields are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("`{0}` is not closed")]
    Open(char),
    #[error("`{0}` closes nothing")]
    Close(char),
    #[error("{0}")]
    Text(String),
}

impl Fields {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Fields {
    type Err = FieldsError;

    fn from_str(text: &str) -> Result<Self, FieldsError> {
        if text.len() > BYTES_MAX {
            return Err(FieldsError::TooLong(text.len()));
        }
        // The brackets that are open, innermost last, and what came before the next token.
        let mut open = Vec::new();
        let mut previous = None;
        for token in tokens(text) {
            let token = token.map_err(|error: LexError| FieldsError::Text(error.to_string()))?;
            match token {
                Token::Punctuator(bracket @ ('{' | '(' | '[')) => {
                    // A bracket that follows nothing would open a selection of nothing.
                    if previous.is_none() {
                        return Err(FieldsError::Empty);
                    }
                    open.push(bracket);
                    if open.len() > DEPTH_MAX {
                        return Err(FieldsError::TooDeep);
                    }
                }
                Token::Punctuator(bracket @ ('}' | ')' | ']')) => {
                    if open.pop() != Some(opening(bracket)) {
                        return Err(FieldsError::Close(bracket));
                    }
                    if bracket == '}' && previous == Some(Token::Punctuator('{')) && !open.contains(&'(') {
                        return Err(FieldsError::Empty);
                    }
                }
                Token::Punctuator(':') | Token::Name(_) | Token::Spread => {}
                Token::Literal if open.contains(&'(') => {}
                Token::Literal => {
                    return Err(FieldsError::Text(
                        "a value stands where a field should".to_owned(),
                    ));
                }
                Token::Punctuator(other) => {
                    return Err(FieldsError::Text(format!("`{other}` cannot be used here")));
                }
                Token::Comment => return Err(FieldsError::Text("a comment cannot be used here".to_owned())),
            }
            previous = Some(token);
        }
        match (open.last(), previous) {
            (Some(bracket), _) => Err(FieldsError::Open(*bracket)),
            (None, None) => Err(FieldsError::Empty),
            (None, Some(_)) => Ok(Self(text.trim().to_owned())),
        }
    }
}

fn opening(closing: char) -> char {
    match closing {
        '}' => '{',
        ')' => '(',
        _ => '[',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_would_write_is_accepted() {
        for text in [
            "id",
            "id,name",
            " id\n name ",
            "config { id value writeOnly }",
            "vendorConfig { __typename ... on StackConfigVendorPulumi { loginURL } }",
            "runs(before: \"01} J\") { id }",
            "key: id logs(state: FINISHED, list: [1, -2.5], object: {}) { nextToken }",
        ] {
            assert_eq!(text.parse::<Fields>().map(|f| f.0), Ok(text.trim().to_owned()));
        }
    }

    #[test]
    fn nothing_leaves_its_place() {
        let text = |message: &str| FieldsError::Text(message.to_owned());
        for (fields, expected) in [
            ("", FieldsError::Empty),
            (" , ", FieldsError::Empty),
            ("{ id }", FieldsError::Empty),
            ("config { }", FieldsError::Empty),
            ("id } stackDelete(id: 1) { id", FieldsError::Close('}')),
            ("id }", FieldsError::Close('}')),
            ("config { id", FieldsError::Open('{')),
            ("runs(before: 1 } id {", FieldsError::Close('}')),
            ("id # the rest", text("a comment cannot be used here")),
            ("id \"\"\" } \"\"\"", text("a value stands where a field should")),
            ("runs(before: \"1) { id }", text("a string is not closed")),
            ("stack(id: $id) { id }", text("`$` cannot be used here")),
            ("id @include(if: true)", text("`@` cannot be used here")),
            ("id; name", text("`;` has no meaning here")),
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
        assert!(nested(DEPTH_MAX).parse::<Fields>().is_ok());
        assert_eq!(nested(DEPTH_MAX + 1).parse::<Fields>(), Err(FieldsError::TooDeep));
    }
}
