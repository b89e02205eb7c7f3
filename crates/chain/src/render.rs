//! How a chain, and the walk through it, read: text, Markdown, Mermaid, DOT and JSON. There is one of each,
//! used everywhere.

mod diagram;
mod text;

use crate::{Chain, StackState, Walk};

pub use text::MARKDOWN_ROWS_MAX;

/// A tree, each stack once, under the upstream stack that comes last.
pub fn text(chain: &Chain) -> String {
    text::tree(chain, None)
}

/// [`text()`] with each stack's state.
pub fn walk_text(walk: &Walk) -> String {
    text::tree(walk.chain(), Some(walk))
}

/// A summary and a table of a walk, for Temporal's UI.
pub fn markdown(walk: &Walk) -> String {
    text::markdown(walk)
}

/// A Mermaid flowchart.
pub fn mermaid(chain: &Chain) -> String {
    diagram::mermaid(chain, None)
}

/// [`mermaid()`] with each stack's state as its class.
pub fn walk_mermaid(walk: &Walk) -> String {
    diagram::mermaid(walk.chain(), Some(walk))
}

/// A graph in Graphviz' language.
pub fn dot(chain: &Chain) -> String {
    diagram::dot(chain, None)
}

/// [`dot()`] with each stack's state as its colour.
pub fn walk_dot(walk: &Walk) -> String {
    diagram::dot(walk.chain(), Some(walk))
}

/// The chain as it is recorded, indented.
pub fn json(chain: &Chain) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(chain)
}

/// The JSON schema of [`json()`].
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Chain)
}

/// The mark of a state in lists.
fn mark(state: StackState) -> &'static str {
    match state {
        StackState::Waiting => "·",
        StackState::Running => "▶",
        StackState::Succeeded => "✓",
        StackState::Failed => "✗",
        StackState::Skipped => "↷",
    }
}
