//! CloudFormation templates: parsed with their short tags, and evaluated with parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::read;

/// The deployed templates. The first one nests the others.
pub(crate) const ALL: [&str; 6] = [
    "template.yaml",
    "infra/data.yaml",
    "infra/roles.yaml",
    "infra/worker.yaml",
    "infra/alarms.yaml",
    "infra/allowlist.yaml",
];

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const ACCOUNT: &str = "123456789012";

/// A YAML file as JSON, with short tags expanded to functions and merges applied.
pub(crate) fn load(path: &str) -> Value {
    let mut document: yaml_serde::Value =
        yaml_serde::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    document.apply_merge().unwrap();
    plain(document)
}

fn plain(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            function(tag.trim_start_matches('!'), &plain(tagged.value))
        }
        yaml_serde::Value::Sequence(items) => items.into_iter().map(plain).collect(),
        yaml_serde::Value::Mapping(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), plain(value)))
            .collect::<Map<_, _>>()
            .into(),
        scalar => serde_json::to_value(scalar).unwrap(),
    }
}

fn function(tag: &str, argument: &Value) -> Value {
    match (tag, argument) {
        ("Ref" | "Condition", _) => json!({ tag: argument }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap();
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        _ => json!({ format!("Fn::{tag}"): argument }),
    }
}

/// The resources of a type, by name.
pub(crate) fn resources<'a>(
    template: &'a Value,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

/// Whether a function has only its own variables.
pub(crate) fn ignores_global_variables(template: &Value, function: &str) -> bool {
    let ignored = template["Resources"][function]["IgnoreGlobals"].as_array();
    ignored.is_some_and(|names| names.contains(&json!("Environment")))
}

/// A template with values for its parameters and for attributes of its resources. Without a value, the name stands for
/// it.
pub(crate) struct Filled {
    pub(crate) template: Value,
    values: BTreeMap<String, String>,
}

impl Filled {
    pub(crate) fn new<'a>(path: &str, given: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let template = load(path);
        let mut values: BTreeMap<String, String> = [
            ("AWS::Region", REGION),
            ("AWS::AccountId", ACCOUNT),
            ("AWS::Partition", "aws"),
            ("AWS::URLSuffix", "amazonaws.com"),
            ("AWS::StackName", "spillway"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, parameter) in template["Parameters"].as_object().unwrap() {
            if let Some(default) = parameter.get("Default") {
                values.insert(name.clone(), text(default));
            }
        }
        values.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self { template, values }
    }

    /// The value of each parameter.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let names = self.template["Parameters"].as_object().unwrap().keys();
        names
            .map(|name| (name.clone(), self.values[name].clone()))
            .collect()
    }

    /// The properties of a resource after evaluation, as CloudFormation would see them.
    pub(crate) fn resource(&self, name: &str) -> Value {
        self.value(&self.template["Resources"][name]["Properties"])
            .unwrap()
    }

    /// The evaluated value. `None` if it is removed.
    pub(crate) fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.value(item)).collect()),
            Value::Object(fields) => match single(fields) {
                Some(("Ref", name)) if name == "AWS::NoValue" => None,
                Some(("Ref", name)) => Some(self.named(name.as_str().unwrap()).into()),
                Some(("Fn::GetAtt", path)) => {
                    let [resource, attribute] = path.as_array().unwrap().as_slice() else {
                        panic!("an attribute of a resource: {path}")
                    };
                    Some(
                        self.named(&format!("{}.{}", text(resource), text(attribute)))
                            .into(),
                    )
                }
                Some(("Fn::Sub", argument)) => Some(self.sub(argument).into()),
                Some(("Fn::If", argument)) => {
                    let holds = self.condition(argument[0].as_str().unwrap());
                    self.value(&argument[if holds { 1 } else { 2 }])
                }
                Some(("Fn::Join", argument)) => {
                    let pieces = self.value(&argument[1]).unwrap();
                    let pieces: Vec<String> = pieces.as_array().unwrap().iter().map(text).collect();
                    Some(pieces.join(argument[0].as_str().unwrap()).into())
                }
                Some(("Fn::Split", argument)) => {
                    let whole = text(&self.value(&argument[1]).unwrap());
                    Some(whole.split(argument[0].as_str().unwrap()).collect())
                }
                Some(("Fn::Select", argument)) => {
                    let at = usize::try_from(argument[0].as_u64().unwrap()).unwrap();
                    Some(self.value(&argument[1]).unwrap()[at].clone())
                }
                _ => {
                    let kept = fields
                        .iter()
                        .filter_map(|(name, value)| Some((name.clone(), self.value(value)?)));
                    Some(kept.collect::<Map<_, _>>().into())
                }
            },
            scalar => Some(scalar.clone()),
        }
    }

    fn named(&self, name: &str) -> String {
        self.values.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn sub(&self, argument: &Value) -> String {
        let pattern = argument.as_str().or_else(|| argument[0].as_str()).unwrap();
        let mut pieces = pattern.split("${");
        let mut whole = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap();
            whole += &match argument.get(1).and_then(|own| own.get(name)) {
                Some(own) => text(&self.value(own).unwrap()),
                None => self.named(name),
            };
            whole += rest;
        }
        whole
    }

    fn condition(&self, name: &str) -> bool {
        self.holds(&self.template["Conditions"][name])
    }

    fn holds(&self, condition: &Value) -> bool {
        let (function, argument) = single(condition.as_object().unwrap()).unwrap();
        match function {
            "Fn::Equals" => {
                text(&self.value(&argument[0]).unwrap()) == text(&self.value(&argument[1]).unwrap())
            }
            "Fn::Not" => !self.holds(&argument[0]),
            "Fn::Or" => argument.as_array().unwrap().iter().any(|one| self.holds(one)),
            "Fn::And" => argument.as_array().unwrap().iter().all(|one| self.holds(one)),
            "Condition" => self.condition(argument.as_str().unwrap()),
            other => panic!("the function {other} in a condition"),
        }
    }
}

fn single(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = fields.iter().next()?;
    (fields.len() == 1).then_some((name, argument))
}

/// CloudFormation's parameters are all strings.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One item or a list. moto leaves `null` where AWS removes a value.
pub(crate) fn list(value: &Value) -> Vec<Value> {
    let mut items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    items.retain(|item| !item.is_null());
    items
}
