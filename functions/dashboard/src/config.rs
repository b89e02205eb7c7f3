//! The configuration, read once at the start.

use anyhow::{Context, ensure};
use audit::Store;
use chain::AccountName;
use dashboard::{Pages, Queues, login};
use environment::{SecretVariables, Variables};
use settings::{Problems, Settings};
use spacelift::Spacelift;
use telemetry::Namespace;
use temporal_client::{TemporalSource, WorkflowClient};

const ACCOUNT: &str = "SPILLWAY_ACCOUNT";
const TEMPORAL_UI: &str = "TEMPORAL_UI_URL";

/// The configuration of the dashboard.
pub struct Config {
    pub(crate) login: login::Settings,
    pub(crate) systems: Systems,
    pub(crate) metrics: Namespace,
}

/// How Temporal and Spacelift are reached. Secrets are read whenever a connection is made.
pub(crate) struct Systems {
    variables: Variables,
    temporal: TemporalSource,
    settings: Settings,
    audit: Option<Store>,
    /// The only account whose API key may be used. If it is not set, any is.
    account: Option<AccountName>,
}

/// All problems of the configuration, in one message.
#[derive(Debug, thiserror::Error)]
#[error("the dashboard cannot start:\n{0}")]
pub struct ConfigError(Problems);

impl Config {
    /// Reads variables, and reports all problems in one message. Secrets are read later.
    pub async fn from_variables(variables: Variables) -> Result<Self, ConfigError> {
        let variable = |name: &str| variables.get(name).cloned();
        let mut problems = Problems::default();
        let login = problems.check(login::Settings::from_variables(&variables));
        let account = variable(ACCOUNT).and_then(|text| {
            let account = text.parse::<AccountName>();
            problems.check(account.map_err(|error| format!("`{ACCOUNT}`: {error}")))
        });
        let temporal = problems.check(TemporalSource::from_variables(&variables));
        let settings = problems.check(Settings::from_lookup(variable));
        if !variables.contains_key(SecretVariables::SPACELIFT.named_by) {
            problems.check(Spacelift::from_lookup(variable));
        }
        let audit = problems.check(Store::from_lookup(variable).await);
        match (login, temporal, settings, audit) {
            (Some(login), Some(temporal), Some(settings), Some(audit)) if problems.is_empty() => Ok(Self {
                metrics: Namespace::from_lookup(variable),
                login,
                systems: Systems {
                    variables,
                    temporal,
                    settings,
                    audit,
                    account,
                },
            }),
            _ => Err(ConfigError(problems)),
        }
    }
}

impl Systems {
    /// Connects to Temporal and to Spacelift, side by side.
    pub(crate) async fn connect(&self) -> anyhow::Result<dashboard::Config> {
        let (workflows, spacelift) = tokio::try_join!(self.workflows(), self.spacelift())?;
        let (spacelift, account) = spacelift;
        let (workflows, temporal) = workflows;
        Ok(dashboard::Config {
            workflows,
            pages: Pages {
                spacelift: Some(spacelift.web_url().to_owned()),
                temporal,
            },
            spacelift,
            account,
            audit: self.audit.clone(),
            queues: Queues::from_lookup(|name| self.variables.get(name).cloned()),
        })
    }

    async fn workflows(&self) -> anyhow::Result<(WorkflowClient, Option<String>)> {
        let temporal = self.temporal.settings().await?;
        let ui = self.variables.get(TEMPORAL_UI).cloned();
        let pages = Pages::of_temporal(ui, &temporal);
        let client = temporal.connect_for_pages().await?;
        Ok((WorkflowClient::new(client, self.settings.clone()), pages))
    }

    async fn spacelift(&self) -> anyhow::Result<(Spacelift, AccountName)> {
        let mut variables = self.variables.clone();
        SecretVariables::SPACELIFT.read_into(&mut variables).await?;
        let spacelift = Spacelift::from_lookup(|name| variables.get(name).cloned())?;
        let account = spacelift
            .account_name()
            .await
            .context("Spacelift does not answer")?;
        if let Some(wanted) = &self.account {
            ensure!(
                *wanted == account,
                "`{ACCOUNT}` is `{wanted}`, but the API key belongs to the account `{account}`"
            );
        }
        Ok((spacelift, account))
    }
}
