//! Every setting of every program, in one table. docs/settings.md is generated from it, and `spillway doctor` checks
//! variables against it for misspellings.

mod chains;

use self::chains::CHAINS;

/// A part of the table.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variables, the preferred one first.
    pub variables: &'static [&'static str],
    /// The key in `spillway.toml`, if it has one.
    pub key: Option<&'static str>,
    pub meaning: &'static str,
    pub default: Option<&'static str>,
}

/// All settings by group.
pub const GROUPS: [Group; 8] = [
    SPACELIFT,
    TEMPORAL,
    WEBHOOK,
    CHAINS,
    MESSAGES,
    DASHBOARD,
    AUDIT_AND_TELEMETRY,
    PROGRAMS,
];

/// All settings.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// Whether a variable is a setting.
pub fn is_known(variable: &str) -> bool {
    // The operator chooses the names of its secrets.
    variable.starts_with("SPILLWAY_SINKS") || all().any(|setting| setting.variables.contains(&variable))
}

const fn variable(
    variables: &'static [&'static str],
    meaning: &'static str,
    default: Option<&'static str>,
) -> Setting {
    Setting {
        variables,
        key: None,
        meaning,
        default,
    }
}

const fn parameter(
    variables: &'static [&'static str],
    key: &'static str,
    meaning: &'static str,
    default: &'static str,
) -> Setting {
    Setting {
        variables,
        key: Some(key),
        meaning,
        default: Some(default),
    }
}

const SPACELIFT: Group = Group {
    title: "Spacelift",
    settings: &[
        variable(
            &["SPACELIFT_BASE_URL", "SPACELIFT_API_KEY_ENDPOINT"],
            "The URL of the account, such as `https://acme.app.spacelift.io`.",
            None,
        ),
        variable(
            &["SPACELIFT_KEY_ID", "SPACELIFT_API_KEY_ID"],
            "The id of the API key: the 26 characters behind its name in Spacelift's list of API keys.",
            None,
        ),
        variable(
            &["SPACELIFT_KEY_SECRET", "SPACELIFT_API_KEY_SECRET"],
            "The secret of the API key: the 64 characters in the file that Spacelift downloads when the key is created.",
            None,
        ),
        variable(
            &["SPACELIFT_SECRET_ID"],
            "A secret in AWS Secrets Manager with the variables above, as a JSON object.",
            None,
        ),
        variable(
            &["SPACELIFT_REQUESTS_PER_MINUTE"],
            "The maximum number of requests that a process sends to Spacelift in a minute.",
            Some("600"),
        ),
        variable(
            &["SPILLWAY_ACCOUNT"],
            "The account whose events are accepted, and the default account for requests. The command refuses to \
             work with an API key of another account.",
            Some("any"),
        ),
    ],
};

const TEMPORAL: Group = Group {
    title: "Temporal",
    settings: &[
        variable(
            &["TEMPORAL_ADDRESS", "TEMPORAL_URL"],
            "The address of Temporal. Loopback addresses and names without a dot use plaintext, all others TLS, unless a key or a TLS setting decides otherwise.",
            Some("localhost:7233"),
        ),
        variable(&["TEMPORAL_NAMESPACE"], "The namespace.", Some("default")),
        variable(&["TEMPORAL_API_KEY"], "The API key of Temporal Cloud.", None),
        variable(
            &[
                "TEMPORAL_TLS",
                "TEMPORAL_TLS_CLIENT_CERT_PATH",
                "TEMPORAL_TLS_CLIENT_CERT_DATA",
                "TEMPORAL_TLS_CLIENT_KEY_PATH",
                "TEMPORAL_TLS_CLIENT_KEY_DATA",
                "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
                "TEMPORAL_TLS_SERVER_CA_CERT_DATA",
                "TEMPORAL_TLS_SERVER_NAME",
            ],
            "TLS and client certificates, as all Temporal SDKs read them.",
            None,
        ),
        variable(
            &["TEMPORAL_SECRET_ID"],
            "A secret in AWS Secrets Manager with variables of the prefix `TEMPORAL_`, as a JSON object.",
            None,
        ),
        variable(
            &["SPILLWAY_PAYLOAD_KEY", "SPILLWAY_PAYLOAD_KEY_PREVIOUS"],
            "A key of 32 bytes in Base64 that encrypts what Temporal stores, and the keys before it, separated by commas.",
            None,
        ),
        variable(
            &["SPILLWAY_PAYLOAD_KEY_STRICT"],
            "`true` rejects what Temporal stores unencrypted: for when no workflow from before the key is left.",
            Some("false"),
        ),
        variable(
            &["SPILLWAY_PAYLOAD_KEY_SECRET_ID"],
            "A secret in AWS Secrets Manager with the payload keys, as a JSON object.",
            None,
        ),
        parameter(
            &["SPILLWAY_TASK_QUEUE"],
            "task_queue",
            "The task queue of the workflows.",
            crate::TASK_QUEUE,
        ),
    ],
};

