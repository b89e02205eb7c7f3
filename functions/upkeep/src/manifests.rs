//! A signed manifest of the audit log each day, which finds chains that were cut, replaced or removed.

use std::time::Duration;

use anyhow::{Context, ensure};
use audit::manifest::{self, Made, Manifest, ManifestError, Newest, SigningKey};
use audit::{Location, Store};
use aws_sdk_secretsmanager::Client;
use environment::{Variables, aws};
use telemetry::{Line, Namespace, Unit};
use tracing::{error, info, warn};

use crate::{ManifestOutcome, set};

const KEY_VARIABLE: &str = "SPILLWAY_MANIFEST_KEY_SECRET_ID";
const AUDIT_VARIABLE: &str = "SPILLWAY_AUDIT";

/// The age of the newest manifest at which the next one is due. Runs are an hour apart, a few seconds more or less: with
/// half an hour less than a day, each day has one manifest.
const DUE_AFTER: Duration = Duration::from_secs(23 * 3600 + 1800);

/// How many lost chains, damaged chains and foreign objects the log names.
const NAMED_MAX: usize = 20;

/// Writes manifests into the audit log.
pub(crate) struct Manifests {
    store: Store,
    key_secret_id: String,
}

impl Manifests {
    /// `None` if the key is not configured.
    pub(crate) async fn from_variables(variables: &Variables) -> anyhow::Result<Option<Self>> {
        let Some(key_secret_id) = set(variables, KEY_VARIABLE) else {
            return Ok(None);
        };
        let location = set(variables, AUDIT_VARIABLE)
            .with_context(|| format!("{KEY_VARIABLE} is set, and {AUDIT_VARIABLE} is not"))?;
        let location: Location = location.parse()?;
        Ok(Some(Self {
            store: Store::open(&location).await,
            key_secret_id: key_secret_id.to_owned(),
        }))
    }

    pub(crate) async fn write_if_due(
        &self,
        now_ms: i64,
        metrics: &Namespace,
    ) -> anyhow::Result<ManifestOutcome> {
        let key = self.key().await?;
        let Newest {
            manifest: mut previous,
            refused,
        } = manifest::newest(&self.store, &key.public_key(), now_ms).await?;
        report_refused(&refused, metrics);
        if previous.as_ref().is_some_and(|newest| !is_due(newest, now_ms)) {
            return Ok(ManifestOutcome::NotDue);
        }
        if !refused.is_empty() {
            // Somebody may be changing the log, so every chain is read.
            previous = previous.map(Manifest::without_listings);
        }
        let made = Manifest::after(previous.as_ref(), &self.store, now_ms).await?;
        report(&made, metrics);
        if previous.is_none() && refused.is_empty() && made.read > 0 {
            warn!(
                "The log has {} chains and no manifest yet. Unless the key was set only now, somebody removed the \
                 earlier manifests",
                made.read
            );
        }
        let (chains, read) = (made.manifest.heads.len(), made.read);
        let (lost, damaged) = (made.lost.len(), made.damaged.len());
        let object = manifest::put(&self.store, &key.sign(made.manifest)).await?;
        info!(
            audit.object = object,
            "Wrote the manifest of {chains} chains, of which {read} were read, {lost} are lost and {damaged} are damaged. \
             Its public key is {}",
            key.public_key()
        );
        Ok(ManifestOutcome::Written)
    }

    /// The signing key. It is read when it is needed and kept nowhere.
    async fn key(&self) -> anyhow::Result<SigningKey> {
        let client = Client::new(&aws::patient_config().await);
        let get = client.get_secret_value().secret_id(&self.key_secret_id);
        let value = get
            .send()
            .await
            .with_context(|| format!("Secrets Manager does not give the secret that {KEY_VARIABLE} names"))?;
        let key = value.secret_string().unwrap_or_default();
        ensure!(
            !key.is_empty(),
            "the secret that {KEY_VARIABLE} names has no text"
        );
        SigningKey::from_pem(key).with_context(|| format!("the secret that {KEY_VARIABLE} names"))
    }
}

fn is_due(newest: &Manifest, now_ms: i64) -> bool {
    let age_ms = now_ms.saturating_sub(newest.made_at_ms);
    u64::try_from(age_ms).is_ok_and(|age_ms| Duration::from_millis(age_ms) >= DUE_AFTER)
}

fn report_refused(refused: &[(String, ManifestError)], metrics: &Namespace) {
    metrics.emit(Line::default().metric("ManifestsRefused", Unit::Count, refused.len()));
    for (object, refusal) in refused.iter().take(NAMED_MAX) {
        error!(
            audit.object = object,
            "A manifest in the audit log is not ours: {refusal}. Unless the key was changed, somebody else wrote it"
        );
    }
    if refused.len() > NAMED_MAX {
        error!(
            "In all, {} objects among the manifests are not ours",
            refused.len()
        );
    }
}

/// The metric counts a lost or damaged chain with each manifest, so that the alarm stays on.
fn report(made: &Made, metrics: &Namespace) {
    let faulty = made.lost.len() + made.damaged.len();
    metrics.emit(Line::default().metric("AuditLost", Unit::Count, faulty));
    for lost in made.lost.iter().take(NAMED_MAX) {
        error!(
            audit.chain = lost.chain,
            "The audit log no longer has record {} of this chain, which an earlier manifest names: somebody removed or \
             changed records",
            lost.head.sequence
        );
    }
    if made.lost.len() > NAMED_MAX {
        error!("The audit log has lost {} chains in all", made.lost.len());
    }
    for damaged in made.damaged.iter().take(NAMED_MAX) {
        error!(
            audit.chain = damaged.chain,
            "This chain of the audit log is damaged: {}", damaged.fault
        );
    }
    if made.damaged.len() > NAMED_MAX {
        error!(
            "In all, {} chains of the audit log are damaged",
            made.damaged.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[tokio::test]
    async fn each_day_has_one_manifest() {
        let directory = std::env::temp_dir();
        let made_at_ms = 1_745_600_100_383;
        let newest = Manifest::of(&Store::in_directory(directory), made_at_ms)
            .await
            .unwrap();
        for (hours, expected) in [(-1, false), (0, false), (23, false), (24, true), (100, true)] {
            // A run may be some seconds early or late.
            for seconds in [-20, 20] {
                let now_ms = made_at_ms + hours * HOUR_MS + seconds * 1000;
                assert_eq!(is_due(&newest, now_ms), expected, "{hours} h, {seconds} s");
            }
        }
    }
}
