//! Finds the `temporal` executable: on the PATH, in our cache, as the official release, or by a build with Go.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// The version of the command line that is downloaded or built. Later ones have a replace directive in their `go.mod`,
/// which `go install` refuses.
pub const VERSION: &str = "1.5.1";

/// The SHA-256 of each official release that can be downloaded.
const CHECKSUMS: [(&str, &str, &str); 4] = [
    (
        "linux",
        "amd64",
        "ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d",
    ),
    (
        "linux",
        "arm64",
        "bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5",
    ),
    (
        "darwin",
        "amd64",
        "bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9",
    ),
    (
        "darwin",
        "arm64",
        "cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415",
    ),
];

/// How long to wait for a connection to the official download before a build is tried instead.
const DOWNLOAD_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the official download may send nothing before a build is tried instead.
const DOWNLOAD_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The path of a `temporal` executable, from the first source that works. `progress` is called with each step that
/// takes more than a moment.
pub async fn executable(mut progress: impl FnMut(&str)) -> anyhow::Result<PathBuf> {
    if let Some(found) = on_path() {
        return Ok(found);
    }
    let cache = cache_directory()?;
    let cached = cache.join("temporal");
    if cached.is_file() {
        return Ok(cached);
    }
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    progress(&format!(
        "Temporal {VERSION} is not on this machine yet: downloading the official release"
    ));
    let download = match download(&cache).await {
        Ok(()) => return Ok(cached),
        Err(error) => error,
    };
    progress("The download did not work; building it with Go (about four minutes, once)");
    build(&cache).await.with_context(|| {
        format!(
            "no `temporal` on the PATH, the download failed ({download:#}), and so did the build with Go. \
             Install the Temporal CLI, or name a server that runs already with --temporal-address"
        )
    })?;
    Ok(cached)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join("temporal"))
        .find(|file| file.is_file())
}

fn cache_directory() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set, so there is no place to keep Temporal")?;
    Ok(cache.join("spillway").join(format!("temporal-{VERSION}")))
}

async fn download(cache: &Path) -> anyhow::Result<()> {
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("there is no release for {other}"),
    };
    let expected = CHECKSUMS
        .iter()
        .find(|(os, machine, _)| (*os, *machine) == (platform, architecture))
        .map(|(_, _, sum)| *sum)
        .with_context(|| format!("there is no release for {platform}"))?;
    let address =
        format!("https://temporal.download/cli/archive/v{VERSION}?platform={platform}&arch={architecture}");
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(DOWNLOAD_CONNECT_TIMEOUT)
        .read_timeout(DOWNLOAD_READ_TIMEOUT)
        .build()?;
    let archive = client
        .get(&address)
        .send()
        .await?
        .error_for_status()?
        .bytes()
        .await?;

    check(&archive, expected)?;

    // Unpacked beside its destination and renamed, so that an incomplete download is never taken for the program.
    let unpacked = tempfile::tempdir_in(cache)?;
    let packed = unpacked.path().join("temporal.tar.gz");
    std::fs::write(&packed, &archive)?;
    let tar = Command::new("tar")
        .arg("-xzf")
        .arg(&packed)
        .arg("-C")
        .arg(unpacked.path())
        .status()
        .await?;
    if !tar.success() {
        bail!("tar could not unpack the archive ({tar})");
    }
    std::fs::rename(unpacked.path().join("temporal"), cache.join("temporal"))?;
    Ok(())
}

/// Refuses an archive that is not the official one.
fn check(archive: &[u8], expected: &str) -> anyhow::Result<()> {
    let found = hex::encode(Sha256::digest(archive));
    ensure!(
        found == expected,
        "the download is not Temporal {VERSION}: its SHA-256 is {found} instead of {expected}"
    );
    Ok(())
}

async fn build(cache: &Path) -> anyhow::Result<()> {
    let built = tempfile::tempdir_in(cache)?;
    let output = Command::new("go")
        .arg("install")
        .arg(format!("github.com/temporalio/cli/cmd/temporal@v{VERSION}"))
        .env("GOBIN", built.path())
        // Three gigabytes that nothing else needs, removed with the directory.
        .env("GOCACHE", built.path().join("cache"))
        .env("GOMODCACHE", built.path().join("modules"))
        .env("GOFLAGS", "-modcacherw")
        .stdin(Stdio::null())
        .output()
        .await
        .context("`go` could not be started")?;
    if !output.status.success() {
        bail!(
            "go install: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    std::fs::rename(built.path().join("temporal"), cache.join("temporal"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CHECKSUMS, check};

    #[test]
    fn an_archive_with_another_checksum_is_refused() {
        // The SHA-256 of nothing.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(b"", empty).unwrap();
        let error = check(b"another program", empty).unwrap_err().to_string();
        assert!(error.ends_with(empty), "{error}");
        for (_, _, sum) in CHECKSUMS {
            assert!(check(b"", sum).is_err() && sum.len() == empty.len());
        }
    }
}
