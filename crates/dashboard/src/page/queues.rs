//! What the queues of the webhook hold, for the page about health.

use std::time::Duration;

use futures::future::join_all;
use queue::{Depth, Queue};

use super::check::Check;
use crate::config::Queues;
use crate::words::counted;

/// The page does not wait longer for SQS.
const PATIENCE: Duration = Duration::from_secs(3);

const ADVICE: &str = "The dashboard needs the right sqs:GetQueueAttributes for the queue.";

/// A queue, and what the page says about it.
struct Watched<'a> {
    queue: &'a Queue,
    name: &'static str,
    empty: &'static str,
    filled: fn(Depth) -> String,
    advice: &'static str,
}

impl Watched<'_> {
    async fn check(self) -> Check {
        match tokio::time::timeout(PATIENCE, self.queue.depth()).await {
            Ok(Ok(depth)) if total(depth) == 0 => Check::good(self.name, self.empty),
            Ok(Ok(depth)) => Check::bad(self.name, (self.filled)(depth), self.advice),
            Ok(Err(error)) => Check::bad(self.name, format!("Not known: {error}."), ADVICE),
            Err(_) => Check::bad(self.name, "Not known: SQS does not answer.", ADVICE),
        }
    }
}

/// A check for each queue that is known here.
pub(super) async fn checks(queues: &Queues) -> Vec<Check> {
    let buffer = queues.buffer.as_ref().map(|queue| Watched {
        queue,
        name: "Buffer",
        empty: "Empty: every event is in Temporal.",
        filled: |depth| {
            let events = counted(total(depth), "event waits", "events wait");
            format!(
                "{events} for Temporal, {} of them now being recorded.",
                depth.hidden
            )
        },
        advice: "Temporal could not be reached. The events are recorded as soon as it can be.",
    });
    let dead_letters = queues.dead_letters.as_ref().map(|queue| Watched {
        queue,
        name: "Dead letters",
        empty: "None.",
        filled: |depth| {
            let events = counted(total(depth), "event could", "events could");
            format!("{events} not be recorded in five tries.")
        },
        advice: "The log of redeliver says why. `spillway webhook replay` shows and repeats them: see the runbook.",
    });
    let quarantine = queues.quarantine.as_ref().map(|queue| Watched {
        queue,
        name: "Quarantine",
        empty: "None.",
        filled: |depth| {
            let deliveries = counted(
                total(depth),
                "authentic delivery could",
                "authentic deliveries could",
            );
            format!("{deliveries} not be read.")
        },
        advice: "`spillway webhook replay` shows and repeats them.",
    });
    let known = [buffer, dead_letters, quarantine].into_iter().flatten();
    join_all(known.map(Watched::check)).await
}

fn total(depth: Depth) -> usize {
    usize::try_from(depth.waiting + depth.hidden).unwrap_or(usize::MAX)
}
