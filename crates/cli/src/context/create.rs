//! `spillway context create`.

use chain::SpaceId;
use clap::Args;
use spacelift::{NewConfig, NewContext, Spacelift};

use crate::command::Done;
use crate::failure::Failure;
use crate::fields::Listing;
use crate::pair::pair;
use crate::progress::during;

#[derive(Debug, Args)]
pub(crate) struct CreateContext {
    /// The name. Spacelift derives the id from it.
    name: String,
    /// The space.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// A description.
    #[arg(long)]
    description: Option<String>,
    /// A label. Can be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// A variable that everyone can read. Can be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// A write-only variable. Its value is read from the environment variable of this name. Can be repeated.
    #[arg(long = "secret", value_name = "NAME")]
    secrets: Vec<String>,
    /// A file in the workspace, with the contents of a local file. Can be repeated.
    #[arg(long = "file", value_name = "PATH=FILE", value_parser = pair)]
    files: Vec<(String, String)>,
    /// A write-only file. Can be repeated.
    #[arg(long = "secret-file", value_name = "PATH=FILE", value_parser = pair)]
    secret_files: Vec<(String, String)>,
    #[command(flatten)]
    listing: Listing,
}

impl CreateContext {
    pub(super) async fn run(self, spacelift: &Spacelift) -> Done {
        let config = self.config()?;
        let new = NewContext {
            name: self.name,
            space: self.space,
            description: self.description,
            labels: self.labels,
            config,
        };
        let context = during("Creating the context", spacelift.create_context(&new)).await?;
        match &self.listing.fields {
            Some(_) => super::show(spacelift, &context.id, &self.listing).await,
            None => super::print(&context, &self.listing),
        }
    }

    fn config(&self) -> anyhow::Result<Vec<NewConfig>> {
        let missing: Vec<&str> = self
            .secrets
            .iter()
            .map(String::as_str)
            .filter(|name| std::env::var(name).is_err())
            .collect();
        if !missing.is_empty() {
            return Err(Failure::setting(format!(
                "--secret names environment variables that are not set: {}",
                missing.join(", ")
            ))
            .into());
        }
        let mut config = Vec::new();
        for (name, value) in &self.variables {
            config.push(NewConfig::variable(name, value.as_str()));
        }
        for name in &self.secrets {
            config.push(NewConfig::variable(name, std::env::var(name)?).write_only());
        }
        for (path, file) in &self.files {
            config.push(NewConfig::file(path, &read(file)?));
        }
        for (path, file) in &self.secret_files {
            config.push(NewConfig::file(path, &read(file)?).write_only());
        }
        Ok(config)
    }
}

fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| Failure::unreadable(file, &error).into())
}
