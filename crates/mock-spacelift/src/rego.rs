//! Policies' language, evaluated for real.

use std::fmt;

use regorus::{Engine, Value};

/// The rule of a notification policy that says which webhooks hear of an event.
const WEBHOOK_RULE: &str = "webhook";

/// The rule of a trigger policy that says which stacks run.
const TRIGGER_RULE: &str = "trigger";

/// A compiled policy.
#[derive(Clone)]
pub(crate) struct Rego {
    engine: Engine,
}

impl fmt::Debug for Rego {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rego")
    }
}

impl Rego {
    /// Spacelift takes the old syntax and the new one. What neither can read is refused, in the words of the
    /// syntax that the text seems to be written in.
    pub(crate) fn compile(name: &str, body: &str) -> Result<Self, String> {
        let compile = |v0: bool| {
            let mut engine = Engine::new();
            engine.set_rego_v0(v0);
            // As in OPA: a built-in that fails is undefined and not an error.
            engine.set_strict_builtin_errors(false);
            engine
                .add_policy(format!("{name}.rego"), body.to_owned())
                .map(|_| Self { engine })
        };
        let new_syntax = body.contains("import rego.v1");
        compile(!new_syntax)
            .or_else(|error| compile(new_syntax).map_err(|_| error))
            .map_err(|error| error.to_string())
    }

    /// What the `webhook` rule says about an input: a list of requests, empty when no rule matches.
    pub(crate) fn webhooks(&self, input: &serde_json::Value) -> Result<Vec<serde_json::Value>, String> {
        self.set(WEBHOOK_RULE, input)
    }

    /// The ids of the stacks that the `trigger` rule names.
    pub(crate) fn triggers(&self, input: &serde_json::Value) -> Result<Vec<String>, String> {
        let stacks = self.set(TRIGGER_RULE, input)?;
        let ids = stacks.into_iter().map(serde_json::from_value);
        ids.collect::<Result<_, _>>()
            .map_err(|error| format!("`{TRIGGER_RULE}` has what is no stack id: {error}"))
    }

    /// The members of a rule that is a set; none when it is undefined.
    fn set(&self, rule: &str, input: &serde_json::Value) -> Result<Vec<serde_json::Value>, String> {
        let mut engine = self.engine.clone();
        engine.set_input(Value::from(input.clone()));
        let results = engine
            .eval_query(format!("data.spacelift.{rule}"), false)
            .map_err(|error| error.to_string())?;
        let Some(expression) = results
            .result
            .first()
            .and_then(|result| result.expressions.first())
        else {
            return Ok(Vec::new());
        };
        let found = match &expression.value {
            Value::Undefined => return Ok(Vec::new()),
            found => serde_json::to_value(found).map_err(|error| error.to_string())?,
        };
        match found {
            serde_json::Value::Array(members) => Ok(members),
            other => Err(format!("`{rule}` is not a set but {other}")),
        }
    }
}
