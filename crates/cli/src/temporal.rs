//! The way to Temporal that the environment names.

use orchestrator::{Orchestrator, Settings, TemporalSettings};

pub(crate) async fn connect() -> anyhow::Result<Orchestrator> {
    let settings = Settings::from_environment()?;
    let client = TemporalSettings::from_environment()?.connect().await?;
    Ok(Orchestrator::new(client, settings))
}
