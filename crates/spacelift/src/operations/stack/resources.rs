//! The resources that a stack manages.

use chain::StackId;
use chain::changes::ManagedResource;
use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/resources.graphql",
    fragments_other_variant = "true"
)]
struct StackResources;

impl Spacelift {
    /// The resources in the state of a stack, with the attributes of those of Terraform and OpenTofu.
    pub(crate) async fn managed_resources(&self, stack: &StackId) -> Result<Vec<ManagedResource>, Error> {
        let variables = stack_resources::Variables {
            id: stack.to_string(),
        };
        self.query::<StackResources, _>(variables, convert).await
    }
}

fn convert(data: stack_resources::ResponseData) -> Result<Vec<ManagedResource>, Unusable> {
    let stack = data.stack.ok_or(Unusable::Missing)?;
    let entities = stack.entities.unwrap_or_default().into_iter();
    let resources = entities.filter_map(|entity| {
        Some(ManagedResource {
            address: entity.address?,
            values: entity.vendor.and_then(values),
        })
    });
    Ok(resources.collect())
}

fn values(vendor: stack_resources::StackResourcesStackEntitiesVendor) -> Option<String> {
    use stack_resources::StackResourcesStackEntitiesVendor as Vendor;
    use stack_resources::StackResourcesStackEntitiesVendorOnEntityVendorTerraformTerraform as Terraform;

    match vendor {
        Vendor::EntityVendorTerraform(vendor) => match vendor.terraform? {
            Terraform::TerraformResource(resource) => resource.values,
            _ => None,
        },
        Vendor::Unknown => None,
    }
}
