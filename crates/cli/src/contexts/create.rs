//! `spillway contexts create`.

use chain::SpaceId;
use clap::Args;
use spacelift::{NewConfig, NewContext, Spacelift};

use crate::command::Done;
use crate::failure::Failure;
use crate::listing::Shape;
use crate::pairs::pair;
use crate::progress::during;

#[derive(Debug, Args)]
pub(crate) struct CreateContext {
    /// What it is called. Spacelift makes its id from it.
    name: String,
    /// Where it belongs.
    #[arg(long, value_name = "SPACE", default_value = "root")]
    space: SpaceId,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// A label. May be repeated.
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// A variable that everybody may read. May be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// A variable that nobody can read back; its value comes from the environment. May be repeated.
    #[arg(long = "secret", value_name = "NAME")]
    secrets: Vec<String>,
    /// A file below the workspace, from one here. May be repeated.
    #[arg(long = "file", value_name = "PATH=FILE", value_parser = pair)]
    files: Vec<(String, String)>,
    /// A file that nobody can read back. May be repeated.
    #[arg(long = "secret-file", value_name = "PATH=FILE", value_parser = pair)]
    secret_files: Vec<(String, String)>,
    #[command(flatten)]
    shape: Shape,
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
        let context = during("Making the context", spacelift.create_context(&new)).await?;
        match &self.shape.fields {
            Some(_) => super::show(spacelift, &context.id, &self.shape).await,
            None => super::print(&context, &self.shape),
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
            return Err(
                Failure::Setting(format!("not set, and needed by --secret: {}", missing.join(", "))).into(),
            );
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
    std::fs::read(file)
        .map_err(|error| Failure::Usage(format!("the file `{file}` cannot be read: {error}")).into())
}
