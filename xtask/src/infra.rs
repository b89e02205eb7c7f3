//! `cargo xtask infra`: lints the deployment: the templates, the image and the compose file. Needs no AWS account and
//! no Docker; the tools come from the Python package index.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use tokio::process::Command;

use crate::opentofu;
use crate::tools::Tools;

const TEMPLATE: &str = "template.yaml";
const DOCKERFILE: &str = "worker/Dockerfile";
const COMPOSE: &str = "infra/compose.yaml";

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let tools = Tools::install()?;
    let templates = templates(&tools.repository)?;
    let tool = |name: &str, arguments: &[&str]| {
        tools.command(name).map(|mut command| {
            command.args(arguments);
            command
        })
    };
    let mut cfn_lint = tool("cfn-lint", &[])?;
    cfn_lint.args(&templates);
    let mut checkov = tool("checkov", &["--quiet", "--compact", "--skip-download"])?;
    checkov.args(["--framework", "cloudformation", "dockerfile", "--file"]);
    checkov.args(&templates).arg(DOCKERFILE);
    let mut steps = vec![
        (
            "sam: is the template one that SAM can deploy?",
            tool("sam", &["validate", "--lint"])?,
        ),
        ("cfn-lint: are the templates valid CloudFormation?", cfn_lint),
        (
            "checkov: are the templates and the image safe, except for the listed exceptions?",
            checkov,
        ),
        (
            "hadolint: is the image built well?",
            tool("hadolint", &[DOCKERFILE])?,
        ),
    ];
    if has_compose().await {
        let mut compose = Command::new("docker");
        compose
            .args([
                "compose",
                "--file",
                COMPOSE,
                "config",
                "--no-interpolate",
                "--quiet",
            ])
            .current_dir(&tools.repository);
        steps.push(("docker compose: can the file be read?", compose));
    } else {
        eprintln!("compose: not checked, since this machine has no `docker compose`");
    }
    let mut failed = Vec::new();
    for (question, mut command) in steps {
        eprintln!("{question}");
        let status = command
            .status()
            .await
            .with_context(|| format!("{command:?} could not be started"))?;
        if !status.success() {
            failed.push(question.to_owned());
        }
    }
    failed.extend(opentofu::failures(&tools.repository).await?);
    for question in &failed {
        eprintln!("failed: {question}");
    }
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The deployed template and its nested ones: everything in `infra` except compose files.
fn templates(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut nested = Vec::new();
    for entry in std::fs::read_dir(root.join("infra"))? {
        let name = format!("infra/{}", entry?.file_name().to_string_lossy());
        if Path::new(&name).extension().is_some_and(|kind| kind == "yaml") && name != COMPOSE {
            nested.push(name);
        }
    }
    nested.sort();
    Ok([vec![TEMPLATE.to_owned()], nested].concat())
}

async fn has_compose() -> bool {
    Command::new("docker")
        .args(["compose", "version"])
        .output()
        .await
        .is_ok_and(|output| output.status.success())
}
