//! The variables of this process, and the settings in them.

use environment::Variables;
use settings::Settings;

/// The variables of this process and of the secrets that they name.
pub(crate) async fn variables() -> anyhow::Result<Variables> {
    Ok(environment::with_secrets().await?)
}

/// The parameters of chains, from the variables of this process and the settings file.
pub(crate) fn settings() -> anyhow::Result<Settings> {
    Ok(Settings::from_lookup(|name| std::env::var(name).ok())?)
}
