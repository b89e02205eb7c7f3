//! The files of a release, in `dist/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::cargo::repository;
use crate::sbom::{Materials, bill};

pub(crate) const DIST: &str = "dist";
/// For each function: its name in the template, its package, and the `CodeUri` in the template.
const FUNCTIONS: [(&str, &str, &str); 4] = [
    ("Webhook", "webhook", "functions/webhook"),
    ("Redeliver", "redeliver", "functions/redeliver"),
    ("Dashboard", "dashboard-function", "functions/dashboard"),
    ("Upkeep", "upkeep", "functions/upkeep"),
];
/// The parameter's default in the template, which the release replaces by the architecture of its zip files.
const ARCHITECTURE_DEFAULT: &str = "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n";

/// The directory of a release.
pub(crate) struct Dist {
    directory: PathBuf,
    architecture: &'static str,
}

impl Dist {
    /// An empty one.
    pub(crate) fn create(architecture: &'static str) -> anyhow::Result<Self> {
        let directory = repository()?.join(DIST);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(directory.join("infra/parameters"))?;
        Ok(Self {
            directory,
            architecture,
        })
    }

    /// Where a file of the release is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    fn zip(&self, package: &str) -> String {
        format!("{package}-{}.zip", self.architecture)
    }

    /// Adds the functions that `sam build` has built, as zip files, and the templates that refer to them.
    pub(crate) fn add_functions(&self) -> anyhow::Result<()> {
        let (repository, architecture) = (repository()?, self.architecture);
        let mut template = fs::read_to_string(repository.join("template.yaml"))?;
        replace(
            &mut template,
            ARCHITECTURE_DEFAULT,
            &format!("    Default: {architecture}\n    AllowedValues: [{architecture}]\n"),
        )?;
        for (function, package, code) in FUNCTIONS {
            let zip = self.zip(package);
            let built = repository.join(format!(".aws-sam/build/{function}/bootstrap"));
            zip_file(&built, &self.directory.join(&zip))?;
            replace(
                &mut template,
                &format!("CodeUri: {code}\n"),
                &format!("CodeUri: {zip}\n"),
            )?;
        }
        fs::write(
            self.directory.join(format!("template-{architecture}.yaml")),
            template,
        )?;
        for nested in fs::read_dir(repository.join("infra"))? {
            let nested = nested?;
            let name = nested.file_name();
            let is_template = Path::new(&name).extension().is_some_and(|kind| kind == "yaml");
            if is_template && name != "compose.yaml" {
                fs::copy(nested.path(), self.directory.join("infra").join(name))?;
            }
        }
        let example = "infra/parameters/example.yaml";
        fs::copy(repository.join(example), self.directory.join(example))?;
        Ok(())
    }

    /// Writes the bills of materials of the zip files.
    pub(crate) fn write_bills_of_functions(&self) -> anyhow::Result<Materials> {
        let mut materials = Materials::default();
        for (_, package, _) in FUNCTIONS {
            materials.extend(self.write_bill(package, &self.zip(package), None)?);
        }
        Ok(materials)
    }

    /// Writes the licences of everything that the programs link.
    pub(crate) fn write_licences(&self, materials: &Materials) -> anyhow::Result<()> {
        let licences = materials.licences(&repository()?)?;
        fs::write(self.directory.join("LICENSES.txt"), licences)?;
        Ok(())
    }

    /// Writes the bill of materials of a file beside it. An image also has packages of Debian.
    pub(crate) fn write_bill(
        &self,
        package: &str,
        file: &str,
        image: Option<&Path>,
    ) -> anyhow::Result<Materials> {
        let materials = Materials::of(package)?;
        let bill = serde_json::to_string_pretty(&bill(package, &materials, image)?)?;
        fs::write(self.directory.join(format!("{file}.cdx.json")), bill + "\n")?;
        Ok(materials)
    }

    /// Writes the checksums of every file, for `sha256sum --check`. Returns the number of files.
    pub(crate) fn write_checksums(&self) -> anyhow::Result<usize> {
        let mut files = Vec::new();
        let mut directories = vec![self.directory.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(path.strip_prefix(&self.directory)?.to_owned());
                }
            }
        }
        files.sort();
        let sums = Command::new("sha256sum")
            .arg("--")
            .args(&files)
            .current_dir(&self.directory)
            .output()
            .context("sha256sum could not be started")?;
        ensure!(sums.status.success(), "the checksums could not be computed");
        fs::write(self.directory.join("SHA256SUMS"), sums.stdout)?;
        Ok(files.len())
    }
}

/// Replaces exactly one occurrence, so that a changed template does not go unnoticed.
fn replace(text: &mut String, from: &str, to: &str) -> anyhow::Result<()> {
    ensure!(
        text.matches(from).count() == 1,
        "template.yaml does not say `{}` once",
        from.trim()
    );
    *text = text.replacen(from, to, 1);
    Ok(())
}

/// Packs one file as small as possible, with the library that SAM also uses. It keeps the executable permission.
const ZIP: &str = "
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
    packed.write(sys.argv[2], os.path.basename(sys.argv[2]))
";

fn zip_file(file: &Path, zip: &Path) -> anyhow::Result<()> {
    ensure!(
        file.is_file(),
        "{} is missing: `sam build` makes it",
        file.display()
    );
    let status = Command::new("python3")
        .args(["-c", ZIP])
        .arg(zip)
        .arg(file)
        .status()
        .context("python3 could not be started")?;
    ensure!(status.success(), "{} could not be packed", file.display());
    Ok(())
}
