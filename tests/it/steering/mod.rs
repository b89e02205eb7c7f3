//! Orders of people to chains, stacks and the account, through the real command.

mod approvals;
mod commands;
mod deadlines;
mod downstream;
mod freezes;
mod labels;
mod orders;
mod policies;
mod retry;

use chain::StackProgress;
use temporal_client::contract::ChainReport;

use crate::world::World;

/// How far a stack has come in a chain.
fn progress(report: &ChainReport, stack: &str) -> StackProgress {
    let record = report.record.as_ref().unwrap();
    record.stack(&stack.parse().unwrap()).unwrap().clone()
}

impl World {
    /// The standard output of the command, which succeeds.
    pub(crate) async fn says(&self, arguments: &[&str]) -> String {
        let output = self.spillway(arguments).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Who did what, from the audit records that belong to no chain.
    pub(crate) async fn audited(&self, action: &str) -> Vec<String> {
        let mut actors = Vec::new();
        for object in self.audit.deliveries().await.unwrap() {
            let text = String::from_utf8(self.audit.read(&object.key).await.unwrap()).unwrap();
            let record: serde_json::Value = serde_json::from_str(&text).unwrap();
            if record["entry"]["action"] == action {
                actors.push(record["entry"]["actor"].as_str().unwrap().to_owned());
            }
        }
        actors
    }
}
