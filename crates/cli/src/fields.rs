//! `--fields`: the fields of Spacelift's API that one chooses, instead of ours.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use spacelift::Fields;

use crate::json::Shape;
use crate::output::{Output, WriteError};
use crate::table::Table;

/// How something of the account is printed.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Print these fields of Spacelift's GraphQL API, such as "id name space" or "id config { id value }".
    #[arg(long, value_name = "FIELDS")]
    pub(crate) fields: Option<Fields>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The fields that --fields names, as Spacelift sends them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Chosen {
    fields: Value,
}

impl Shape for Chosen {
    const KIND: &'static str = "chosen";
}

impl Listing {
    /// Prints things with the fields that were chosen.
    pub(crate) fn chosen(&self, things: Vec<Value>, fields: &Fields) -> Result<(), WriteError> {
        let columns = fields.names();
        let mut table = Table::default();
        let head: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
        table.add(head.iter().map(String::as_str));
        for thing in &things {
            let cells: Vec<String> = columns.iter().map(|name| cell(&thing[name.as_str()])).collect();
            table.add(cells.iter().map(String::as_str));
        }
        let things: Vec<Chosen> = things.into_iter().map(|fields| Chosen { fields }).collect();
        self.output.list(&things, &table, "Nothing found.")
    }

    /// Prints one thing with the fields that were chosen.
    pub(crate) fn one_chosen(&self, thing: Value, fields: &Fields) -> Result<(), WriteError> {
        let mut table = Table::default();
        for name in fields.names() {
            table.row([name, &cell(&thing[name.as_str()])]);
        }
        self.output.table(&Chosen { fields: thing }, &table)
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_the_value_in_one_line() {
        assert_eq!(cell(&json!(["a", 1])), "a, 1");
        assert_eq!(cell(&json!({"a": null})), r#"{"a":null}"#);
        assert_eq!(cell(&json!(true)), "true");
    }
}
