//! Named webhooks: they belong to a space, and receive what notification policies send them.

use crate::model::space::ROOT;
use crate::model::webhook::Target;

/// A named webhook to be created.
#[derive(Debug, Clone)]
pub struct NewNamedWebhook {
    pub name: String,
    pub url: String,
    pub secret: String,
    pub space: String,
    pub labels: Vec<String>,
    pub enabled: bool,
    pub retry_on_failure: bool,
}

impl NewNamedWebhook {
    /// A webhook of the root space.
    pub fn named(name: &str, url: &str, secret: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            space: ROOT.to_owned(),
            labels: Vec::new(),
            enabled: true,
            retry_on_failure: false,
        }
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            enabled: self.enabled,
            retry_on_failure: self.retry_on_failure,
            ..Target::new(&self.url, &self.secret)
        }
    }
}
