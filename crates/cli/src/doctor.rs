//! `spillway doctor`: each setting and each connection, what is wrong and what to do.

mod account;
mod finding;
mod temporal;

use std::process::ExitCode;

use chain::signature::WebhookSecret;
use clap::Args;
use environment::{SecretVariables, Variables};
use orchestrator::Settings;
use spacelift::Spacelift;

use crate::command::{Done, block_on};
use crate::output;
use crate::progress::during;
use finding::{Cause, Finding, Report};

const EXAMPLES: &str = "Examples:
  spillway doctor
  spillway doctor --json | jq '.findings[] | select(.state != \"ok\")'

The exit status is 3 if a setting is missing or wrong, 5 if something cannot be reached, 4 if \
Spacelift refuses, and 0 if there are at most warnings.";

/// Checks every setting and connection, and says what to do. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn doctor(arguments: &DoctorArguments) -> Done {
    block_on(async {
        let mut report = Report::default();
        let settings = parameters(&mut report);
        webhook_secret(&mut report);
        let variables = secrets(&mut report).await;
        if let Some(spacelift) = spacelift(&variables, &mut report) {
            during(
                "Asking Spacelift",
                Box::pin(account::examine(&spacelift, settings.as_ref(), &mut report)),
            )
            .await;
        }
        during(
            "Asking Temporal",
            Box::pin(temporal::examine(&variables, settings.as_ref(), &mut report)),
        )
        .await;
        if arguments.json {
            output::json(&report)?;
        } else {
            output::line(&report.render());
        }
        Ok(ExitCode::from(report.status()))
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
                "task queue `{queue}`, label prefixes {prefixes}, {} runs at a time for a chain and {} for the account, \
                 on failure: {}, unknown upstream: {}",
                settings.chain.parallel_runs,
                settings.parallel_runs_of_account,
                settings.chain.on_failure,
                settings.chain.unknown_upstream
            );
            report.add(Finding::ok(CHECK, detail));
            Some(settings)
        }
        Err(error) => {
            for problem in error.problems {
                let advice = "correct it in spillway.toml or in the SPILLWAY_ variable of the same name";
                report.add(Finding::problem(CHECK, Cause::Setting, problem, advice));
            }
            None
        }
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
                "set WEBHOOK_SECRET to 32 random characters, and the same in Spacelift: \
                 `spillway webhook install --apply`",
            ),
        },
        (Err(_), Ok(id)) => Finding::ok(CHECK, format!("in Secrets Manager, under {id} (not looked at)")),
        (Err(_), Err(_)) => Finding::warning(
            CHECK,
            "neither WEBHOOK_SECRET nor WEBHOOK_SECRET_ID is set".to_owned(),
            "the webhook does not start without it; this machine does not need it unless it runs there",
        ),
    };
    report.add(finding);
}

/// The variables, with those of the secrets that can be read.
async fn secrets(report: &mut Report) -> Variables {
    let mut variables = environment::of_process();
    for secret in SecretVariables::ALL {
        let name = secret.named_by;
        let Some(id) = variables.get(name).cloned() else {
            continue;
        };
        report.add(match secret.read_into(&mut variables).await {
            Ok(()) => Finding::ok(name, format!("{id} is read")),
            Err(error) => Finding::problem(
                name,
                Cause::Refused,
                format!("{:#}", anyhow::Error::new(error)),
                "check its name, the AWS region and credentials, and the right secretsmanager:GetSecretValue",
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
            let advice = "set them to the account's URL and to an API key from Spacelift's settings; \
                          `spillway mock-spacelift` prints some to try with";
            report.add(Finding::problem(CHECK, Cause::Setting, error.to_string(), advice));
            None
        }
    }
}
