//! The Debian packages in an image: what is in the image besides our program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// Where Debian lists the packages, and where an image without a package manager has one file for each.
const LISTS: [&str; 2] = ["var/lib/dpkg/status", "var/lib/dpkg/status.d"];

/// A Debian package in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DebianPackage {
    name: String,
    version: String,
    architecture: String,
}

impl DebianPackage {
    /// The package of one paragraph of a list.
    fn parse(paragraph: &str) -> Option<Self> {
        let field = |name: &str| {
            let value = |line: &str| Some(line.strip_prefix(name)?.trim().to_owned());
            paragraph.lines().find_map(value)
        };
        Some(Self {
            name: field("Package:")?,
            version: field("Version:")?,
            architecture: field("Architecture:")?,
        })
    }

    pub(super) fn component(&self) -> Value {
        let Self {
            name,
            version,
            architecture,
        } = self;
        let purl = format!("pkg:deb/debian/{name}@{version}?arch={architecture}");
        json!({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    }
}

/// The Debian packages in the image of an OCI archive, in order.
pub(super) fn debian_packages(archive: &Path) -> anyhow::Result<Vec<DebianPackage>> {
    let directory = tempfile::tempdir()?;
    let (layout, root) = (directory.path().join("layout"), directory.path().join("root"));
    unpack(archive, &layout, &[])?;
    // A later layer replaces the files of an earlier one.
    for layer in layers(&layout)? {
        let name = layer.file_name().unwrap_or_default().display();
        unpack_lists(&layer, &root).with_context(|| format!("the layer {name} of {}", archive.display()))?;
    }
    let mut packages = Vec::new();
    for file in lists(&root)? {
        let text = fs::read_to_string(&file)?;
        packages.extend(text.split("\n\n").filter_map(DebianPackage::parse));
    }
    packages.sort();
    packages.dedup();
    ensure!(
        !packages.is_empty(),
        "the image in {} lists no Debian packages",
        archive.display()
    );
    Ok(packages)
}

/// The files of an image's layers, the first one first.
fn layers(layout: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut document: Value = serde_json::from_reader(File::open(layout.join("index.json"))?)?;
    // An index can name another index.
    while let Some(manifest) = document["manifests"].get(0) {
        document = serde_json::from_reader(File::open(blob(layout, manifest)?)?)?;
    }
    let layers = document["layers"].as_array().context("the image has no layers")?;
    layers.iter().map(|layer| blob(layout, layer)).collect()
}

fn blob(layout: &Path, descriptor: &Value) -> anyhow::Result<PathBuf> {
    let digest = descriptor["digest"].as_str().context("a blob without a digest")?;
    Ok(layout.join("blobs").join(digest.replace(':', "/")))
}

/// Unpacks what lists packages, if a layer has any of it.
fn unpack_lists(layer: &Path, into: &Path) -> anyhow::Result<()> {
    // tar fails alike if nothing matches a pattern and if it cannot read the layer, so the members are listed first.
    let mut tar = Command::new("tar");
    let listed = tar.arg("--list").arg("--file").arg(layer).output();
    let listed = listed.context("tar could not be started")?;
    let said = String::from_utf8_lossy(&listed.stderr);
    ensure!(listed.status.success(), "tar could not read it: {}", said.trim());
    let members = String::from_utf8_lossy(&listed.stdout);
    if !members.lines().any(|member| member.contains(LISTS[0])) {
        return Ok(());
    }
    unpack(layer, into, &[&format!("*{}*", LISTS[0])])
}

/// Unpacks the files that match a pattern, or all of them.
fn unpack(archive: &Path, into: &Path, patterns: &[&str]) -> anyhow::Result<()> {
    fs::create_dir_all(into)?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--wildcards", "--no-same-owner", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(into)
        .args(patterns);
    let status = tar.status().context("tar could not be started")?;
    ensure!(status.success(), "tar could not unpack {}", archive.display());
    Ok(())
}

/// The files that list packages.
fn lists(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for place in LISTS.map(|list| root.join(list)) {
        if place.is_dir() {
            for file in fs::read_dir(place)? {
                files.push(file?.path());
            }
        } else if place.is_file() {
            files.push(place);
        }
    }
    // Beside the list of a package, there can be one of its files.
    files.retain(|file| file.extension().is_none_or(|kind| kind != "md5sums"));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar(from: &Path, to: &Path) {
        let mut tar = Command::new("tar");
        tar.arg("--create")
            .arg("--file")
            .arg(to)
            .arg("--directory")
            .arg(from);
        assert!(tar.arg(".").status().unwrap().success());
    }

    /// An archive with an image of these files, a layer for each.
    fn archive(directory: &Path, files: &[(&str, &str)]) -> PathBuf {
        let layout = directory.join("made");
        let blobs = layout.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let mut layers = Vec::new();
        for (number, (name, text)) in files.iter().enumerate() {
            let file = directory.join(number.to_string()).join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
            tar(
                &directory.join(number.to_string()),
                &blobs.join(format!("layer{number}")),
            );
            layers.push(json!({"digest": format!("sha256:layer{number}")}));
        }
        let write = |place: PathBuf, value: Value| fs::write(place, value.to_string()).unwrap();
        write(blobs.join("manifest"), json!({"layers": layers}));
        write(
            blobs.join("index"),
            json!({"manifests": [{"digest": "sha256:manifest"}]}),
        );
        write(
            layout.join("index.json"),
            json!({"manifests": [{"digest": "sha256:index"}]}),
        );
        let archive = directory.join("image.tar");
        tar(&layout, &archive);
        archive
    }

    fn found(files: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
        let directory = tempfile::tempdir().unwrap();
        let packages = debian_packages(&archive(directory.path(), files))?;
        let purls = packages
            .iter()
            .map(|package| package.component()["purl"].as_str().unwrap().to_owned());
        Ok(purls.collect())
    }

    #[test]
    fn the_packages_of_all_layers_are_found_in_both_kinds_of_lists() {
        let status = "Package: tar\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1.35+dfsg-3\n\n\
                      Package: libc6\nArchitecture: arm64\nVersion: 2.41-12\n";
        let purls = found(&[
            ("etc/passwd", "root"),
            ("var/lib/dpkg/status", status),
            (
                "var/lib/dpkg/status.d/tzdata",
                "Package: tzdata\nVersion: 2026a\nArchitecture: all\n",
            ),
            ("var/lib/dpkg/status.d/tzdata.md5sums", "00  usr/share/zoneinfo\n"),
        ]);
        let expected = [
            "pkg:deb/debian/libc6@2.41-12?arch=arm64",
            "pkg:deb/debian/tar@1.35+dfsg-3?arch=arm64",
            "pkg:deb/debian/tzdata@2026a?arch=all",
        ];
        assert_eq!(purls.unwrap(), expected);
    }

    /// It may list packages that the SBOM would then leave out.
    #[test]
    fn a_layer_that_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let status = "Package: tar\nArchitecture: arm64\nVersion: 1.35+dfsg-3\n";
        let files = [("var/lib/dpkg/status", status), ("etc/passwd", "root")];
        let good = archive(directory.path(), &files);
        assert_eq!(debian_packages(&good).unwrap().len(), 1);
        let layout = directory.path().join("made");
        fs::write(layout.join("blobs/sha256/layer1"), "no layer of any format").unwrap();
        tar(&layout, &good);
        let error = format!("{:#}", debian_packages(&good).unwrap_err());
        assert!(error.contains("the layer layer1 of "), "{error}");
        assert!(error.contains("tar could not read it"), "{error}");
    }

    #[test]
    fn an_image_without_a_list_is_an_error() {
        let error = found(&[("etc/passwd", "root")]).unwrap_err().to_string();
        assert!(error.ends_with("lists no Debian packages"), "{error}");
    }
}
