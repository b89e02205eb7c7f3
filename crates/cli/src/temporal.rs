//! The way to Temporal that the environment names.

use orchestrator::{Orchestrator, TemporalSettings};

use crate::command::{settings, variables};

pub(crate) async fn connect() -> anyhow::Result<Orchestrator> {
    let settings = settings()?;
    let temporal = TemporalSettings::from_variables(&variables().await?)?;
    Ok(Orchestrator::new(temporal.connect().await?, settings))
}
