//! Sends messages about chains and runs.

use chain::notice::{RunMessage, RunNotice};
use chain::{AccountName, Notice, RunFacts, StackFacts, StackId, binding};
use notify::Attempt;
use temporal_client::clock;
use temporal_client::contract::{SendNotices, SendRunNotices, SentNotices, SentRunNotices};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tracing::{info, warn};

use super::Activities;
use crate::failure::{activity_error, temporal_error};
use crate::{metrics, traces};

/// A chain that sent no notice for so long may have been terminated.
const SILENCE_MS: i64 = 24 * 3600 * 1000;

impl Activities {
    /// One round: sends the notice to every sink that is due. A sink that fails is retried in a later round, so that no
    /// sink waits for another.
    pub(super) async fn notify(&self, request: SendNotices) -> SentNotices {
        let SendNotices {
            notice,
            mut deliveries,
        } = request;
        let began_ms = clock::now_ms();
        let round = self.notifier.deliver(&notice, &mut deliveries, began_ms).await;
        if round.attempts.iter().any(|attempt| attempt.result.is_ok()) {
            traces::worked(&notice.chain, "send messages", (began_ms, clock::now_ms()));
        }
        for attempt in &round.attempts {
            metrics::notice_sent(attempt);
            let (sink, kind, chain) = (attempt.sink.as_str(), attempt.kind, notice.chain.as_str());
            match &attempt.result {
                Ok(()) => info!(
                    notice.sink = sink,
                    notice.kind = kind,
                    chain.id = chain,
                    notice.revision = notice.revision,
                    "Sent the message about chain `{chain}` to sink `{sink}`"
                ),
                Err(error) => {
                    let next = if error.is_final() {
                        "it gets no more about this chain"
                    } else {
                        "will be retried"
                    };
                    warn!(
                        notice.sink = sink,
                        notice.kind = kind,
                        chain.id = chain,
                        notice.revision = notice.revision,
                        "The message about chain `{chain}` was not sent to sink `{sink}` and {next}: {error}"
                    );
                }
            }
        }
        SentNotices {
            deliveries,
            next_at_ms: round.next_at_ms,
            chain_is_gone: self.is_gone(&notice).await,
        }
    }

    /// Whether a chain that should send more notices never will, because its workflow is not open any more. Only asked
    /// about a chain that has sent none for long.
    async fn is_gone(&self, notice: &Notice) -> bool {
        if notice.is_over() || clock::now_ms().saturating_sub(notice.at_ms) < SILENCE_MS {
            return false;
        }
        let chain = notice.chain.as_str();
        match self.workflows.status(chain).await {
            Ok(Some(WorkflowExecutionStatus::Running)) => false,
            Ok(status) => {
                warn!(
                    chain.id = chain,
                    "Chain `{chain}` has the status {status:?} and sent no message about its end; its messages end"
                );
                true
            }
            Err(error) => {
                warn!(
                    chain.id = chain,
                    "Whether chain `{chain}` is still open is not known: {error}"
                );
                false
            }
        }
    }

    /// One round of messages about a run.
    pub(super) async fn notify_of_run(&self, request: SendRunNotices) -> SentRunNotices {
        let Some(about) = request.messages.first().map(|message| message.notice.clone()) else {
            return SentRunNotices {
                left: Vec::new(),
                next_at_ms: None,
            };
        };
        let sent = self
            .notifier
            .deliver_runs(request.messages, clock::now_ms())
            .await;
        for attempt in &sent.round.attempts {
            metrics::notice_sent(attempt);
            log_run(&about, attempt);
        }
        SentRunNotices {
            left: sent.left,
            next_at_ms: sent.round.next_at_ms,
        }
    }

    /// Starts the messages that the labels of the stack ask for. They are sent by a workflow of their own.
    pub(super) async fn order_run_notices(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunFacts,
    ) -> Result<(), ActivityError> {
        let is_notable = run.state.is_terminal() || run.waits_for_person().is_some();
        if self.notifier.is_empty() || !run.is_tracked() || !is_notable {
            return Ok(());
        }
        let Some(stack) = self.spacelift.stack(stack).await.map_err(activity_error)? else {
            return Ok(());
        };
        let targets = binding::targets(&stack.labels, &run.state);
        let notice = RunNotice::new(account.clone(), StackFacts::from(stack), run);
        let messages = targets.into_iter().map(|target| RunMessage {
            notice: notice.clone(),
            target,
            delivery: Default::default(),
        });
        self.workflows
            .notify_run(messages.collect())
            .await
            .map_err(temporal_error)
    }
}

fn log_run(about: &RunNotice, attempt: &Attempt) {
    let (sink, kind, run) = (attempt.sink.as_str(), attempt.kind, about.run.as_str());
    match &attempt.result {
        Ok(()) => info!(
            notice.sink = sink,
            notice.kind = kind,
            stack.id = %about.stack,
            run.id = run,
            "Sent the message about run `{run}` to sink `{sink}`"
        ),
        Err(error) => {
            let next = if error.is_final() {
                "is dropped"
            } else {
                "will be retried"
            };
            warn!(
                notice.sink = sink,
                notice.kind = kind,
                stack.id = %about.stack,
                run.id = run,
                "The message about run `{run}` was not sent to sink `{sink}` and {next}: {error}"
            );
        }
    }
}
