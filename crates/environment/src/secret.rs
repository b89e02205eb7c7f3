//! Secrets of AWS Secrets Manager that hold variables: a JSON object of names and texts.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

use crate::{Variables, aws};

/// A secret that may hold variables, and the variable that says where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretVariables {
    /// The variable that holds the secret's name or ARN.
    pub named_by: &'static str,
    /// What the name of each variable in it begins with.
    pub prefix: &'static str,
}

/// Why a secret gives no variables. The values are never shown.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("Secrets Manager does not give the secret that `{named_by}` names")]
    Call {
        named_by: &'static str,
        source: Box<SdkError<GetSecretValueError, HttpResponse>>,
    },
    #[error(
        "the secret that `{named_by}` names is no JSON object of texts, such as {{\"{prefix}...\": \"...\"}}"
    )]
    Shape {
        named_by: &'static str,
        prefix: &'static str,
    },
    #[error(
        "the secret that `{named_by}` names holds `{name}`; only variables that begin with `{prefix}` belong there"
    )]
    Stranger {
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
    /// The API key, or the certificate and its key, with which Temporal knows us.
    pub const TEMPORAL: Self = Self {
        named_by: "TEMPORAL_SECRET_ID",
        prefix: "TEMPORAL_",
    };
    /// The key with which what Temporal keeps is encrypted.
    pub const PAYLOAD_KEY: Self = Self {
        named_by: "SPILLWAY_PAYLOAD_KEY_SECRET_ID",
        prefix: "SPILLWAY_PAYLOAD_KEY",
    };
    /// Those that a connection to Temporal needs.
    pub const OF_TEMPORAL: [Self; 2] = [Self::TEMPORAL, Self::PAYLOAD_KEY];
    pub const ALL: [Self; 3] = [Self::SPACELIFT, Self::TEMPORAL, Self::PAYLOAD_KEY];

    /// Adds what the secret holds, where `variables` name one. A variable that is set already wins.
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
            .map_err(|source| SecretError::Call {
                named_by: self.named_by,
                source: Box::new(source),
            })?;
        for (name, value) in self.parse(value.secret_string().unwrap_or_default())? {
            variables.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn parse(self, text: &str) -> Result<BTreeMap<String, String>, SecretError> {
        let held: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| SecretError::Shape {
            named_by: self.named_by,
            prefix: self.prefix,
        })?;
        match held.keys().find(|name| !name.starts_with(self.prefix)) {
            Some(stranger) => Err(SecretError::Stranger {
                named_by: self.named_by,
                prefix: self.prefix,
                name: stranger.clone(),
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
    fn what_it_may_not_hold_is_named_without_its_value() {
        for (text, said) in [
            ("k-1234", "no JSON object"),
            (r#"["k-1234"]"#, "no JSON object"),
            (r#"{"TEMPORAL_API_KEY": 1234}"#, "no JSON object"),
            (r#"{"RUST_LOG": "k-1234"}"#, "`RUST_LOG`"),
        ] {
            let error = SecretVariables::TEMPORAL.parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("1234"), "{error}");
        }
    }
}
