//! What a program is told from outside: variables, the secrets that variables name, AWS's own configuration, and when
//! to stop.

pub mod aws;
mod secret;

use std::collections::HashMap;

pub use secret::{SecretError, SecretVariables};
use tokio::signal::unix::{SignalKind, signal};

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

/// Completes with Ctrl-C, or with the SIGTERM of what manages processes. From the call on neither ends the process.
pub fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
