//! The variables that configure clients for an account.

use crate::model::api_key::{KEY_ID, KEY_SECRET};

/// The variables of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The client's name.
    pub client: &'static str,
    pub variables: Vec<(&'static str, String)>,
}

/// The variables for our own command, for spacectl and the Terraform provider, and for the Python client, in this
/// order. The last shares names with the first, and needs another URL.
pub fn environments(base_url: &str) -> [Environment; 3] {
    let own = |name, base_url: String| Environment {
        client: name,
        variables: vec![
            ("SPACELIFT_BASE_URL", base_url),
            ("SPACELIFT_KEY_ID", KEY_ID.to_owned()),
            ("SPACELIFT_KEY_SECRET", KEY_SECRET.to_owned()),
        ],
    };
    let spacectl = Environment {
        client: "spacectl and the Terraform provider",
        variables: vec![
            ("SPACELIFT_API_KEY_ENDPOINT", base_url.to_owned()),
            ("SPACELIFT_API_KEY_ID", KEY_ID.to_owned()),
            ("SPACELIFT_API_KEY_SECRET", KEY_SECRET.to_owned()),
        ],
    };
    [
        own("spillway", base_url.to_owned()),
        spacectl,
        own("the Python client", format!("{base_url}/graphql")),
    ]
}
