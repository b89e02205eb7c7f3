//! Evaluates policies in Rego.

use std::fmt;

use async_graphql::Enum;
use regorus::{Engine, Value};

/// The rule of a notification policy that selects the webhooks for an event.
const WEBHOOK_RULE: &str = "webhook";

/// The rule of a trigger policy that selects the stacks to run.
const TRIGGER_RULE: &str = "trigger";

/// The version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum PolicyEngine {
    #[graphql(name = "REGO_V0")]
    RegoV0,
    #[graphql(name = "REGO_V1")]
    RegoV1,
}

/// A compiled policy.
#[derive(Clone)]
pub(crate) struct Rego {
    engine: Engine,
    version: PolicyEngine,
}

impl fmt::Debug for Rego {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rego")
    }
}

impl Rego {
    /// Spacelift accepts the old and the new syntax. If nobody says which one a text has and neither can parse it, the
    /// error is that of the syntax that the text seems to use.
    pub(crate) fn compile(name: &str, body: &str, version: Option<PolicyEngine>) -> Result<Self, String> {
        let compile = |version: PolicyEngine| {
            let mut engine = Engine::new();
            engine.set_rego_v0(version == PolicyEngine::RegoV0);
            // As in OPA, a failing built-in is undefined and not an error.
            engine.set_strict_builtin_errors(false);
            engine
                .add_policy(format!("{name}.rego"), body.to_owned())
                .map(|_| Self { engine, version })
        };
        let compiled = match version {
            Some(version) => compile(version),
            None if body.contains("import rego.v1") => compile(PolicyEngine::RegoV1)
                .or_else(|error| compile(PolicyEngine::RegoV0).map_err(|_| error)),
            None => compile(PolicyEngine::RegoV0)
                .or_else(|error| compile(PolicyEngine::RegoV1).map_err(|_| error)),
        };
        compiled.map_err(|error| error.to_string())
    }

    pub(crate) fn version(&self) -> PolicyEngine {
        self.version
    }

    /// The result of the `webhook` rule for an input: a list of requests, empty if no rule matches.
    pub(crate) fn webhooks(&self, input: &serde_json::Value) -> Result<Vec<serde_json::Value>, String> {
        self.set(WEBHOOK_RULE, input)
    }

    /// The ids of the stacks that the `trigger` rule returns.
    pub(crate) fn triggers(&self, input: &serde_json::Value) -> Result<Vec<String>, String> {
        let stacks = self.set(TRIGGER_RULE, input)?;
        let ids = stacks.into_iter().map(serde_json::from_value);
        ids.collect::<Result<_, _>>()
            .map_err(|error| format!("`{TRIGGER_RULE}` returned an invalid stack id: {error}"))
    }

    /// The members of a rule that is a set; empty if it is undefined.
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
