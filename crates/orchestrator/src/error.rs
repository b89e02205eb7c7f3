//! What goes wrong between us and Temporal.

/// Temporal did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[error("Temporal did not {wanted}")]
pub struct TemporalError {
    wanted: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TemporalError {
    pub(crate) fn new(
        wanted: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            wanted: wanted.into(),
            source: source.into(),
        }
    }
}
