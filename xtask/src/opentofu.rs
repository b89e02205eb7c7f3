//! The modules of `infra/opentofu`: are they formatted, and do they fit the providers?

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

const MODULES: &str = "infra/opentofu";
/// Either of the two reads the modules.
const PROGRAMS: [&str; 2] = ["tofu", "terraform"];
/// The formatter that both use. Go builds it in seconds.
const FORMATTER: &str = "github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.25.0";

/// The questions whose answer is no. What cannot be checked here is reported.
pub(crate) async fn failures(repository: &Path) -> anyhow::Result<Vec<String>> {
    let Some(program) = PROGRAMS.into_iter().find(|program| is_there(program)) else {
        eprintln!("{MODULES}: not validated, since this machine has neither `tofu` nor `terraform`");
        return format_failures(repository).await;
    };
    let mut failed = Vec::new();
    let mut check = async |question: String, command: Command| -> anyhow::Result<()> {
        eprintln!("{question}");
        if !succeeds(command).await? {
            failed.push(question);
        }
        Ok(())
    };
    let mut format = Command::new(program);
    format.args(["fmt", "-check", "-diff", "-recursive"]);
    format.arg(repository.join(MODULES));
    check(format!("{program} fmt: are the modules formatted?"), format).await?;
    for module in std::fs::read_dir(repository.join(MODULES))? {
        let module = module?.path();
        let name = module
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&module).env(
                "TF_DATA_DIR",
                repository.join("target/tools/opentofu").join(&name),
            );
            command
        };
        let downloaded = run(&["init", "-backend=false", "-input=false", "-no-color"])
            .output()
            .await?;
        if downloaded.status.success() {
            check(
                format!("{program} validate: does {name} fit its provider?"),
                run(&["validate"]),
            )
            .await?;
        } else {
            eprintln!("{MODULES}/{name}: not validated, since its provider cannot be downloaded from here");
        }
    }
    Ok(failed)
}

/// Only the format and the syntax are checked.
async fn format_failures(repository: &Path) -> anyhow::Result<Vec<String>> {
    if !is_there("go") {
        eprintln!("{MODULES}: format not checked, since this machine has no Go either");
        return Ok(Vec::new());
    }
    let question = "hclfmt: are the modules formatted?".to_owned();
    eprintln!("{question}");
    let mut format = Command::new("go");
    format.args(["run", FORMATTER, "-check", "-require-no-change"]);
    for module in std::fs::read_dir(repository.join(MODULES))? {
        format.arg(module?.path().join("main.tf"));
    }
    // It prints the formatted files.
    format.stdout(Stdio::null());
    Ok(if succeeds(format).await? {
        Vec::new()
    } else {
        vec![question]
    })
}

async fn succeeds(mut command: Command) -> anyhow::Result<bool> {
    let status = command
        .status()
        .await
        .with_context(|| format!("{command:?} could not be started"))?;
    Ok(status.success())
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
