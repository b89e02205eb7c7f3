//! The deliveries for a run's latest transition.

use crate::account::state::Account;
use crate::model::webhook::{DeliveredTransition, Outgoing, WebhookKey};
use crate::webhooks::{event, notification};

/// Adds the deliveries for a run's latest transition to those to send.
pub(super) fn announce(account: &mut Account, index: usize) {
    let run = &account.runs[index];
    let Some(stack) = account.stacks.get(&run.stack) else {
        return;
    };
    let about = DeliveredTransition {
        stack: stack.id.clone(),
        run: run.id.clone(),
        state: run.state().clone(),
        state_version: run.last().state_version,
    };
    let body = event::default_body(account, stack, run);
    let own = stack
        .webhooks
        .iter()
        .filter(|webhook| webhook.target.enabled)
        .map(|webhook| {
            let key = WebhookKey::Stack {
                stack: stack.id.clone(),
                id: webhook.id.clone(),
            };
            Outgoing::new(key, &webhook.target, body.clone(), Some(about.clone()))
        });
    let mut outgoing: Vec<Outgoing> = own.collect();
    outgoing.extend(
        account
            .audit_trail
            .as_ref()
            .filter(|trail| trail.include_runs)
            .and_then(|trail| trail.delivery(body.clone(), Some(about.clone()))),
    );
    outgoing.extend(notification::deliveries(account, stack, run, &body, &about));
    for delivery in outgoing {
        account.deliveries.send(delivery);
    }
}
