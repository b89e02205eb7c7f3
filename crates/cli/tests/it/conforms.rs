//! Whether a document is as its published JSON Schema says. The whole-system tests use this file, too.

use std::path::Path;

use serde_json::Value;

/// Fails unless a document is of this kind, and as the schema of the kind says.
#[track_caller]
pub(crate) fn assert_conforms(document: &Value, kind: &str, schemas: &Path) {
    assert_eq!(document["kind"], kind, "{document}");
    let text = std::fs::read_to_string(schemas.join(format!("{kind}.json"))).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    if let Err(problem) = conforms(document, &schema, &schema) {
        panic!("{kind}: {problem}\n{document:#}");
    }
}

/// The part of JSON Schema that our schemas use. A keyword that it does not know fails, so that none goes unchecked.
fn conforms(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    let Some(schema) = schema.as_object() else {
        return if schema == &Value::Bool(false) {
            Err("nothing is allowed".to_owned())
        } else {
            Ok(())
        };
    };
    for (keyword, rule) in schema {
        let is_good = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                conforms(value, &root["$defs"][name], root)?;
                true
            }
            "type" => types(rule).any(|wanted| is_of_type(value, wanted)),
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "pattern" => matches(value, rule.as_str().unwrap()),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= rule.as_f64().unwrap()),
            "anyOf" => any(value, rule, root) >= 1,
            "oneOf" => any(value, rule, root) == 1,
            "required" => rule
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, of_field) in rule.as_object().unwrap() {
                    if let Some(field) = value.get(name) {
                        conforms(field, of_field, root).map_err(|problem| format!("{name}: {problem}"))?;
                    }
                }
                let known = rule.as_object().unwrap();
                let is_described = |name: &String| known.contains_key(name) || schema.contains_key("oneOf");
                value
                    .as_object()
                    .is_none_or(|fields| fields.keys().all(is_described))
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    conforms(item, rule, root).map_err(|problem| format!("{at}: {problem}"))?;
                }
                true
            }
            other => panic!("the test does not know the keyword {other}"),
        };
        if !is_good {
            return Err(format!("{value} is not as {keyword} {rule} says"));
        }
    }
    Ok(())
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    let one = rule.as_str().into_iter();
    one.chain(rule.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the test does not know the type {other}"),
    }
}

/// How many of the schemas a value conforms to.
fn any(value: &Value, rule: &Value, root: &Value) -> usize {
    let schemas = rule.as_array().unwrap().iter();
    schemas
        .filter(|schema| conforms(value, schema, root).is_ok())
        .count()
}

/// The one pattern that there is: a time with milliseconds.
fn matches(value: &Value, pattern: &str) -> bool {
    assert!(
        pattern.starts_with(r"^\d{4}-\d{2}-\d{2}T"),
        "the test does not know the pattern {pattern}"
    );
    value.as_str().is_none_or(|text| {
        let shape: String = text
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        shape == "0000-00-00T00:00:00.000Z" && text.parse::<jiff::Timestamp>().is_ok()
    })
}
