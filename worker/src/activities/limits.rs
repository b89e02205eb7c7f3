//! How far activities look back, and how long they wait for the answer of a workflow.

use std::time::Duration;

use temporal_client::TemporalError;

/// The furthest that anything looks back. Temporal deletes closed workflows after its retention period, so an older run
/// could start a second chain.
pub(super) const LOOK_BACK_MAX: Duration = Duration::from_secs(12 * 3600);

/// How long a workflow may take to answer: a worker may have to replay it first.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// The answer of a workflow, or why there is none.
pub(super) async fn with_timeout<T>(
    answer: impl Future<Output = Result<T, TemporalError>>,
) -> Result<T, String> {
    match tokio::time::timeout(ANSWER_TIME_MAX, answer).await {
        Ok(answer) => answer.map_err(|error| format!("{:#}", anyhow::Error::new(error))),
        Err(_) => Err(format!("no answer within {} s", ANSWER_TIME_MAX.as_secs())),
    }
}
