//! Commits of simulated repositories.

use async_graphql::SimpleObject;
use sha1::{Digest, Sha1};

use crate::model::clock::Timestamp;

/// A commit as Spacelift shows it.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct Commit {
    pub author_login: Option<String>,
    pub author_name: String,
    pub hash: String,
    pub message: String,
    pub tag: Option<String>,
    /// Unix seconds.
    pub timestamp: i64,
    pub url: Option<String>,
}

impl Commit {
    /// A commit of `repository` (`owner/name`) with this hash, made now.
    pub(crate) fn new(repository: &str, hash: &str, message: &str) -> Self {
        Self {
            author_login: Some("alice".to_owned()),
            author_name: "Alice".to_owned(),
            hash: hash.to_owned(),
            message: message.to_owned(),
            tag: None,
            timestamp: Timestamp::now().seconds(),
            url: Some(format!("https://github.com/{repository}/commit/{hash}")),
        }
    }
}

/// A hash that looks like Git's and depends only on `parts`.
pub(crate) fn hash_of(parts: &[&str]) -> String {
    hex::encode(Sha1::digest(parts.join("\n").as_bytes()))
}
