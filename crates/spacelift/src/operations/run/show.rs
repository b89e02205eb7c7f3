//! One run by its id.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;
use serde::Deserialize;

use super::RunFields;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    response_type = "crate::operations::run::show::StackRun"
)]
struct Run;

#[derive(Deserialize)]
pub(crate) struct StackRun {
    run: Option<RunFields>,
}

impl Spacelift {
    /// The run, or `None` if the stack has no such run, or the stack does not exist or this key may not see it.
    pub async fn run(&self, stack: &StackId, run: &RunId) -> Result<Option<super::Run>, Error> {
        let variables = run::Variables {
            stack: stack.to_string(),
            run: run.to_string(),
        };
        self.query::<Run, _>(variables, convert).await
    }
}

fn convert(data: run::ResponseData) -> Result<Option<super::Run>, Unusable> {
    data.stack
        .and_then(|stack| stack.run)
        .map(super::Run::from_fields)
        .transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Commit, Delta, Transition};

    #[test]
    fn every_field_is_converted() {
        let run = json!({
            "id": "01R", "type": "TRACKED", "state": "UNCONFIRMED", "branch": "main", "triggeredBy": "api::01K",
            "createdAt": 10, "updatedAt": 20, "driftDetection": true, "finished": false, "needsApproval": true,
            "commit": {"hash": "c0ffee", "message": "m", "authorName": "a", "timestamp": 5, "url": "https://u"},
            "delta": {"addCount": 1, "changeCount": 2, "deleteCount": 3, "resources": 4},
            "history": [
                {"state": "UNCONFIRMED", "stateVersion": 6, "timestamp": 20, "username": "u", "note": "n"},
                {"state": "PLANNING", "stateVersion": 5, "timestamp": 15, "username": null, "note": null},
            ]
        });
        let run = convert(serde_json::from_value(json!({"stack": {"run": run}})).unwrap())
            .unwrap()
            .unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected = super::super::Run {
            id: "01R".parse().unwrap(),
            run_type: RunType::Tracked,
            state: RunState::Unconfirmed,
            branch: "main".to_owned(),
            commit: Commit {
                sha: chain::CommitSha::new("c0ffee"),
                message: "m".to_owned(),
                author: text("a"),
                timestamp: Some(5),
                url: text("https://u"),
            },
            triggered_by: text("api::01K"),
            created_at: 10,
            updated_at: 20,
            drift_detection: true,
            finished: false,
            needs_approval: true,
            delta: Some(Delta {
                added: 1,
                changed: 2,
                deleted: 3,
                resources: 4,
            }),
            history: vec![
                Transition {
                    state: RunState::Unconfirmed,
                    state_version: 6,
                    timestamp: 20,
                    username: text("u"),
                    note: text("n"),
                },
                Transition {
                    state: RunState::Planning,
                    state_version: 5,
                    timestamp: 15,
                    username: None,
                    note: None,
                },
            ],
        };
        assert_eq!(run.state_version(), Some(6));
        assert_eq!(run, expected);
    }

    #[test]
    fn neither_an_unknown_stack_nor_an_unknown_run_is_an_error() {
        for data in [json!({"stack": null}), json!({"stack": {"run": null}})] {
            assert_eq!(convert(serde_json::from_value(data).unwrap()), Ok(None));
        }
    }
}
