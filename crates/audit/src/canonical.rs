//! The canonical form of a JSON value: equal values have equal texts, and so equal hashes.

use serde_json::Value;

/// The value without white space. The names in every object are ordered by their bytes.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// `serde_json` is not used for this: the order in which it keeps names is a feature that any crate of the build may
/// switch.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_has_one_form() {
        let value = json!({
            "b": [1, {"z": null, "a": true}], "a": "\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}\"\\/é\u{2028}", "Z": -7, "": {},
        });
        assert_eq!(
            canonical(&value),
            concat!(
                r#"{"":{},"Z":-7,"a":"\b\t\n\f\r\u0001\u001f"#,
                "\u{7f}",
                r#"\"\\/é"#,
                "\u{2028}",
                r#"","b":[1,{"a":true,"z":null}]}"#
            )
        );
    }
}
