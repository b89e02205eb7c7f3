//! `spillway audit manifest`: where each chain stands, signed, so that a chain that is cut or removed later is found.

use std::path::{Path, PathBuf};

use audit::manifest::{self, LostHead, Made, Manifest, ManifestError, SignedManifest, SigningKey};
use audit::{Location, Store};
use clap::Args;
use temporal_client::clock;

use super::Log;
use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Seconds, Time};
use crate::words::counted;
use crate::{output, time};

/// `upkeep` writes one each day. If the newest one is older than this, nobody compares the log.
const AGE_MAX: Seconds = Seconds(2.0 * 24.0 * 3600.0);

/// Stands for the newest manifest in the log. A file of this name is `./latest`.
const LATEST: &str = "latest";

const EXAMPLES: &str = "Examples:
  openssl genpkey -algorithm ed25519 -out audit-key.pem
  spillway audit manifest --key audit-key.pem > manifest.json
  spillway audit verify --manifest manifest.json --public-key \"$(jq -r .public_key manifest.json)\"

Write the public key down once, in a place that nobody can change: whoever replaces the manifest can replace its key too.";

/// Write a signed manifest: where each chain of the audit log stands now.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManifestArguments {
    #[command(flatten)]
    log: Log,
    /// The private key: a file with an Ed25519 key in PEM. Keep it where no program of Spillway runs.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl ManifestArguments {
    pub(super) fn run(self) -> Done {
        let location = self.log.location()?;
        let key = SigningKey::from_pem(&read(&self.key)?)?;
        let Made {
            manifest, damaged, ..
        } = block_on(async {
            let store = Store::open(&location).await;
            Ok(Manifest::after(None, &store, clock::now_ms()).await?)
        })?;
        if !damaged.is_empty() {
            let chains = counted(damaged.len(), "chain is", "chains are");
            output::warning(&format!(
                "{chains} damaged already, and the manifest accepts that damage"
            ));
            output::hint("`spillway audit verify` shows the damage.");
        }
        // The file is what `verify` reads, and what may be verified elsewhere: it is no document of the command.
        output::json(&key.sign(manifest))?;
        Ok(Exit::Success)
    }
}

/// A manifest to compare the log with.
#[derive(Debug, Args)]
pub(super) struct Comparison {
    /// Compare the log with this manifest. `latest` is the newest one in the log, where `upkeep` writes them on AWS.
    #[arg(long, value_name = "FILE", requires = "public_key")]
    manifest: Option<PathBuf>,
    /// The public key of the manifest, 64 hexadecimal digits.
    #[arg(long, value_name = "KEY", requires = "manifest")]
    public_key: Option<String>,
}

/// What a comparison with a manifest found.
pub(super) struct Compared {
    pub(super) made_at: Option<Time>,
    pub(super) age: Option<Seconds>,
    /// The chains that are not what the manifest says.
    pub(super) lost: Vec<LostHead>,
}

impl Comparison {
    /// `None` without a manifest.
    pub(super) async fn compare(&self, store: &Store) -> anyhow::Result<Option<Compared>> {
        let Some(path) = &self.manifest else {
            return Ok(None);
        };
        let public_key = self.public_key.as_deref().unwrap_or_default();
        let now = Time::now();
        if path == Path::new(LATEST) {
            let compared = Compared::of(&latest(store, public_key).await?, store, now).await?;
            compared.warn_if_old();
            return Ok(Some(compared));
        }
        let signed: SignedManifest = serde_json::from_str(&read(path)?)
            .map_err(|_| Failure::usage(format!("the file `{}` is not a manifest", path.display())))?;
        Ok(Some(
            Compared::of(signed.verified(public_key)?, store, now).await?,
        ))
    }
}

impl Compared {
    async fn of(manifest: &Manifest, store: &Store, now: Time) -> anyhow::Result<Self> {
        let made_at = Time::from_ms(manifest.made_at_ms);
        Ok(Self {
            made_at,
            age: made_at.map(|made_at| now.since(made_at)),
            lost: manifest.lost(store).await?,
        })
    }

    fn warn_if_old(&self) {
        if let Some(age) = self.age.filter(|age| *age > AGE_MAX) {
            let age = time::took(age);
            output::warning(&format!(
                "the newest manifest in the log is {age} old, and what was written since is not compared"
            ));
            output::hint(
                "The function `upkeep` writes one each day: see its log, and the alarm `upkeep-failed`.",
            );
        }
    }
}

/// A log in a bucket is expected to have manifests, since `upkeep` writes them there. Elsewhere they are files.
pub(super) async fn warn_without_manifest(location: &Location, store: &Store) -> anyhow::Result<()> {
    if matches!(location, Location::Bucket { .. }) && !manifest::is_any(store).await? {
        output::warning(
            "the log has no manifest, so a chain that was cut or removed as a whole is not found",
        );
        output::hint("On AWS the function `upkeep` writes one each day, once `ManifestKeySecretArn` is set.");
    }
    Ok(())
}

/// The newest manifest in the log. An older one is not taken silently: it knows less.
async fn latest(store: &Store, public_key: &str) -> anyhow::Result<Manifest> {
    let newest = manifest::newest(store, public_key, clock::now_ms()).await?;
    let (future, refused): (Vec<_>, Vec<_>) = newest
        .refused
        .into_iter()
        .partition(|(_, refusal)| *refusal == ManifestError::Future);
    if let Some((object, refusal)) = refused.first() {
        return Err(
            Failure::usage(format!("the newest manifest in the log, `{object}`, cannot be used: {refusal}"))
                .hint("Is it the right public key? If so, somebody else wrote that object. Download the manifest before it, and pass its file.")
                .into(),
        );
    }
    // Nobody can have made a manifest at a time that is still to come, so without it the newest one is still the newest.
    if let Some((object, refusal)) = future.first() {
        let left_out = counted(future.len(), "object", "objects");
        output::warning(&format!(
            "left out {left_out} among the manifests, such as `{object}`: {refusal}"
        ));
    }
    let none = || {
        Failure::usage("the log has no manifest".to_owned()).hint(
            "Pass the file of a manifest that `spillway audit manifest` wrote. If the function `upkeep` has written \
             manifests into this log, somebody removed them.",
        )
    };
    Ok(newest.manifest.ok_or_else(none)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::unreadable(&path.display().to_string(), &error).into())
}
