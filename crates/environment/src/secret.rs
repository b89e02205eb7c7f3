//! Variables from AWS Secrets Manager: secrets that hold a JSON object of names and texts.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

use crate::{Variables, aws};

/// A secret that may hold variables, and the variable that names the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretVariables {
    /// The variable that holds the secret's name or ARN.
    pub named_by: &'static str,
    /// The prefix of the names of its variables.
    pub prefix: &'static str,
}

/// Why a secret could not be read. The values are never shown.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(
        "the secret that `{named_by}` names does not exist, or has no value yet; \
        put a value into it with `aws secretsmanager put-secret-value`"
    )]
    NoValue { named_by: &'static str },
    #[error("Secrets Manager does not give the secret that `{named_by}` names")]
    Call {
        named_by: &'static str,
        source: Box<SdkError<GetSecretValueError, HttpResponse>>,
    },
    #[error(
        "the secret that `{named_by}` names is not a JSON object of texts, such as {{\"{prefix}...\": \"...\"}}"
    )]
    Shape {
        named_by: &'static str,
        prefix: &'static str,
    },
    #[error(
        "the secret that `{named_by}` names holds `{name}`; only variables that begin with `{prefix}` belong there"
    )]
    ForeignVariable {
        named_by: &'static str,
        prefix: &'static str,
        name: String,
    },
}

impl SecretVariables {
    /// The API key of the Spacelift account.
    pub const SPACELIFT: Self = Self {
        named_by: "SPACELIFT_SECRET_ID",
        prefix: "SPACELIFT_",
    };
    /// The API key for Temporal, or a client certificate and its key.
    pub const TEMPORAL: Self = Self {
        named_by: "TEMPORAL_SECRET_ID",
        prefix: "TEMPORAL_",
    };
    /// The key that encrypts the payloads in Temporal.
    pub const PAYLOAD_KEY: Self = Self {
        named_by: "SPILLWAY_PAYLOAD_KEY_SECRET_ID",
        prefix: "SPILLWAY_PAYLOAD_KEY",
    };
    /// The sinks of messages about chains, and their tokens.
    pub const SINKS: Self = Self {
        named_by: "SPILLWAY_SINKS_SECRET_ID",
        prefix: "SPILLWAY_SINKS",
    };
    /// The headers for the receiver of traces.
    pub const TRACES: Self = Self {
        named_by: "SPILLWAY_TRACES_SECRET_ID",
        prefix: "OTEL_EXPORTER_OTLP_",
    };
    /// The secrets that a connection to Temporal needs.
    pub const OF_TEMPORAL: [Self; 2] = [Self::TEMPORAL, Self::PAYLOAD_KEY];
    pub const ALL: [Self; 5] = [
        Self::SPACELIFT,
        Self::TEMPORAL,
        Self::PAYLOAD_KEY,
        Self::SINKS,
        Self::TRACES,
    ];

    /// Adds the variables of the secret, if `variables` names one. A variable that is set already takes precedence.
    pub async fn read_into(self, variables: &mut Variables) -> Result<(), SecretError> {
        let Some(id) = variables.get(self.named_by).filter(|id| !id.trim().is_empty()) else {
            return Ok(());
        };
        let client = Client::new(aws::config().await);
        let value = client
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .map_err(|error| self.not_given(error))?;
        for (name, value) in self.parse(value.secret_string().unwrap_or_default())? {
            variables.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn not_given(self, error: SdkError<GetSecretValueError, HttpResponse>) -> SecretError {
        let named_by = self.named_by;
        let is_absent = error
            .as_service_error()
            .is_some_and(GetSecretValueError::is_resource_not_found_exception);
        if is_absent {
            SecretError::NoValue { named_by }
        } else {
            SecretError::Call {
                named_by,
                source: Box::new(error),
            }
        }
    }

    fn parse(self, text: &str) -> Result<BTreeMap<String, String>, SecretError> {
        let held: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| SecretError::Shape {
            named_by: self.named_by,
            prefix: self.prefix,
        })?;
        match held.keys().find(|name| !name.starts_with(self.prefix)) {
            Some(foreign) => Err(SecretError::ForeignVariable {
                named_by: self.named_by,
                prefix: self.prefix,
                name: foreign.clone(),
            }),
            None => Ok(held),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_holds_variables_of_its_own_kind() {
        let held = SecretVariables::TEMPORAL
            .parse(r#"{"TEMPORAL_API_KEY": "k"}"#)
            .unwrap();
        assert_eq!(held["TEMPORAL_API_KEY"], "k");
    }

    #[test]
    fn an_invalid_entry_is_reported_without_its_value() {
        for (text, said) in [
            ("k-1234", "not a JSON object"),
            (r#"["k-1234"]"#, "not a JSON object"),
            (r#"{"TEMPORAL_API_KEY": 1234}"#, "not a JSON object"),
            (r#"{"RUST_LOG": "k-1234"}"#, "`RUST_LOG`"),
        ] {
            let error = SecretVariables::TEMPORAL.parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("1234"), "{error}");
        }
    }
}
