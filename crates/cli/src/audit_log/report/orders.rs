//! What people ordered in a period: of chains, of stacks, and of the account.

use audit::verify::{self, CheckedChain};
use audit::{Action, Entry, Record, Store};
use chain::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::Serialize;

use super::period::Period;
use super::{CLOCKS_APART_MS, READS_AT_ONCE};
use crate::json::Time;
use crate::table::Table;
use crate::time::shown;

/// What a person ordered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditOrder")]
pub(crate) struct Order {
    pub(crate) at: Option<Time>,
    /// Who, as Spacelift names them, with what the machine said of them.
    pub(crate) by: String,
    /// The action of the audit record, such as `halt_began`.
    pub(crate) action: &'static str,
    pub(crate) chain: Option<String>,
    pub(crate) stack: Option<String>,
    pub(crate) reason: Option<Reason>,
}

/// How the actor of a record begins if a person gave an order.
const ORDERED: [&str; 2] = ["operator:", "request:"];

/// Who ordered it, if the record is of an order.
fn ordered_by(entry: &Entry) -> Option<&str> {
    let actor = entry.actor.as_str();
    let by = ORDERED.iter().find_map(|ordered| actor.strip_prefix(ordered));
    match entry.action {
        // Most chains start because of a run. Those that a person requested or retried are orders.
        Action::ChainStarted => by,
        action => is_order(action).then(|| by.unwrap_or(actor)),
    }
}

fn is_order(action: Action) -> bool {
    matches!(
        action,
        Action::ChainPaused
            | Action::ChainResumed
            | Action::ChainApproved
            | Action::ChainCancelled
            | Action::FreezeBegan
            | Action::FreezeLifted
            | Action::HaltBegan
            | Action::HaltLifted
            | Action::RunConfirmed
            | Action::RunDiscarded
            | Action::StackDoneByHand
            | Action::StackReleased
    )
}

/// The orders to a chain in the period.
pub(super) fn of_chain(chain: &CheckedChain, period: &Period) -> Vec<Order> {
    let entries = chain.records.iter().map(Record::entry);
    entries.filter_map(|entry| of_entry(entry, period)).collect()
}

fn of_entry(entry: &Entry, period: &Period) -> Option<Order> {
    let by = ordered_by(entry).filter(|_| period.holds(entry.at_ms))?;
    Some(Order {
        at: Time::from_ms(entry.at_ms),
        by: by.to_owned(),
        action: entry.action.as_str(),
        chain: entry.chain.clone(),
        stack: entry.stack.as_ref().map(ToString::to_string),
        reason: entry.reason.clone(),
    })
}

/// The orders in the period that belong to no chain. Objects that are not as they were written, or that a newer version wrote,
/// are added to the lists.
pub(super) async fn alone(
    store: &Store,
    period: &Period,
    damaged: &mut Vec<String>,
    newer: &mut Vec<String>,
) -> anyhow::Result<Vec<Order>> {
    let mut objects = store.deliveries().await?;
    // Nothing that happened in the period was written before it.
    objects.retain(|object| object.modified_ms >= period.since.as_millisecond() - CLOCKS_APART_MS);
    let mut read = stream::iter(&objects)
        .map(async |object| {
            let checked = verify::read_delivery(store, &object.key).await?;
            Ok::<_, audit::StoreError>((&object.key, checked))
        })
        .buffered(READS_AT_ONCE);
    let mut orders = Vec::new();
    while let Some((key, checked)) = read.try_next().await? {
        match checked {
            Ok(Some(record)) => orders.extend(of_entry(record.entry(), period)),
            Ok(None) => newer.push(key.clone()),
            Err(_) => damaged.push(key.clone()),
        }
    }
    Ok(orders)
}

/// The orders in columns.
pub(super) fn render(orders: &[Order]) -> String {
    if orders.is_empty() {
        return "Nobody ordered anything in the period.".to_owned();
    }
    let mut table = Table::with_head(["at", "order", "by", "of", "reason"]);
    for order in orders {
        let of = order.chain.as_deref().or(order.stack.as_deref());
        table.row([
            order.at.map(shown).unwrap_or_default().as_str(),
            order.action,
            &order.by,
            of.unwrap_or("the account"),
            order.reason.as_ref().map_or("", |reason| reason.text.as_str()),
        ]);
    }
    format!("Orders:\n{}", table.indented("  ", true))
}
