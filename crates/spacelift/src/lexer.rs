//! The words of a GraphQL document, as far as one has to know them to say what a document does and where a selection
//! ends. It does not parse: Spacelift does.

use std::iter::Peekable;
use std::str::CharIndices;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Name(&'a str),
    /// A number, a string, or a block string.
    Literal,
    /// `...`
    Spread,
    Punctuator(char),
    Comment,
}

/// Where a text stops being GraphQL, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LexError {
    #[error("a string is not closed")]
    OpenString,
    #[error("`{0}` has no meaning here")]
    Character(char),
}

pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Result<Token<'_>, LexError>> {
    let mut lexer = Lexer {
        text,
        chars: text.char_indices().peekable(),
    };
    std::iter::from_fn(move || lexer.next_token())
}

struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Option<Result<Token<'a>, LexError>> {
        // A comma is white space to GraphQL, and so is a byte order mark.
        while self
            .chars
            .next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}'))
            .is_some()
        {}
        let (start, first) = self.chars.next()?;
        Some(match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Name(
                self.rest_while(start, |c| c.is_ascii_alphanumeric() || c == '_'),
            )),
            '0'..='9' | '-' => {
                self.rest_while(start, |c| {
                    c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')
                });
                Ok(Token::Literal)
            }
            '"' => self.string(start),
            '#' => {
                self.rest_while(start, |c| !matches!(c, '\n' | '\r'));
                Ok(Token::Comment)
            }
            '.' if self.text[start..].starts_with("...") => {
                self.chars.nth(1);
                Ok(Token::Spread)
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '$' | '@' | '!' | '=' | '|' | '&' => {
                Ok(Token::Punctuator(first))
            }
            other => Err(LexError::Character(other)),
        })
    }

    fn rest_while(&mut self, start: usize, test: impl Fn(char) -> bool) -> &'a str {
        while self.chars.next_if(|(_, c)| test(*c)).is_some() {}
        let end = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        &self.text[start..end]
    }

    fn string(&mut self, start: usize) -> Result<Token<'a>, LexError> {
        let block = self.text[start..].starts_with("\"\"\"");
        if block {
            self.chars.nth(1);
        }
        while let Some((at, c)) = self.chars.next() {
            match c {
                '\\' if block && self.text[at..].starts_with("\\\"\"\"") => {
                    self.chars.nth(2);
                }
                '\\' if !block => {
                    self.chars.next();
                }
                '"' if !block => return Ok(Token::Literal),
                '"' if self.text[at..].starts_with("\"\"\"") => {
                    self.chars.nth(1);
                    return Ok(Token::Literal);
                }
                '\n' | '\r' if !block => return Err(LexError::OpenString),
                _ => {}
            }
        }
        Err(LexError::OpenString)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>]) {
        let found: Vec<_> = tokens(text).map(Result::unwrap).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_of_all_kinds() {
        use Token::{Comment, Literal, Name, Punctuator, Spread};
        check("id, name", &[Name("id"), Name("name")]);
        check(
            "...on A{b}",
            &[
                Spread,
                Name("on"),
                Name("A"),
                Punctuator('{'),
                Name("b"),
                Punctuator('}'),
            ],
        );
        check(
            "a(n: -1.5e3, s: \"}\\\"\")",
            &[
                Name("a"),
                Punctuator('('),
                Name("n"),
                Punctuator(':'),
                Literal,
                Name("s"),
                Punctuator(':'),
                Literal,
                Punctuator(')'),
            ],
        );
        check(
            "\"\"\"a \"quoted\" } \\\"\"\" line\n\"\"\" b",
            &[Literal, Name("b")],
        );
        check("\"\" b", &[Literal, Name("b")]);
        check("a # } b\nc", &[Name("a"), Comment, Name("c")]);
    }

    #[test]
    fn what_is_no_word_is_an_error() {
        let error = |text| tokens(text).find_map(Result::err);
        assert_eq!(error("a \"b"), Some(LexError::OpenString));
        assert_eq!(error("\"a\nb\""), Some(LexError::OpenString));
        assert_eq!(error("\"\"\"a\""), Some(LexError::OpenString));
        assert_eq!(error("a ; b"), Some(LexError::Character(';')));
        assert_eq!(error("a.b"), Some(LexError::Character('.')));
        assert_eq!(error("é"), Some(LexError::Character('é')));
    }
}