const WEBHOOK: Group = Group {
    title: "Webhook",
    settings: &[
        variable(
            &["WEBHOOK_SECRET", "WEBHOOK_SECRET_PREVIOUS"],
            "The secret that Spacelift signs with, and the secret before it during a rotation.",
            None,
        ),
        variable(
            &["WEBHOOK_SECRET_ID"],
            "A secret in AWS Secrets Manager with the signing secret. Its current version is valid, and for a day after a rotation its previous one.",
            None,
        ),
        variable(
            &["SPILLWAY_BUFFER_QUEUE_URL"],
            "The SQS queue for events that arrive while Temporal is unavailable. Without it, the webhook answers 503.",
            None,
        ),
        variable(
            &["SPILLWAY_QUARANTINE_QUEUE_URL"],
            "The SQS queue for authentic bodies that cannot be read.",
            None,
        ),
        variable(
            &["SPILLWAY_DEAD_LETTER_QUEUE_URL"],
            "The SQS queue of events that could not be recorded in several tries. Only the dashboard reads it.",
            None,
        ),
        variable(
            &["WEBHOOK_URL"],
            "The URL that `spillway webhook send` posts to.",
            Some("http://127.0.0.1:8000/webhook"),
        ),
    ],
};

const MESSAGES: Group = Group {
    title: "Messages",
    settings: &[
        variable(
            &["SPILLWAY_SINKS", "SPILLWAY_SINKS_FILE"],
            "Where messages are sent, as TOML, or a file with it; see [messages.md](messages.md).",
            None,
        ),
        variable(
            &["SPILLWAY_SINKS_SECRET_ID"],
            "A secret in AWS Secrets Manager with the variables above, as a JSON object.",
            None,
        ),
        parameter(
            &["SPILLWAY_PULL_REQUESTS"],
            "pull_requests",
            "Whether sinks of the kind `github` post a comment on a pull request that says what would run after its merge, when a proposed run finishes.",
            "false",
        ),
    ],
};

const DASHBOARD: Group = Group {
    title: "Dashboard",
    settings: &[
        variable(
            &["SPILLWAY_DASHBOARD_URL"],
            "The URL of the dashboard, for links in messages and for the sign-in.",
            None,
        ),
        variable(
            &["TEMPORAL_UI_URL"],
            "The URL of the Temporal UI, for links in the dashboard.",
            Some("Temporal Cloud's, if it is used"),
        ),
        variable(
            &["SPILLWAY_DASHBOARD_ISSUER"],
            "The OpenID Connect issuer at which people sign in. This and the variables below are for the dashboard on AWS; \
             `spillway dashboard` has no sign-in.",
            None,
        ),
        variable(
            &["SPILLWAY_DASHBOARD_CLIENT_ID", "SPILLWAY_DASHBOARD_CLIENT_SECRET"],
            "The id of the dashboard at the identity provider, and its secret if the provider gave one.",
            None,
        ),
        variable(
            &["SPILLWAY_DASHBOARD_CLAIM"],
            "The claim that decides what a person may do.",
            Some("groups"),
        ),
        variable(
            &["SPILLWAY_DASHBOARD_VIEWERS", "SPILLWAY_DASHBOARD_OPERATORS"],
            "The values of the claim, separated by commas, with which a person may see the pages, and may also act.",
            None,
        ),
        variable(
            &["SPILLWAY_DASHBOARD_SCOPES"],
            "The scopes that are asked for, beside `openid`.",
            Some("profile email"),
        ),
        variable(
            &["SPILLWAY_DASHBOARD_SESSION_HOURS"],
            "How long a session lasts, from 1 to 24 hours.",
            Some("8"),
        ),
        variable(
            &["SPILLWAY_DASHBOARD_KEY", "SPILLWAY_DASHBOARD_KEY_PREVIOUS"],
            "A key of 32 bytes in Base64 that encrypts the sessions, and the keys before it, separated by commas.",
            None,
        ),
        variable(
            &["SPILLWAY_DASHBOARD_SECRET_ID"],
            "A secret in AWS Secrets Manager with the keys and the client's secret, as a JSON object.",
            None,
        ),
    ],
};

