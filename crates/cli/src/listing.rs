//! How things of the account are printed: as columns, as JSON, with our fields or with those that one chooses.

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use spacelift::Fields;

use crate::output;
use crate::table::Table;

#[derive(Debug, Args)]
pub(crate) struct Shape {
    /// Choose the fields yourself, as in GraphQL: "id name space", "id config { id value }".
    #[arg(long, value_name = "FIELDS")]
    pub(crate) fields: Option<Fields>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Shape {
    /// Prints things that have a table and a view for programs.
    pub(crate) fn all<T: Serialize>(&self, views: &[T], table: &Table) -> anyhow::Result<()> {
        print(&views, table, views.is_empty(), self.json)
    }

    /// Prints one thing.
    pub(crate) fn one<T: Serialize>(&self, view: &T, details: &Table) -> anyhow::Result<()> {
        print(view, details, false, self.json)
    }

    /// Prints things as they came, with the fields that were chosen.
    pub(crate) fn chosen(&self, things: &[Value], fields: &Fields) -> anyhow::Result<()> {
        let columns = columns(fields.as_str());
        let mut table = Table::default();
        table.add(
            columns
                .iter()
                .map(|name| name.to_uppercase())
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str),
        );
        for thing in things {
            let cells: Vec<String> = columns.iter().map(|name| cell(&thing[name.as_str()])).collect();
            table.add(cells.iter().map(String::as_str));
        }
        print(&things, &table, things.is_empty(), self.json)
    }

    /// Prints one thing as it came.
    pub(crate) fn one_chosen(&self, thing: &Value, fields: &Fields) -> anyhow::Result<()> {
        let mut table = Table::default();
        for name in columns(fields.as_str()) {
            table.row([&name, &cell(&thing[name.as_str()])]);
        }
        print(thing, &table, false, self.json)
    }
}

fn print<T: Serialize + ?Sized>(view: &T, table: &Table, is_empty: bool, json: bool) -> anyhow::Result<()> {
    if json {
        output::json(&view)?;
    } else if is_empty {
        // Nothing is what stdout says, too.
        output::progress("There are none.");
    } else {
        output::line(&table.render());
    }
    Ok(())
}

/// The names under which the outermost fields come back, in the order in which they were asked for.
fn columns(fields: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut is_after_alias = false;
    for c in fields.chars().chain([' ']) {
        let is_name = depth == 0 && (c.is_alphanumeric() || c == '_');
        if is_name {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let name = std::mem::take(&mut word);
            if !std::mem::take(&mut is_after_alias) {
                names.push(name);
            }
        }
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            // `name: id` comes back as `name`.
            ':' if depth == 0 => is_after_alias = true,
            _ => {}
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
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
    fn columns_are_the_outermost_fields_by_the_names_under_which_they_come_back() {
        for (fields, expected) in [
            ("id name space", vec!["id", "name", "space"]),
            ("name,id , name", vec!["name", "id"]),
            ("id config { id value } labels", vec!["id", "config", "labels"]),
            ("key: id commit{hash}", vec!["key", "commit"]),
            ("runs(before: \"x\") { id } state", vec!["runs", "state"]),
        ] {
            assert_eq!(columns(fields), expected, "{fields}");
        }
    }

    #[test]
    fn a_cell_is_the_value_in_one_line() {
        assert_eq!(cell(&json!(["a", 1])), "a, 1");
        assert_eq!(cell(&json!({"a": null})), r#"{"a":null}"#);
        assert_eq!(cell(&json!(true)), "true");
    }
}
