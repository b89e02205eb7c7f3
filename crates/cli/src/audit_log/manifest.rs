//! `spillway audit manifest`: where each chain stands, signed, so that a chain that is cut or removed later is found.

use std::path::{Path, PathBuf};

use audit::Store;
use audit::manifest::{self, LostHead, Manifest, SignedManifest, SigningKey};
use clap::Args;
use temporal_client::clock;

use super::Log;
use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

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
        let manifest =
            block_on(async { Ok(Manifest::of(&Store::open(&location).await, clock::now_ms()).await?) })?;
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

impl Comparison {
    /// The chains that are not what the manifest says; none without a manifest.
    pub(super) async fn lost(&self, store: &Store) -> anyhow::Result<Vec<LostHead>> {
        let Some(path) = &self.manifest else {
            return Ok(Vec::new());
        };
        let public_key = self.public_key.as_deref().unwrap_or_default();
        if path == Path::new(LATEST) {
            return Ok(latest(store, public_key).await?.lost(store).await?);
        }
        let signed: SignedManifest = serde_json::from_str(&read(path)?)
            .map_err(|_| Failure::usage(format!("the file `{}` is not a manifest", path.display())))?;
        Ok(signed.verified(public_key)?.lost(store).await?)
    }
}

/// The newest manifest in the log. An older one is not taken silently: it knows less.
async fn latest(store: &Store, public_key: &str) -> anyhow::Result<Manifest> {
    let newest = manifest::newest(store, public_key, clock::now_ms()).await?;
    if let Some((object, refusal)) = newest.refused.first() {
        return Err(
            Failure::usage(format!("the newest manifest in the log, `{object}`, cannot be used: {refusal}"))
                .hint("Is it the right public key? If so, somebody else wrote that object. Download the manifest before it, and pass its file.")
                .into(),
        );
    }
    let none = || {
        Failure::usage("the log has no manifest".to_owned())
            .hint("Pass the file of a manifest that `spillway audit manifest` wrote.")
    };
    Ok(newest.manifest.ok_or_else(none)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::unreadable(&path.display().to_string(), &error).into())
}
