//! The contents of a program: Cargo's list of the packages that it links, as a CycloneDX bill of materials, and their
//! licences.

mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::cargo::{cargo, repository};
use image::{DebianPackage, debian_packages};

/// The prefixes of the names of licence files.
const LICENCE_FILES: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "NOTICE"];

/// The crate that only gives all functions the same features. They use nothing of what it depends on.
const FEATURES: &str = "function-features";

/// A package that a program links.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// Whether it belongs to this repository.
    is_own: bool,
}

/// The packages of one or more programs.
#[derive(Debug, Default)]
pub(crate) struct Materials(BTreeSet<Package>);

impl Materials {
    /// The packages that the program of a package links on this machine.
    pub(crate) fn of(package: &str) -> anyhow::Result<Self> {
        let mut materials = Self(tree(package, &[])?);
        if materials.0.iter().any(|package| package.name == FEATURES) {
            materials = Self(tree(package, &["--prune", FEATURES])?);
        }
        ensure!(!materials.0.is_empty(), "cargo lists nothing for `{package}`");
        Ok(materials)
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The licence of each package, and the text of each licence file, each text once.
    pub(crate) fn licences(&self, repository: &Path) -> anyhow::Result<String> {
        let mut cargo = cargo();
        cargo.args(["metadata", "--locked", "--format-version", "1"]);
        let metadata: Value = serde_json::from_str(&run(cargo)?)?;
        let mut places = BTreeMap::new();
        for package in metadata["packages"].as_array().into_iter().flatten() {
            if let [Some(name), Some(version), Some(manifest)] =
                ["name", "version", "manifest_path"].map(|field| package[field].as_str())
            {
                places.insert((name, version), Path::new(manifest));
            }
        }
        let mut text = format!(
            "Spillway\n\n{}\n\nPackages that its programs link\n\n",
            fs::read_to_string(repository.join("LICENSE"))?
        );
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for package in self.0.iter().filter(|package| !package.is_own) {
            let name = format!("{} {}", package.name, package.version);
            writeln!(text, "{name}: {}", package.licence)?;
            let manifest = places.get(&(package.name.as_str(), package.version.as_str()));
            for licence in licence_texts(manifest.and_then(|manifest| manifest.parent()))? {
                texts.entry(licence).or_default().push(name.clone());
            }
        }
        for (licence, packages) in texts {
            write!(
                text,
                "\n\n----- {}\n\n{}\n",
                packages.join(", "),
                licence.trim_end()
            )?;
        }
        Ok(text)
    }
}

fn licence_texts(directory: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in directory.map(fs::read_dir).transpose()?.into_iter().flatten() {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        if path.is_file() && LICENCE_FILES.iter().any(|start| name.starts_with(start)) {
            texts.push(String::from_utf8_lossy(&fs::read(&path)?).into_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

/// What `cargo tree` lists for a package.
fn tree(package: &str, more: &[&str]) -> anyhow::Result<BTreeSet<Package>> {
    let mut cargo = cargo();
    cargo.args(["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
    cargo.args(["--format", "{p}\t{l}", "--package", package]);
    cargo.args(more);
    Ok(run(cargo)?.lines().filter_map(parse).collect())
}

/// Parses `name v1.2.3 (where)`, a tab, and the licence. Cargo marks repeated packages with `(*)`.
fn parse(line: &str) -> Option<Package> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.trim_end_matches(" (*)").to_owned(),
        is_own: words.any(|word| word.starts_with("(/")),
    })
}

/// A CycloneDX 1.5 document of the packages that a program links, and of the Debian packages beside it in an image.
pub(crate) fn bill(program: &str, materials: &Materials, image: Option<&Path>) -> anyhow::Result<Value> {
    let debian = image.map(debian_packages).transpose()?.unwrap_or_default();
    let component = |package: &Package| {
        let purl = format!("pkg:cargo/{}@{}", package.name, package.version);
        json!({
            "type": if package.name == program { "application" } else { "library" },
            "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl,
            // SPDX requires an OR where older packages have a slash.
            "licenses": [{"expression": package.licence.replace('/', " OR ")}],
        })
    };
    let is_program = |package: &&Package| package.name == program;
    let (programs, libraries): (Vec<_>, Vec<_>) = materials.0.iter().partition(is_program);
    let components = libraries.into_iter().map(component);
    let components = components.chain(debian.iter().map(DebianPackage::component));
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": programs.first().map(|package| component(package))},
        "components": components.collect::<Vec<_>>(),
    }))
}

fn run(mut cargo: Command) -> anyhow::Result<String> {
    let output = cargo
        .as_std_mut()
        .current_dir(repository()?)
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_a_package() {
        for (line, name, version, licence, is_own) in [
            (
                "serde v1.0.2\tMIT OR Apache-2.0",
                "serde",
                "1.0.2",
                "MIT OR Apache-2.0",
                false,
            ),
            (
                "ring v0.17.14\tApache-2.0 AND ISC (*)",
                "ring",
                "0.17.14",
                "Apache-2.0 AND ISC",
                false,
            ),
            (
                "audit v0.1.0 (/src/crates/audit)\tApache-2.0",
                "audit",
                "0.1.0",
                "Apache-2.0",
                true,
            ),
            (
                "darling v1.0.0 (proc-macro)\tMIT/Apache-2.0",
                "darling",
                "1.0.0",
                "MIT/Apache-2.0",
                false,
            ),
        ] {
            let package = parse(line).unwrap();
            let read = (
                package.name.as_str(),
                package.version.as_str(),
                package.licence.as_str(),
            );
            assert_eq!(
                (read, package.is_own),
                ((name, version, licence), is_own),
                "{line}"
            );
        }
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_sbom_of_the_webhook_has_its_tls_library_and_no_test_dependencies() {
        let materials = Materials::of("webhook").unwrap();
        let bill = bill("webhook", &materials, None).unwrap();
        assert_eq!(bill["metadata"]["component"]["name"], "webhook");
        let names = bill["components"].as_array().unwrap().iter();
        let names: BTreeSet<&str> = names.map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.contains("ring") && names.contains("audit"), "{names:?}");
        assert!(
            !names.contains("aws-stand-ins") && !names.contains("webhook"),
            "{names:?}"
        );
    }
}
