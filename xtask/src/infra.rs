//! `cargo xtask infra`: lints what is deployed, the templates, the image and the compose file. Needs no AWS account and
//! no docker; the tools come from the Python package index.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use tokio::process::Command;

/// Every tool and all that it needs, pinned.
const REQUIREMENTS: &str = "infra/requirements.txt";
const TEMPLATE: &str = "template.yaml";
const DOCKERFILE: &str = "worker/Dockerfile";
const COMPOSE: &str = "infra/compose.yaml";

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let tools = install(&root).await?;
    let templates = templates(&root)?;
    let tool = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(tools.join("bin").join(name));
        command.args(arguments).current_dir(&root);
        // Nobody is told that somebody validates a template.
        command.env("SAM_CLI_TELEMETRY", "0");
        command
    };
    let mut cfn_lint = tool("cfn-lint", &[]);
    cfn_lint.args(&templates);
    let mut checkov = tool("checkov", &["--quiet", "--compact", "--skip-download"]);
    checkov.args(["--framework", "cloudformation", "dockerfile", "--file"]);
    checkov.args(&templates).arg(DOCKERFILE);
    let mut steps = vec![
        (
            "sam: is the template one that SAM can deploy?",
            tool("sam", &["validate", "--lint"]),
        ),
        (
            "cfn-lint: does each template say what CloudFormation knows?",
            cfn_lint,
        ),
        (
            "checkov: are the templates and the image safe, but for what they waive?",
            checkov,
        ),
        (
            "hadolint: is the image built well?",
            tool("hadolint", &[DOCKERFILE]),
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
            .current_dir(&root);
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
            failed.push(question);
        }
    }
    for question in &failed {
        eprintln!("failed: {question}");
    }
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The template that is deployed, and those that it nests: whatever in `infra` is no compose file.
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

/// A virtual environment with the pinned tools, made once for each set of requirements.
async fn install(root: &Path) -> anyhow::Result<PathBuf> {
    let requirements = root.join(REQUIREMENTS);
    let wanted = std::fs::read_to_string(&requirements)?;
    let directory = root.join("target/tools/infra");
    let stamp = directory.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(directory);
    }
    eprintln!("Installing the tools of {REQUIREMENTS} into target/tools/infra");
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&directory)
        .status()
        .await
        .context("python3 could not be started")?;
    ensure!(
        made.success(),
        "python3 could not make a virtual environment in {}",
        directory.display()
    );
    let installed = Command::new(directory.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(&requirements)
        .status()
        .await?;
    ensure!(
        installed.success(),
        "the tools of {REQUIREMENTS} could not be installed"
    );
    std::fs::write(&stamp, wanted)?;
    Ok(directory)
}
