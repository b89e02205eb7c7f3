//! What a program is told from outside: variables, the secrets that variables name, and AWS's own configuration.

pub mod aws;
mod secret;

use std::collections::HashMap;

pub use secret::{SecretError, SecretVariables};

/// Variables by name.
pub type Variables = HashMap<String, String>;

/// The variables of this process that are text.
pub fn of_process() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables of this process and of every secret that they name.
pub async fn with_secrets() -> Result<Variables, SecretError> {
    let mut variables = of_process();
    for secret in SecretVariables::ALL {
        secret.read_into(&mut variables).await?;
    }
    Ok(variables)
}
