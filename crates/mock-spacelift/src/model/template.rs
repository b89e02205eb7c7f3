//! Blueprint templates: YAML that contains `${{ … }}`.
//!
//! Of Spacelift's expression language, this supports references to inputs and to the context, and the comparison of one
//! of them with a text. Anything else is refused with its name.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A template with its expressions filled in.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Template {
    #[serde(default)]
    pub options: Options,
    #[serde(default)]
    pub stack: Option<TemplateStack>,
    /// The newer form, for several stacks.
    #[serde(default)]
    pub stacks: Vec<TemplateStack>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Options {
    #[serde(default)]
    pub trigger_run: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Spacelift's switches, one for one"
)]
pub(crate) struct TemplateStack {
    pub name: String,
    pub space: String,
    pub description: Option<String>,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub is_disabled: bool,
    #[serde(default)]
    pub administrative: bool,
    #[serde(default)]
    pub auto_deploy: bool,
    #[serde(default)]
    pub auto_retry: bool,
    #[serde(default)]
    pub protect_from_deletion: bool,
    pub runner_image: Option<String>,
    pub vcs: Vcs,
    /// The tool's name is the key; its settings are ignored.
    pub vendor: BTreeMap<String, yaml_serde::Value>,
    #[serde(default)]
    pub attachments: Attachments,
    #[serde(default)]
    pub environment: Environment,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Vcs {
    pub branch: String,
    pub repository: String,
    pub namespace: Option<String>,
    pub project_root: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Attachments {
    #[serde(default)]
    pub contexts: Vec<AttachedContext>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AttachedContext {
    pub id: String,
    #[serde(default)]
    pub priority: i32,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Environment {
    #[serde(default)]
    pub variables: Vec<Variable>,
    #[serde(default)]
    pub mounted_files: Vec<MountedFile>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Variable {
    pub name: String,
    pub value: String,
    pub description: Option<String>,
    #[serde(default)]
    pub secret: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MountedFile {
    pub path: String,
    pub content: String,
    pub description: Option<String>,
    #[serde(default)]
    pub secret: bool,
}

/// An input of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateInput {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// `short_text` etc.
    pub input_type: String,
    pub default: Option<String>,
    pub options: Vec<String>,
}

impl TemplateInput {
    /// Whether a value, which is always a text, fits the type.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        let fits = match self.input_type.as_str() {
            "number" => value.parse::<i64>().is_ok(),
            "float" => value.parse::<f64>().is_ok(),
            "boolean" => value.parse::<bool>().is_ok(),
            "select" => self.options.iter().any(|option| option == value),
            _ => true,
        };
        if fits {
            Ok(())
        } else {
            Err(format!("`{value}` is not a {}", self.input_type))
        }
    }
}

#[derive(Deserialize)]
struct Inputs {
    #[serde(default)]
    inputs: Vec<RawInput>,
}

#[derive(Deserialize)]
struct RawInput {
    id: String,
    name: String,
    description: Option<String>,
    r#type: Option<String>,
    default: Option<yaml_serde::Value>,
    #[serde(default)]
    options: Vec<yaml_serde::Value>,
}

/// The inputs of a template.
pub(crate) fn inputs(text: &str) -> Result<Vec<TemplateInput>, String> {
    let raw: Inputs = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
    raw.inputs
        .into_iter()
        .map(|input| {
            Ok(TemplateInput {
                id: input.id,
                name: input.name,
                description: input.description,
                input_type: input.r#type.unwrap_or_else(|| "short_text".to_owned()),
                default: input.default.as_ref().map(scalar).transpose()?,
                options: input.options.iter().map(scalar).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Defaults and options are texts in the API, whatever they are in YAML.
fn scalar(value: &yaml_serde::Value) -> Result<String, String> {
    match value {
        yaml_serde::Value::String(text) => Ok(text.clone()),
        yaml_serde::Value::Bool(value) => Ok(value.to_string()),
        yaml_serde::Value::Number(number) => Ok(number.to_string()),
        _ => Err("a default or option is not a text, number or boolean".to_owned()),
    }
}

/// Fills in the expressions of a template and parses the result.
pub(crate) fn evaluate(text: &str, values: &BTreeMap<String, String>) -> Result<Template, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after
            .split_once("}}")
            .ok_or_else(|| "`${{` without `}}`".to_owned())?;
        filled.push_str(before);
        filled.push_str(&value(expression.trim(), values)?);
        rest = after;
    }
    filled.push_str(rest);
    yaml_serde::from_str(&filled).map_err(|error| error.to_string())
}

fn value(expression: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    for (operator, equal) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = expression.split_once(operator) {
            let same = operand(left.trim(), values)? == operand(right.trim(), values)?;
            return Ok((same == equal).to_string());
        }
    }
    operand(expression, values)
}

fn operand(text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    match quoted {
        Some(literal) => Ok(literal.to_owned()),
        None => values
            .get(text)
            .cloned()
            .ok_or_else(|| format!("cannot evaluate `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{evaluate, inputs};

    const TEMPLATE: &str = r"
inputs:
  - id: app
    name: App
  - id: replicas
    name: Replicas
    type: number
    default: 3
stack:
  name: ${{ inputs.app }}-stack
  space: root
  auto_deploy: ${{ inputs.app == 'web' }}
  labels: ['app:${{inputs.app}}']
  vcs: { branch: main, repository: apps }
  vendor: { opentofu: { version: '1.9' } }
";

    #[test]
    fn expressions_are_filled_in() {
        let values = BTreeMap::from([("inputs.app".to_owned(), "web".to_owned())]);
        let stack = evaluate(TEMPLATE, &values).unwrap().stack.unwrap();
        assert_eq!(stack.name, "web-stack");
        assert_eq!(stack.labels, ["app:web"]);
        assert!(stack.auto_deploy);
    }

    #[test]
    fn an_unsupported_expression_is_reported() {
        let error = evaluate(TEMPLATE, &BTreeMap::new()).unwrap_err();
        assert_eq!(error, "cannot evaluate `inputs.app`");
    }

    #[test]
    fn the_default_type_of_an_input_is_short_text() {
        let inputs = inputs(TEMPLATE).unwrap();
        assert_eq!(inputs[0].input_type, "short_text");
        assert_eq!(inputs[1].default.as_deref(), Some("3"));
    }
}
