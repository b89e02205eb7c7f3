//! Times and addresses as text.

pub(crate) use chain::duration::took as duration;
pub(crate) use chain::page::segment;
use chain::{AccountName, ChainId, StackId};
use jiff::Timestamp;

pub(crate) fn chain_path(chain: &ChainId) -> String {
    format!("/chains/{}", segment(chain.as_str()))
}

pub(crate) fn stack_path(account: &AccountName, stack: &StackId) -> String {
    format!(
        "/stacks/{}/{}",
        segment(account.as_str()),
        segment(stack.as_str())
    )
}

/// A moment, as people read it and as programs do. Both are UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) text: String,
    pub(crate) iso: String,
}

impl Moment {
    pub(crate) fn of_ms(ms: i64) -> Option<Self> {
        let at = Timestamp::from_millisecond(ms).ok()?;
        Some(Self {
            text: at.strftime("%b %-d, %H:%M:%S").to_string(),
            iso: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    }

    pub(crate) fn of_s(s: i64) -> Option<Self> {
        Self::of_ms(s.checked_mul(1000)?)
    }
}

/// `one`, or how many of `many`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// The beginning of a text that is longer than there is room for.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some(_) => text
            .chars()
            .take(characters_max.saturating_sub(1))
            .chain(['…'])
            .collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(segment("a/b?c#d%e:f ü"), "a%2Fb%3Fc%23d%25e:f%20%C3%BC");
    }

    #[test]
    fn only_long_texts_are_cut() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
