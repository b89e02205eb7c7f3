//! What would change in the account.

use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{NamedWebhook, NewNamedWebhook, NewPolicy, Policy};

/// What happens to the webhook or the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WebhookChange")]
pub(super) struct Change {
    pub(super) what: &'static str,
    pub(super) name: String,
    pub(super) action: Action,
    /// The settings that change.
    pub(super) settings: Vec<Setting>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WebhookChangeAction")]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Create,
    Update,
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WebhookSetting")]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) before: Option<String>,
    pub(super) after: String,
}

impl Change {
    pub(super) fn of_webhook(before: Option<&NamedWebhook>, after: &NewNamedWebhook) -> Self {
        let mut settings = vec![
            setting(
                "endpoint",
                before.map(|webhook| webhook.endpoint.clone()),
                &after.endpoint,
            ),
            setting(
                "space",
                before.map(|webhook| webhook.space.to_string()),
                &after.space,
            ),
            setting(
                "enabled",
                before.map(|webhook| webhook.enabled.to_string()),
                &after.enabled,
            ),
            setting(
                "retry on failure",
                before.map(|webhook| webhook.retry_on_failure.to_string()),
                &after.retry_on_failure,
            ),
        ];
        settings.retain(Setting::changes);
        // Spacelift does not show the secret, so it is always written again.
        settings.push(Setting {
            name: "secret",
            before: before.map(|_| "(not shown by Spacelift)".to_owned()),
            after: "(the one in the environment)".to_owned(),
        });
        let action = if before.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        Self {
            what: "named webhook",
            name: after.name.clone(),
            action,
            settings,
        }
    }

    pub(super) fn of_policy(before: Option<&Policy>, after: &NewPolicy) -> Self {
        let space = before.map(|policy| policy.space.as_ref().map(ToString::to_string).unwrap_or_default());
        let mut settings = vec![
            setting("space", space, &after.space),
            setting(
                "body",
                before.map(|policy| policy.body.trim_end().to_owned()),
                &after.body.trim_end(),
            ),
        ];
        settings.retain(Setting::changes);
        let action = match before {
            None => Action::Create,
            Some(_) if settings.is_empty() => Action::Keep,
            Some(_) => Action::Update,
        };
        Self {
            what: "notification policy",
            name: after.name.clone(),
            action,
            settings,
        }
    }

    pub(super) fn render(&self) -> String {
        let verb = match self.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Keep => "keep",
        };
        let mut lines = vec![format!("{verb} the {} `{}`", self.what, self.name)];
        for setting in &self.settings {
            let Setting { name, before, after } = setting;
            if after.contains('\n') {
                lines.push(format!("  {name}:"));
                lines.extend(difference(before.as_deref().unwrap_or_default(), after));
            } else {
                lines.push(match before {
                    Some(before) => format!("  {name}: {before} -> {after}"),
                    None => format!("  {name}: {after}"),
                });
            }
        }
        lines.join("\n")
    }
}

impl Setting {
    fn changes(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

fn setting(name: &'static str, before: Option<String>, after: &impl ToString) -> Setting {
    Setting {
        name,
        before,
        after: after.to_string(),
    }
}

/// The lines between the first and the last that differ, old ones with a minus and new ones with a plus.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let start = before.iter().zip(&after).take_while(same).count();
    let end = before[start..]
        .iter()
        .rev()
        .zip(after[start..].iter().rev())
        .take_while(same)
        .count();
    let removed = before[start..before.len() - end]
        .iter()
        .map(|line| format!("    - {line}"));
    let added = after[start..after.len() - end]
        .iter()
        .map(|line| format!("    + {line}"));
    removed
        .chain(added)
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(
            difference("a\nb\nc", "a\nx\ny\nc"),
            ["    - b", "    + x", "    + y"]
        );
        assert_eq!(difference("", "a\nb"), ["    + a", "    + b"]);
        assert_eq!(difference("a\na", "a"), ["    - a"]);
        assert!(difference("a", "a").is_empty());
    }
}
