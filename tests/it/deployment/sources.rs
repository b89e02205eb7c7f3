//! The source code of the programs, without tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The table from which the documentation of the settings is generated.
const TABLE: [&str; 2] = ["settings/src/table.rs", "settings/src/table/chains.rs"];

/// The packages of this workspace.
pub(crate) fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(super::place("."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The names of a package's programs.
pub(crate) fn programs(package: &Value) -> Vec<&str> {
    let targets = package["targets"].as_array().unwrap().iter();
    targets
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap())
        .collect()
}

/// The source of a package and of every workspace package that it links.
pub(crate) fn linked(package: &str) -> String {
    let packages = packages();
    let mut text = String::new();
    let mut missing = vec![package.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(name) = missing.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let package = packages.iter().find(|package| package["name"] == *name).unwrap();
        text += &of_package(package);
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        missing.extend(
            dependencies
                .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned()),
        );
    }
    text
}

/// The source of one package.
pub(crate) fn of(name: &str) -> String {
    let packages = packages();
    of_package(packages.iter().find(|package| package["name"] == *name).unwrap())
}

fn of_package(package: &Value) -> String {
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    let mut text = String::new();
    add(&manifest.parent().unwrap().join("src"), &mut text);
    text
}

fn add(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, text);
        } else if TABLE.iter().any(|table| path.ends_with(table)) {
            // It describes every setting, regardless of the reader.
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let whole = std::fs::read_to_string(&path).unwrap();
            // Unit tests are at the end of each file.
            *text += whole.split("#[cfg(test)]").next().unwrap();
        }
    }
}

/// The literals in a text, in order, that consist of the characters that `belongs` accepts.
pub(crate) fn literals(text: &str, belongs: impl Fn(char) -> bool) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('"') {
        let rest = &text[at + 1..];
        if let Some(end) = rest.find('"')
            && end > 0
            && rest[..end].chars().all(&belongs)
        {
            found.push(&rest[..end]);
        }
    }
    found
}
