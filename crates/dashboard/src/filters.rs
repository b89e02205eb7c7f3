//! Filters of the templates.
#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "askama's macro makes a public struct with a method of each filter, and wants a result"
)]

use std::fmt::Display;

use askama::filters::{Html, Safe, escape};

/// A text in which names between backticks are shown as code. An odd number of backticks means something else, so these stay.
#[askama::filter_fn]
pub(crate) fn code(text: impl Display, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let text = text.to_string();
    Ok(Safe(with_code(&text)))
}

fn with_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let parts = parts.iter().enumerate();
    parts
        .map(|(nth, part)| match nth % 2 {
            0 => escaped(part),
            _ => format!("<code>{}</code>", escaped(part)),
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let Ok(escaped) = escape(text, Html);
    escaped.to_string()
}

#[cfg(test)]
mod tests {
    use super::with_code;

    #[test]
    fn names_between_backticks_are_code_and_everything_is_escaped() {
        for (text, expected) in [
            ("`db` failed upstream", "<code>db</code> failed upstream"),
            (
                "after `a` and `b<i>`",
                "after <code>a</code> and <code>b&#60;i&#62;</code>",
            ),
            ("a lone ` & more", "a lone ` &#38; more"),
            ("", ""),
        ] {
            assert_eq!(with_code(text), expected);
        }
    }
}
