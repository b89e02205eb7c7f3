//! The environment of a program: variables, the secrets that they name, the AWS configuration, and stop signals.

pub mod aws;
mod secret;

use std::collections::HashMap;

pub use secret::{SecretError, SecretVariables};
use tokio::signal::unix::{SignalKind, signal};

/// Variables by name.
pub type Variables = HashMap<String, String>;

/// The variables of this process whose name and value are valid Unicode.
pub fn process_variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables of this process and of every secret that they name.
pub async fn with_secrets() -> Result<Variables, SecretError> {
    let mut variables = process_variables();
    for secret in SecretVariables::ALL {
        secret.read_into(&mut variables).await?;
    }
    Ok(variables)
}

/// Completes on SIGINT (Ctrl-C) or SIGTERM. Once this is called, neither signal ends the process.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
