//! docs/settings.md: the table of settings.

use std::fmt::Write;

use settings::table::{GROUPS, Setting};

use super::NOTE;

pub(super) fn document() -> String {
    let mut text = format!(
        "# Settings

{NOTE}
Settings are environment variables. Those with a key can also be set in `spillway.toml`; the variable wins. Durations are
written as `30s`, `10m` or `2h`. A missing or wrong setting stops a program at its start, with all problems in one message.
`spillway doctor` checks the settings.

## Profiles

Whoever works with several accounts writes the settings of each into `~/.config/spillway/profiles.toml` (or into the same path
below `XDG_CONFIG_HOME`). No other user may be able to read the file:

```toml
[acme]
SPACELIFT_BASE_URL = \"https://acme.app.spacelift.io\"
SPACELIFT_KEY_ID = \"01JSMHTFM9TXWW1XK4AZN1SA8K\"
SPACELIFT_KEY_SECRET = \"the secret of the key\"
TEMPORAL_ADDRESS = \"acme.a1b2c.tmprl.cloud:7233\"
TEMPORAL_NAMESPACE = \"acme.a1b2c\"

[sandbox]
SPACELIFT_BASE_URL = \"https://acme-sandbox.app.spacelift.io\"
SPACELIFT_SECRET_ID = \"spillway/sandbox\"
AWS_PROFILE = \"sandbox\"
```

`spillway --profile acme chain list` and `SPILLWAY_PROFILE=acme spillway chain list` use the profile. It takes precedence over
the environment, and may set every variable on this page and those of AWS. If it sets one variable that begins with `SPACELIFT_`,
`TEMPORAL_`, `WEBHOOK_`, `AWS_`, `SPILLWAY_PAYLOAD_KEY` or `SPILLWAY_SINKS`, the others of this beginning in the environment are
ignored: no key of another account fills a gap.
"
    );
    for group in GROUPS {
        let _ = write!(text, "\n## {}\n\n", group.title);
        let has_keys = group.settings.iter().any(|setting| setting.key.is_some());
        text += if has_keys {
            "| variable | key | meaning | default |\n|---|---|---|---|\n"
        } else {
            "| variable | meaning | default |\n|---|---|---|\n"
        };
        for setting in group.settings {
            text += &row(setting, has_keys);
        }
    }
    text
}

fn row(setting: &Setting, has_keys: bool) -> String {
    let variables: Vec<String> = setting.variables.iter().map(|name| format!("`{name}`")).collect();
    let key = match (has_keys, setting.key) {
        (false, _) => String::new(),
        (true, None) => " |".to_owned(),
        (true, Some(key)) => format!(" `{key}` |"),
    };
    let default = setting
        .default
        .map(|default| format!("`{default}`"))
        .unwrap_or_default();
    format!(
        "| {} |{key} {} | {default} |\n",
        variables.join(" "),
        setting.meaning
    )
}
