//! Writes the orders of people to the audit log. A log that is down delays nothing: the next history writes what is left.

use audit::{Entry, Record};
use temporal_client::contract::ScheduleInput;
use tracing::error;

use super::super::super::unlimited_retries;
use super::super::Context;
use super::{Done, Tasks};
use crate::activities::Activities;

/// The change since which orders of people are in the audit log.
const AUDITED_ORDERS: &str = "audited-orders";

impl Tasks {
    /// Writes an order of a person to the audit log, if there is one.
    pub(in super::super) fn audit(&mut self, ctx: &Context, input: &ScheduleInput, entry: Entry) {
        // Histories from before the log had these records write none.
        if ctx.patched(AUDITED_ORDERS) {
            self.write_order(ctx, input, Record::unlinked(entry));
        }
    }

    pub(super) fn write_order(&mut self, ctx: &Context, input: &ScheduleInput, order: Record) {
        let options = unlimited_retries(&input.timing, "audit log".to_owned());
        self.orders.push(order.clone());
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            let written = ctx
                .execute_activity(Activities::write_audit_record, order.clone(), options)
                .await;
            if let Err(error) = written {
                error!("An order is not in the audit log: {error}");
            }
            Done::Audited {
                order: Box::new(order),
            }
        }));
    }

    pub(in super::super) fn audited(&mut self, order: &Record) {
        self.orders.retain(|other| other != order);
    }

    /// Orders that are not in the audit log yet.
    pub(in super::super) fn unwritten_orders(&self) -> Vec<Record> {
        self.orders.clone()
    }
}
