//! Orders of people: the chain records them, and reports them to the schedule. Nobody else reports them, so the schedule
//! gets them in the same order, and a lost schedule loses none.

use std::time::Duration;

use chain::{ChainId, ChainRecord, Change};
use temporal_client::contract::{ChainOrder, ScheduleMessage};
use temporal_client::definition::TellSchedule;
use temporal_client::id;
use temporalio_sdk::{SignalWorkflowOptions, WorkflowSignalError};
use tracing::error;

use super::super::now_ms;
use super::log::Log;
use super::{Context, apply};
use crate::metrics::{self, Alarm};

/// How long to wait before the schedule is signalled again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn carry_out(ctx: &Context, log: &mut Log) {
    while let Some(order) = ctx.state_mut(|state| state.orders.pop_front()) {
        match serde_json::from_value(order) {
            Ok(order) => carry_out_one(ctx, log, order).await,
            Err(problem) if !ctx.is_replaying() => {
                metrics::alarm(Alarm::MessageDropped);
                error!("An order to a chain cannot be read and is dropped: {problem}");
            }
            Err(_) => {}
        }
    }
}

async fn carry_out_one(ctx: &Context, log: &mut Log, order: ChainOrder) {
    let open = ctx.state(|state| {
        let record = state.report.record.as_ref();
        record
            .filter(|record| !record.is_over())
            .map(ChainRecord::id)
            .cloned()
    });
    // A chain that ended or was refused takes no orders.
    let Some(chain) = open else { return };
    let change = Change::Controlled {
        control: order.control,
        by: order.by.clone(),
        at_ms: now_ms(ctx),
        reason: order.reason.clone(),
    };
    apply(ctx, log, &[change]);
    report(ctx, chain, order).await;
}

async fn report(ctx: &Context, chain: ChainId, order: ChainOrder) {
    let Some(account) = chain.account() else { return };
    let message = ScheduleMessage::Controlled {
        chain,
        control: order.control,
        by: order.by,
        reason: order.reason,
    };
    loop {
        let schedule = ctx.external_workflow(id::schedule(&account), None);
        let signalled = schedule
            .signal(TellSchedule, message.clone(), SignalWorkflowOptions::default())
            .await;
        match signalled {
            // The next schedule reads the record.
            Ok(()) | Err(WorkflowSignalError::NotFound(_)) => return,
            Err(_) => drop(ctx.timer(PAUSE).await),
        }
    }
}
