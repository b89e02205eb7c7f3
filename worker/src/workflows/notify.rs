//! `NotifyWorkflow`: sends messages about one chain. It is a separate workflow, so that no sink ever delays a chain.

use std::time::Duration;

use chain::Notice;
use futures::FutureExt;
use futures::future::{Fuse, LocalBoxFuture};
use temporal_client::contract::{Deliveries, NotifyInput, SendNotices, SentNotices};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};
use tracing::warn;

use super::{is_history_full, now_ms, unlimited_retries};
use crate::activities::Activities;

/// Stacks end in quick succession, and sinks limit how often a message may change.
const PAUSE: Duration = Duration::from_secs(3);
/// How long a failing sink is retried after the end of a chain or run.
const PATIENCE_MS: i64 = 24 * 3600 * 1000;

/// How often a round is made although nothing changes. It finds out whether the chain was terminated.
const WATCH: Duration = Duration::from_hours(24);
/// The change since which such rounds are made.
const WATCHES_CHAIN: &str = "watches-chain";

/// When messages that wait since this time are given up.
pub(super) fn patient_until_ms(since_ms: i64) -> i64 {
    since_ms.saturating_add(PATIENCE_MS)
}

#[workflow]
pub struct NotifyWorkflow {
    input: NotifyInput,
    /// The newest notice that was not sent yet.
    unsent: Option<Notice>,
}

#[workflow_methods]
impl NotifyWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: NotifyInput) -> Self {
        Self {
            unsent: Some(input.notice.clone()),
            input,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        // Histories from before the change wait for ever.
        let watches = ctx.patched(WATCHES_CHAIN);
        let mut watch = pause(ctx, watches.then_some(WATCH));
        loop {
            let notice = ctx.state_mut(|state| {
                if let Some(newer) = state.unsent.take() {
                    state.input.notice = newer;
                }
                state.input.notice.clone()
            });
            let sent = send(ctx, notice.clone()).await?;
            if sent.chain_is_gone && ctx.state(|state| state.unsent.is_none()) {
                return Ok(());
            }
            let next_at_ms = sent.next_at_ms;
            if is_history_full(ctx, &ctx.state(|state| state.input.timing.clone())) {
                let next = ctx.state(|state| NotifyInput {
                    notice: state.unsent.clone().unwrap_or_else(|| notice.clone()),
                    ..state.input.clone()
                });
                ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            }
            let now = now_ms(ctx);
            let is_last = notice.is_over() && ctx.state(|state| state.unsent.is_none());
            let patient_until_ms = notice.ended_at_ms.filter(|_| is_last).map(patient_until_ms);
            let is_hopeless = patient_until_ms.is_some_and(|until_ms| now >= until_ms);
            if is_last && (next_at_ms.is_none() || is_hopeless) {
                if is_hopeless && !ctx.is_replaying() {
                    warn!(chain.id = %notice.chain, "Some sinks did not get the final message of chain `{}`", notice.chain);
                }
                return Ok(());
            }
            // A sink may have asked for a pause beyond the patience.
            let wake_at_ms = next_at_ms.into_iter().chain(patient_until_ms).min();
            select! {
                newer = ctx.wait_condition(|state: &NotifyWorkflow| state.unsent.is_some()) => newer?,
                () = pause_until(ctx, wake_at_ms) => continue,
                () = watch => {
                    watch = pause(ctx, Some(WATCH));
                    continue;
                }
            }
            // The end is sent at once; progress is collected for a moment.
            select! {
                over = ctx.wait_condition(|state: &NotifyWorkflow| state.unsent.as_ref().is_some_and(Notice::is_over)) => over?,
                _ = ctx.timer(PAUSE) => {}
            }
        }
    }

    /// What was delivered to each sink. `spillway doctor` asks.
    #[query]
    pub fn deliveries(&self, _ctx: &WorkflowContextView) -> Deliveries {
        self.input.deliveries.clone()
    }

    #[signal]
    pub fn notice(&mut self, _ctx: &mut SyncWorkflowContext<Self>, notice: Notice) {
        if notice.revision > self.input.notice.revision {
            self.unsent = Some(notice);
        }
    }
}

type Context = WorkflowContext<NotifyWorkflow>;

/// Sends one round.
async fn send(ctx: &Context, notice: Notice) -> WorkflowResult<SentNotices> {
    let options =
        ctx.state(|state| unlimited_retries(&state.input.timing, "messages about the chain".to_owned()));
    let request = SendNotices {
        notice,
        deliveries: ctx.state(|state| state.input.deliveries.clone()),
    };
    let sent = ctx
        .execute_activity(Activities::send_notices, request, options)
        .await?;
    ctx.state_mut(|state| state.input.deliveries.clone_from(&sent.deliveries));
    Ok(sent)
}

/// Never completes if nothing is due.
fn pause_until(ctx: &Context, at_ms: Option<i64>) -> Pause {
    let left = at_ms.map(|at_ms| {
        let left_ms = u64::try_from(at_ms - now_ms(ctx)).unwrap_or(0);
        Duration::from_millis(left_ms.max(1))
    });
    pause(ctx, left)
}

type Pause = Fuse<LocalBoxFuture<'static, ()>>;

/// Never completes without a duration.
fn pause(ctx: &Context, duration: Option<Duration>) -> Pause {
    let ctx = ctx.clone();
    async move {
        match duration {
            Some(duration) => {
                ctx.timer(duration).await;
            }
            None => std::future::pending().await,
        }
    }
    .boxed_local()
    .fuse()
}
