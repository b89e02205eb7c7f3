//! docs/json.md and the JSON Schemas of every document.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::NOTE;
use crate::json::{Shape, VERSION};
use crate::{
    audit_log, blueprint, chain, context, deletion, destroy_plan, doctor, fields, freeze, halt, lint,
    migrate, mock, plan, request, run, schedule, sink, space, stack, waiting, webhook,
};

/// A kind of document, and the commands that print it.
struct Kind {
    name: String,
    schema: Value,
    commands: &'static [&'static str],
}

fn one<T: Shape>(commands: &'static [&'static str]) -> Kind {
    let mut schema = schema::<T>();
    envelope(&mut schema, T::KIND);
    Kind {
        name: T::KIND.to_owned(),
        schema,
        commands,
    }
}

fn list<T: Shape>(commands: &'static [&'static str]) -> Kind {
    let name = format!("{}_list", T::KIND);
    let mut item = schema::<T>();
    let mut schema = json!({
        "$schema": item["$schema"].take(),
        "title": format!("{}List", item["title"].as_str().unwrap_or_default()),
        "type": "object",
        "properties": {},
        "required": ["items"],
    });
    if let Some(item) = item.as_object_mut() {
        item.remove("$schema");
        if let Some(definitions) = item.remove("$defs") {
            schema["$defs"] = definitions;
        }
    }
    schema["properties"]["items"] = json!({"type": "array", "items": item});
    envelope(&mut schema, &name);
    Kind {
        name,
        schema,
        commands,
    }
}

fn schema<T: Shape>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Adds what every document begins with.
fn envelope(schema: &mut Value, kind: &str) {
    schema["properties"]["kind"] = json!({"const": kind});
    schema["properties"]["version"] = json!({"const": VERSION});
    let mut required = vec![json!("kind"), json!("version")];
    required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    schema["required"] = required.into();
}

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        list::<chain::View>(&["chain list"]),
        one::<chain::View>(&[
            "chain show",
            "chain watch",
            "chain start --wait",
            "chain retry --wait",
            "demo",
        ]),
        one::<chain::ChainOrder<'_>>(&["chain approve", "chain pause", "chain resume", "chain cancel"]),
        one::<chain::Retry<'_>>(&["chain retry"]),
        one::<request::View>(&["chain start", "request show"]),
        list::<stack::View<'_>>(&["stack list"]),
        one::<stack::View<'_>>(&["stack show", "stack create"]),
        one::<stack::DependencyChange>(&["stack depend"]),
        one::<stack::StackStatus>(&["stack why"]),
        one::<stack::StackOrder<'_>>(&["stack done", "stack release"]),
        list::<run::View<'_>>(&["run list"]),
        one::<run::View<'_>>(&["run show", "run trigger", "run confirm", "run discard"]),
        one::<schedule::View>(&["schedule show", "schedule watch"]),
        one::<schedule::Rebuild>(&["schedule rebuild"]),
        one::<halt::Halt>(&["halt", "go"]),
        one::<freeze::View>(&["freeze now", "freeze show"]),
        one::<freeze::Thaw>(&["thaw"]),
        list::<waiting::View>(&["waiting"]),
        one::<destroy_plan::View<'_>>(&["destroy-plan"]),
        one::<plan::View<'_>>(&["plan", "impact"]),
        one::<lint::Report<'_>>(&["lint"]),
        one::<migrate::View>(&["migrate native"]),
        one::<doctor::Report>(&["doctor"]),
        one::<audit_log::View>(&["audit verify"]),
        one::<audit_log::Report<'_>>(&["audit report"]),
        one::<webhook::Installation>(&["webhook install"]),
        one::<webhook::Answer>(&["webhook send"]),
        list::<webhook::ReplayedMessage>(&["webhook replay"]),
        list::<sink::View>(&["sink list"]),
        list::<sink::MessageView>(&["sink preview"]),
        list::<space::View<'_>>(&["space list"]),
        one::<space::View<'_>>(&["space show", "space create"]),
        list::<context::View<'_>>(&["context list"]),
        one::<context::View<'_>>(&["context show", "context create"]),
        list::<blueprint::View<'_>>(&["blueprint list"]),
        one::<blueprint::View<'_>>(&["blueprint show"]),
        one::<blueprint::Deployed>(&["blueprint deploy"]),
        one::<deletion::Deleted<'_>>(&["stack delete", "space delete", "context delete"]),
        list::<fields::Chosen>(&["list --fields"]),
        one::<fields::Chosen>(&["show --fields"]),
        one::<mock::Change<'_>>(&["mock push", "mock lock", "…"]),
        list::<mock::LogEntry<'_>>(&["mock log"]),
    ];
    kinds.sort_by(|one, other| one.name.cmp(&other.name));
    kinds
}

/// The schema of every kind of document.
pub(super) fn schemas() -> Vec<(String, Value)> {
    kinds().into_iter().map(|kind| (kind.name, kind.schema)).collect()
}

pub(super) fn document() -> String {
    let mut text = format!(
        "# JSON

{NOTE}
`-o json` prints one document, and `-o yaml` prints the same as YAML. `--jq` filters it as `jq -r` does:

```json
{{ \"kind\": \"halt\", \"version\": 1, \"account\": \"acme\", \"halted\": true, \"changed\": true }}
```

- `kind` says what it is, and `version` counts changes that break readers. A field can be added without a new version.
- A list has its things in `items`. A thing has the same fields in a list and alone.
- Times are RFC 3339 in UTC with milliseconds. Durations are numbers of seconds, in fields that end in `_s`.
- A field without a value is `null`, not absent.
- `message` fields are for people and may change; every other field is for programs. A `reason` has a `code` and a `text`.
- `spillway query` prints the data as Spacelift sends them, without `kind` and `version`.

Errors are text on stderr. The [exit code](commands.md#exit-codes) says what kind of error it is.

| kind | schema | printed by |
|---|---|---|
"
    );
    for Kind { name, commands, .. } in kinds() {
        let commands: Vec<String> = commands.iter().map(|command| format!("`{command}`")).collect();
        let _ = writeln!(
            text,
            "| `{name}` | [{name}.json](schemas/{name}.json) | {} |",
            commands.join(", ")
        );
    }
    text
}
