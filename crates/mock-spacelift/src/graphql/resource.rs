//! Resources that a stack manages, and those that a run changed.

use async_graphql::{ID, InputObject, SimpleObject, Union};

use crate::model::resource::Resource;

/// Clients send it empty.
#[derive(Debug, InputObject)]
pub(crate) struct RunChangesInput {
    phase: Option<String>,
}

#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct RunChanges {
    phase: String,
    resources: Vec<RunChangesResource>,
}

#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct RunChangesResource {
    address: String,
    previous_address: String,
    metadata: RunChangesMetadata,
}

#[derive(Debug, Clone, SimpleObject)]
struct RunChangesMetadata {
    r#type: String,
}

impl RunChanges {
    pub(crate) fn of(addresses: &[String]) -> Self {
        let resource = |address: &String| RunChangesResource {
            address: address.clone(),
            previous_address: String::new(),
            metadata: RunChangesMetadata {
                r#type: "CHANGE".to_owned(),
            },
        };
        Self {
            phase: "APPLY".to_owned(),
            resources: addresses.iter().map(resource).collect(),
        }
    }
}

#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ManagedEntity {
    id: ID,
    address: String,
    name: String,
    r#type: String,
    vendor: EntityVendor,
}

#[derive(Debug, Clone, Union)]
enum EntityVendor {
    Terraform(EntityVendorTerraform),
}

#[derive(Debug, Clone, SimpleObject)]
struct EntityVendorTerraform {
    terraform: TerraformEntity,
}

#[derive(Debug, Clone, Union)]
enum TerraformEntity {
    Resource(TerraformResource),
}

#[derive(Debug, Clone, SimpleObject)]
struct TerraformResource {
    address: String,
    mode: String,
    values: String,
}

impl From<&Resource> for ManagedEntity {
    fn from(resource: &Resource) -> Self {
        Self {
            id: ID::from(resource.address.as_str()),
            address: resource.address.clone(),
            name: resource.address.clone(),
            r#type: resource.kind().to_owned(),
            vendor: EntityVendor::Terraform(EntityVendorTerraform {
                terraform: TerraformEntity::Resource(TerraformResource {
                    address: resource.address.clone(),
                    mode: "managed".to_owned(),
                    values: resource.values.clone(),
                }),
            }),
        }
    }
}
