//! Finds the stacks that a run of an administrative stack changed, from the addresses of the changed resources and from
//! the resources that Spacelift lists for the stack.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::StackId;

/// The resource type of a stack.
const STACK: &str = "spacelift_stack";
/// The prefix of the types of all other resources of Spacelift's provider.
const PROVIDER: &str = "spacelift_";
/// Spacelift shows this many characters of the hash of a hidden text.
const HIDDEN_CHARACTERS: usize = 8;

/// The stacks that a run changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "changes", rename_all = "snake_case")]
pub enum RunChanges {
    /// The run changed these stacks, or resources that belong to them.
    Stacks { stacks: BTreeSet<StackId> },
    /// The changed stacks cannot be determined.
    Unknown { why: String },
}

/// The changes of a run, as Spacelift reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportedChanges {
    /// The addresses of the changed resources.
    pub addresses: BTreeSet<String>,
    /// How many resources the run added, changed and deleted, if known.
    pub count: Option<i64>,
    /// How many of these it deleted.
    pub deleted: Option<i64>,
}

/// A resource that a stack manages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedResource {
    pub address: String,
    /// Its attributes as JSON, if Spacelift shows them.
    pub values: Option<String>,
}

impl ReportedChanges {
    /// The answer if the stack's resources are not needed for it: no stack changed, or the changes are unknown.
    pub fn without_resources(&self) -> Option<RunChanges> {
        if self.addresses.is_empty() && self.count.is_none_or(|count| count > 0) {
            let why = "Spacelift lists no changed resources of the run".to_owned();
            return Some(RunChanges::Unknown { why });
        }
        let is_about_stacks = |address: &String| Address::of(address).resource.starts_with(PROVIDER);
        let none = RunChanges::Stacks {
            stacks: BTreeSet::new(),
        };
        (!self.addresses.iter().any(is_about_stacks)).then_some(none)
    }

    /// The known stacks that the run changed.
    pub fn stacks(&self, managed: &[ManagedResource], known: &BTreeSet<StackId>) -> RunChanges {
        if let Some(changes) = self.without_resources() {
            return changes;
        }
        let managed: BTreeMap<&str, Option<&str>> = managed
            .iter()
            .map(|resource| (resource.address.as_str(), resource.values.as_deref()))
            .collect();
        let is_gone = |address: &&String| !managed.contains_key(address.as_str());
        let gone = self.addresses.iter().filter(is_gone).count();
        let deleted = self
            .deleted
            .and_then(|deleted| usize::try_from(deleted).ok())
            .unwrap_or(0);
        let mut stacks = BTreeSet::new();
        for text in &self.addresses {
            let address = Address::of(text);
            let is_stack = address.resource == STACK;
            let Some(attribute) = attribute(address.resource) else {
                continue;
            };
            let values = managed.get(text.as_str());
            let named = values
                .copied()
                .flatten()
                .and_then(|values| text_of(values, attribute))
                .and_then(|id| stack_of(&id, known));
            if let Some(stack) = named.or_else(|| address.named(known)) {
                stacks.insert(stack);
            } else if is_stack && (values.is_some() || gone > deleted) {
                let why = format!("the resource `{text}` names no stack that the API key sees");
                return RunChanges::Unknown { why };
            }
        }
        RunChanges::Stacks { stacks }
    }
}

/// The attribute of a resource that contains the id of a stack.
fn attribute(resource: &str) -> Option<&'static str> {
    match resource {
        STACK => Some("id"),
        _ if resource.starts_with(PROVIDER) => Some("stack_id"),
        _ => None,
    }
}

fn text_of(values: &str, attribute: &str) -> Option<String> {
    let values: serde_json::Value = serde_json::from_str(values).ok()?;
    values.get(attribute)?.as_str().map(str::to_owned)
}

/// The stack with an id. Spacelift may show the id as the end of its hash.
fn stack_of(id: &str, known: &BTreeSet<StackId>) -> Option<StackId> {
    let itself = id.parse().ok().filter(|id| known.contains(id));
    itself.or_else(|| {
        let is_hidden = |stack: &&StackId| hidden(stack.as_str()) == id;
        known.iter().find(is_hidden).cloned()
    })
}

fn hidden(text: &str) -> String {
    let hash = hex::encode(Sha256::digest(text));
    hash.split_at_checked(hash.len() - HIDDEN_CHARACTERS)
        .map_or_else(String::new, |(_, end)| end.to_owned())
}

/// The address of a resource, such as `module.stacks["db"].spacelift_stack.this[0]`.
struct Address<'a> {
    /// The type of the resource. Empty if the address is not a resource, such as an output.
    resource: &'a str,
    /// The texts in brackets, the innermost last.
    keys: Vec<String>,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts: Vec<&str> = Vec::new();
        let mut keys = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            if !part.is_empty() {
                parts.push(part);
            }
            rest = match after.strip_prefix('[') {
                Some(inside) => {
                    let (key, after) = key(inside);
                    keys.extend(key);
                    after
                }
                None => after.strip_prefix('.').unwrap_or_default(),
            };
        }
        let is_data = parts.len() > 2 && parts[parts.len() - 3] == "data";
        let resource = match parts.as_slice() {
            [.., resource, _name] if !is_data => resource,
            _ => "",
        };
        Self { resource, keys }
    }

    /// The known stack that a key names. The innermost key is tried first.
    fn named(&self, known: &BTreeSet<StackId>) -> Option<StackId> {
        let ids = self.keys.iter().rev().filter_map(|key| key.parse().ok());
        ids.into_iter().find(|id| known.contains(id))
    }
}

/// The text in brackets at the start, if it is not a number, and the rest after the brackets.
fn key(inside: &str) -> (Option<String>, &str) {
    let Some(quoted) = inside.strip_prefix('"') else {
        let after = inside.split_once(']').map_or("", |(_, after)| after);
        return (None, after);
    };
    let mut key = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => key.extend(characters.next().map(|(_, escaped)| escaped)),
            '"' => {
                let after = quoted.split_at(at + 1).1;
                return (Some(key), after.strip_prefix(']').unwrap_or(after));
            }
            _ => key.push(character),
        }
    }
    (None, "")
}
