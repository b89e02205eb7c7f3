//! Renders a chain and its record as text, Markdown, Mermaid, DOT and JSON. There is one renderer for each format, used
//! everywhere.

mod diagram;
mod impact;
mod text;

use crate::{Chain, ChainRecord, StackId, StackState};

pub use text::MARKDOWN_ROWS_MAX;

/// Names in a sentence: `a`, `a and b`, or `a, b and c`.
pub fn names(stacks: &[StackId]) -> String {
    let names: Vec<&str> = stacks.iter().map(StackId::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [more @ .., last] => format!("{} and {last}", more.join(", ")),
    }
}

/// A tree that shows each stack once, under the upstream stack that comes last.
pub fn text(chain: &Chain) -> String {
    text::tree(chain, None)
}

/// [`text()`] with each stack's state.
pub fn record_text(record: &ChainRecord) -> String {
    text::tree(record.chain(), Some(record))
}

/// A summary and a table of a chain, for Temporal's UI.
pub fn markdown(record: &ChainRecord) -> String {
    text::markdown(record)
}

/// The stacks that a merge would run, for a comment on a pull request.
pub fn impact_markdown(chain: &Chain) -> String {
    impact::markdown(chain)
}

/// A Mermaid flowchart.
pub fn mermaid(chain: &Chain) -> String {
    diagram::mermaid(chain, None)
}

/// [`mermaid()`] with each stack's state as its class.
pub fn record_mermaid(record: &ChainRecord) -> String {
    diagram::mermaid(record.chain(), Some(record))
}

/// A graph in Graphviz' language.
pub fn dot(chain: &Chain) -> String {
    diagram::dot(chain, None)
}

/// [`dot()`] with each stack's state as its colour.
pub fn record_dot(record: &ChainRecord) -> String {
    diagram::dot(record.chain(), Some(record))
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
