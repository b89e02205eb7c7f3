//! One stack by its id.

use chain::{RunState as StackState, StackId};
use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("StackState"),
    fragments_other_variant = "true"
)]
pub(super) struct Stack;

impl Spacelift {
    /// The stack, or `None` if it does not exist or this key may not see it.
    pub async fn stack(&self, id: &StackId) -> Result<Option<super::Stack>, Error> {
        self.query::<Stack, _>(stack::Variables { id: id.to_string() }, convert)
            .await
    }
}

fn convert(data: stack::ResponseData) -> Result<Option<super::Stack>, Unusable> {
    data.stack.map(super::Stack::from_fields).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Lock, NativeDependency, Vendor};

    fn stack(change: &[(&str, Value)]) -> Result<Option<super::super::Stack>, Unusable> {
        let mut stack = json!({
            "id": "db", "name": "DB", "description": "d", "space": "root", "labels": ["dependsOn:vpc"],
            "repository": "infra", "namespace": "acme", "branch": "main", "administrative": true, "autodeploy": true,
            "isDisabled": true, "state": "FINISHED", "lockedBy": "alice", "lockedAt": 7, "lockNote": "wait",
            "trackedCommit": {"hash": "c0ffee", "timestamp": 9}, "dependsOn": [{"id": "1", "dependsOnStackId": "vpc"}],
            "vendorConfig": {"__typename": "StackConfigVendorPulumi"}
        });
        for (field, value) in change {
            stack[field] = value.clone();
        }
        convert(serde_json::from_value(json!({"stack": stack})).unwrap())
    }

    #[test]
    fn every_field_is_converted() {
        let expected = super::super::Stack {
            id: "db".parse().unwrap(),
            name: "DB".to_owned(),
            description: Some("d".to_owned()),
            space: "root".parse().unwrap(),
            labels: vec!["dependsOn:vpc".to_owned()],
            repository: "infra".to_owned(),
            namespace: Some("acme".to_owned()),
            branch: "main".to_owned(),
            administrative: true,
            autodeploy: true,
            is_disabled: true,
            state: StackState::Finished,
            lock: Some(Lock {
                by: "alice".to_owned(),
                at: Some(7),
                note: Some("wait".to_owned()),
            }),
            tracked_commit: chain::CommitSha::new("c0ffee"),
            tracked_commit_timestamp: Some(9),
            depends_on: vec![NativeDependency {
                id: "1".to_owned(),
                depends_on: "vpc".parse().unwrap(),
            }],
            vendor: Some(Vendor::Pulumi),
        };
        assert_eq!(stack(&[]), Ok(Some(expected)));
    }

    #[test]
    fn a_missing_stack_is_none() {
        let empty =
            ["lockedBy", "namespace", "trackedCommit", "vendorConfig"].map(|field| (field, Value::Null));
        let stack = stack(&empty).unwrap().unwrap();
        assert_eq!(
            (
                stack.lock,
                stack.namespace,
                stack.tracked_commit,
                stack.tracked_commit_timestamp,
                stack.vendor
            ),
            (None, None, None, None, None)
        );
        assert_eq!(
            convert(serde_json::from_value(json!({"stack": null})).unwrap()),
            Ok(None)
        );
    }

    #[test]
    fn unknown_values_survive() {
        let new = [
            ("state", json!("HOVERING")),
            ("vendorConfig", json!({"__typename": "StackConfigVendorNew"})),
        ];
        let stack = stack(&new).unwrap().unwrap();
        assert_eq!(
            (stack.state.as_str(), stack.vendor),
            ("HOVERING", Some(Vendor::Unknown))
        );
    }

    #[test]
    fn an_invalid_id_is_a_mismatch() {
        let expected = Err(Unusable::Mismatch("stack id is empty".to_owned()));
        assert_eq!(stack(&[("id", json!(""))]), expected);
        assert_eq!(
            stack(&[("dependsOn", json!([{"id": "1", "dependsOnStackId": ""}]))]),
            expected
        );
    }
}