const AUDIT_AND_TELEMETRY: Group = Group {
    title: "Audit log, logs, metrics and traces",
    settings: &[
        variable(
            &["SPILLWAY_AUDIT"],
            "The audit log: `s3://bucket/prefix`, or a directory. Without it, none is written.",
            None,
        ),
        variable(
            &["SPILLWAY_MANIFEST_KEY_SECRET_ID"],
            "A secret in AWS Secrets Manager with the Ed25519 key, in PEM, with which the function `upkeep` signs a manifest of \
             the audit log each day. Without it, none is written.",
            None,
        ),
        variable(
            &["RUST_LOG"],
            "What is logged, such as `info` or `worker=debug`. `trace` logs no more than `debug`.",
            Some("info; off for the command"),
        ),
        variable(
            &["SPILLWAY_METRICS_NAMESPACE"],
            "The CloudWatch namespace of the metrics in the log lines.",
            None,
        ),
        variable(
            &["OTEL_EXPORTER_OTLP_ENDPOINT"],
            "Where the worker sends a trace of each chain, by OTLP over HTTP, such as `http://localhost:4318`; see [traces.md](traces.md).",
            None,
        ),
        variable(
            &["OTEL_EXPORTER_OTLP_HEADERS"],
            "Headers for it, such as `authorization=Bearer%20x`.",
            None,
        ),
        variable(
            &["SPILLWAY_TRACES_SECRET_ID"],
            "A secret in AWS Secrets Manager with these two variables, as a JSON object.",
            None,
        ),
        variable(
            &["SPILLWAY_HEALTH_ADDRESS"],
            "Where the worker serves `GET /health` and `GET /metrics` (Prometheus).",
            Some("0.0.0.0:9090"),
        ),
    ],
};

const PROGRAMS: Group = Group {
    title: "Programs",
    settings: &[
        variable(
            &["SPILLWAY_PROFILE"],
            "The profile from which the command takes its settings: a table of `~/.config/spillway/profiles.toml`. \
             `--profile` takes precedence.",
            None,
        ),
        variable(
            &["SPILLWAY_CONFIG"],
            "The settings file.",
            Some("spillway.toml, if it exists"),
        ),
        variable(
            &["SPILLWAY_ALLOWED_ADDRESSES_ARN", "SPILLWAY_ALLOWED_ADDRESSES"],
            "The IP set of WAF in which the function `upkeep` keeps Spacelift's addresses, and the networks that it adds to them.",
            None,
        ),
        variable(&["NO_COLOR"], "Turns colour off in the command.", None),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_the_variable_of_its_name() {
        for setting in all() {
            if let Some(key) = setting.key {
                assert_eq!(
                    setting.variables,
                    [format!("SPILLWAY_{}", key.to_uppercase())],
                    "{key}"
                );
            }
        }
    }

    #[test]
    fn variables_of_the_table_and_secrets_of_sinks_are_known() {
        assert!(is_known("SPILLWAY_TASK_QUEUE"));
        assert!(is_known("SPILLWAY_SINKS_SLACK_URL"));
        assert!(!is_known("SPILLWAY_TASK_QUEU"));
    }
}
