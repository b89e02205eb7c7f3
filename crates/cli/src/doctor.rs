//! `spillway doctor`: each setting and each connection, what is wrong and what to do.

mod account;
mod finding;
mod sinks;
mod temporal;

use chain::signature::WebhookSecret;
use clap::Args;
use environment::{SecretVariables, Variables};
use settings::{Settings, table};
use spacelift::Spacelift;

use crate::command::{Done, block_on};
use crate::failure;
use crate::output::Output;
use crate::progress::during;
use finding::{Cause, Finding};

pub(crate) use finding::Report;

/// What the names of Spillway's own variables begin with.
const PREFIX: &str = "SPILLWAY_";

const EXAMPLES: &str = "Examples:
  spillway doctor
  spillway doctor --jq '.findings[] | select(.state != \"ok\")'

The exit code is 3 if a setting is missing or wrong, 5 if something cannot be reached, 4 if Spacelift rejects the key, \
and 0 if there are at most warnings.";

/// Check every setting and connection, and say what to do. This changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    output: Output,
}

pub(crate) fn doctor(arguments: &DoctorArguments) -> Done {
    block_on(async {
        let mut report = Report::default();
        let settings = parameters(&mut report);
        unknown_variables(&mut report);
        webhook_secret(&mut report);
        let variables = secrets(&mut report).await;
        sinks::examine(&variables, &mut report).await;
        let mut account = None;
        if let Some(spacelift) = spacelift(&variables, &mut report) {
            account = during(
                "Asking Spacelift",
                Box::pin(account::examine(&spacelift, settings.as_ref(), &mut report)),
            )
            .await;
        }
        during(
            "Asking Temporal",
            Box::pin(temporal::examine(
                &variables,
                settings.as_ref(),
                account.as_ref(),
                &mut report,
            )),
        )
        .await;
        arguments.output.show(&report, || report.render())?;
        Ok(report.exit())
    })
}

fn parameters(report: &mut Report) -> Option<Settings> {
    const CHECK: &str = "parameters";
    match Settings::from_lookup(|name| std::env::var(name).ok()) {
        Ok(settings) => {
            let (queue, prefixes) = (
                &settings.task_queue,
                settings.chain.label_prefixes.prefixes().join(", "),
            );
            let detail = format!(
                "task queue `{queue}`, label prefixes {prefixes}, at most {} parallel runs per chain and {} per \
                 account, on failure: {}, unknown upstream: {}",
                settings.chain.parallel_runs,
                settings.parallel_runs_of_account,
                settings.chain.on_failure,
                settings.chain.unknown_upstream
            );
            report.add(Finding::ok(CHECK, detail));
            Some(settings)
        }
        Err(error) => {
            let advice = "Correct it in spillway.toml or in the SPILLWAY_ variable of the same name.";
            report.add_problems(CHECK, &error.0, advice);
            None
        }
    }
}

/// A variable with a typing mistake has no effect, and nobody would notice.
fn unknown_variables(report: &mut Report) {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = variables
        .filter(|name| name.starts_with(PREFIX) && !table::is_known(name))
        .collect();
    unknown.sort();
    for name in unknown {
        let known = table::all().flat_map(|setting| setting.variables.iter().copied());
        let meant = failure::similar(&name, known.filter(|known| known.starts_with(PREFIX)));
        let detail = match meant {
            Some(meant) => format!("{name} is not a setting; did you mean {meant}?"),
            None => format!("{name} is not a setting"),
        };
        report.add(Finding::warning(
            "variables",
            detail,
            "docs/settings.md lists every setting.",
        ));
    }
}

fn webhook_secret(report: &mut Report) {
    const CHECK: &str = "webhook secret";
    let finding = match (
        std::env::var("WEBHOOK_SECRET"),
        std::env::var("WEBHOOK_SECRET_ID"),
    ) {
        (Ok(secret), _) => match WebhookSecret::parse(&secret) {
            Ok(_) => Finding::ok(CHECK, "set".to_owned()),
            Err(error) => Finding::problem(
                CHECK,
                Cause::Setting,
                error.to_string(),
                "Set WEBHOOK_SECRET to 32 random characters, and the same in Spacelift with \
                 `spillway webhook install --endpoint <url> --apply`.",
            ),
        },
        (Err(_), Ok(id)) => Finding::ok(CHECK, format!("in Secrets Manager as {id} (not read)")),
        (Err(_), Err(_)) => Finding::warning(
            CHECK,
            "neither WEBHOOK_SECRET nor WEBHOOK_SECRET_ID is set".to_owned(),
            "The webhook needs it to start. On other machines it is not needed.",
        ),
    };
    report.add(finding);
}

/// The variables, with those of the secrets that can be read.
async fn secrets(report: &mut Report) -> Variables {
    let mut variables = environment::process_variables();
    for secret in SecretVariables::ALL {
        let name = secret.named_by;
        let Some(id) = variables.get(name).cloned() else {
            continue;
        };
        report.add(match secret.read_into(&mut variables).await {
            Ok(()) => Finding::ok(name, format!("read from {id}")),
            Err(error) => Finding::problem(
                name,
                Cause::Rejected,
                failure::in_one_line(&error.into()),
                "Check its name, the AWS region and credentials, and the right secretsmanager:GetSecretValue.",
            ),
        });
    }
    variables
}

fn spacelift(variables: &Variables, report: &mut Report) -> Option<Spacelift> {
    const CHECK: &str = "Spacelift settings";
    let made = spacelift::Settings::from_lookup(|name| variables.get(name).cloned()).and_then(|settings| {
        // The client accepts no URL that holds a password.
        let detail = format!("key {} at {}", settings.key_id, settings.base_url);
        Ok((Spacelift::with_settings(settings)?, detail))
    });
    match made {
        Ok((spacelift, detail)) => {
            report.add(Finding::ok(CHECK, detail));
            Some(spacelift)
        }
        Err(error) => {
            let advice = "Set them to the URL of the account and an API key. `spillway mock serve` serves an account to \
                          try with.";
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), advice));
            None
        }
    }
}
