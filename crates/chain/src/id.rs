//! Spacelift's ids, parsed once at the edge.
//!
//! Spacelift owns their grammar, so only texts that can never be an id are refused: empty ones, white space, control
//! characters, or more than [`MAX_BYTES`].

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest id that is accepted. Temporal refuses workflow ids over 1,000 bytes; the longest of ours contains an
/// account, a run and a stack. Only separators become longer when escaped, threefold, so only an id full of separators
/// could exceed that.
pub const MAX_BYTES: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} is {bytes} bytes long, more than {MAX_BYTES}")]
    TooLong { what: &'static str, bytes: usize },
    #[error("{what} {text:?} has the character {character:?}")]
    Character {
        what: &'static str,
        text: String,
        character: char,
    },
}

fn check(what: &'static str, text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    if text.len() > MAX_BYTES {
        return Err(IdError::TooLong {
            what,
            bytes: text.len(),
        });
    }
    match text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        Some(character) => Err(IdError::Character {
            what,
            text: text.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check($what, text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                check($what, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id!(
    /// Spacelift's slug of a stack.
    StackId,
    "stack id"
);
id!(
    /// One Spacelift run. A run id of Temporal is always called `workflow_run_id`.
    RunId,
    "run id"
);
id!(
    /// A Spacelift account: the first label of its host name.
    AccountName,
    "account name"
);
id!(
    /// A Spacelift space.
    SpaceId,
    "space id"
);
id!(
    /// The id that a sender gives to a request. A second request with the same id is a duplicate.
    RequestId,
    "request id"
);

/// Joins the parts of an id with `:`. In a part, `:` and `%` are written `%3A` and `%25`, so that different lists of
/// parts never give the same id.
pub fn join<const N: usize>(parts: [&str; N]) -> String {
    let mut id = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            id.push(':');
        }
        for character in part.chars() {
            match character {
                '%' => id.push_str("%25"),
                ':' => id.push_str("%3A"),
                other => id.push(other),
            }
        }
    }
    id
}

/// The parts that [`join`] joined.
pub fn parts(id: &str) -> impl DoubleEndedIterator<Item = String> {
    id.split(':')
        .map(|part| part.replace("%3A", ":").replace("%25", "%"))
}

/// How the id of each chain begins.
const KIND: &str = "chain";

/// The id of a chain: the id of its workflow, and the name that people use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ChainId(String);

impl ChainId {
    pub fn of_root_run(account: &AccountName, run: &RunId) -> Self {
        Self(join([KIND, account.as_str(), run.as_str()]))
    }

    /// The chain of a request.
    pub fn of_request(account: &AccountName, request: &str) -> Self {
        Self(join([KIND, account.as_str(), "request", request]))
    }

    /// The `number`-th retry of a chain. A retry of a retry counts as the next one of the first chain.
    pub fn of_retry(first: &Self, number: u32) -> Self {
        Self(format!("{}:retry:{number}", first.0))
    }

    /// The chain that this one retries, or this one if it is not a retry.
    #[must_use]
    pub fn first(&self) -> Self {
        let first = self.0.rsplit_once(":retry:").map_or(&*self.0, |(first, _)| first);
        Self(first.to_owned())
    }

    /// Which retry of the first chain this one is; 0 if it is not a retry.
    pub fn retry_number(&self) -> u32 {
        let number = self.0.rsplit_once(":retry:").map(|(_, number)| number);
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// The chain whose workflow has this id, if that is a chain: [`account`](Self::account) is `None` for another workflow.
    pub fn of_workflow(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The account of the chain, according to its id. `None` if no chain has such an id.
    pub fn account(&self) -> Option<AccountName> {
        let mut parts = parts(&self.0);
        parts.next().filter(|kind| kind == KIND)?;
        parts.next()?.parse().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_a_chain_names_an_account() {
        for (id, account) in [
            ("chain:acme:01J", Some("acme")),
            ("chain:acme:request:one:retry:2", Some("acme")),
            ("chain:acme%3Aeu:01J", Some("acme:eu")),
            ("schedule:acme", None),
            ("notify:chain:acme:01J", None),
            ("chain", None),
            ("", None),
        ] {
            let found = ChainId::of_workflow(id).account();
            assert_eq!(found, account.map(|name| name.parse().unwrap()), "{id}");
        }
    }

    #[test]
    fn valid_ids_are_accepted() {
        for text in [
            "vpc",
            "prod-01HJP3651BQT2GY2EQSG6KVWDB",
            "api::x",
            "stäck",
            &"a".repeat(MAX_BYTES),
        ] {
            let id: StackId = text.parse().unwrap();
            assert_eq!(id.as_str(), text);
            assert_eq!(
                serde_json::from_value::<StackId>(serde_json::to_value(&id).unwrap()).unwrap(),
                id
            );
        }
    }

    #[track_caller]
    fn refused(text: &str) -> String {
        let error = text.parse::<RunId>().unwrap_err().to_string();
        assert!(
            serde_json::from_value::<RunId>(text.into())
                .unwrap_err()
                .to_string()
                .contains(&error)
        );
        error
    }

    #[test]
    fn invalid_ids_are_refused() {
        assert_eq!(refused(""), "run id is empty");
        assert_eq!(refused("a b"), "run id \"a b\" has the character ' '");
        assert_eq!(refused("a\u{0}"), "run id \"a\\0\" has the character '\\0'");
        assert_eq!(
            refused("a\u{a0}"),
            "run id \"a\\u{a0}\" has the character '\\u{a0}'"
        );
        assert_eq!(
            refused(&"a".repeat(MAX_BYTES + 1)),
            "run id is 129 bytes long, more than 128"
        );
    }

    #[test]
    fn retries_are_numbered() {
        let first = ChainId::of_request(&"acme".parse().unwrap(), "a:retry:7");
        assert_eq!(first.retry_number(), 0);
        let third = ChainId::of_retry(&first, 3);
        assert_eq!(third.retry_number(), 3);
        assert_eq!(third.first(), first);
    }

    #[test]
    fn the_parts_of_an_id_can_be_told_apart() {
        for (given, id) in [
            (["chain", "acme", "01R"], "chain:acme:01R"),
            (["a:b", "", "100%"], "a%3Ab::100%25"),
            (["a", "b%3A", ":"], "a:b%253A:%3A"),
        ] {
            assert_eq!(join(given), id);
            assert_eq!(parts(id).collect::<Vec<_>>(), given);
        }
    }

    #[test]
    fn ids_are_padded_in_tables() {
        assert_eq!(format!("{:<5}|", "vpc".parse::<StackId>().unwrap()), "vpc  |");
    }
}
