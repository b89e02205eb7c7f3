//! Nothing but dependencies, so that every build in the dev profile has one set of features.
//!
//! Cargo gives a dependency the features that the selected packages ask for: without this crate `cargo test -p worker`
//! and `cargo test --workspace` would each compile the Temporal SDK. Every member that links Temporal's client has this
//! crate as a dev-dependency, which is not part of what is deployed. The test below fails when a selection differs.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    fn cargo(arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--locked", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Each dependency with its features, as one line.
    fn features(selection: &[&str]) -> BTreeSet<String> {
        let tree = ["tree", "--prefix", "none", "--format", "{p} [{f}]"];
        cargo(&[&tree, selection].concat())
            .lines()
            .map(|line| line.trim_end_matches(" (*)").to_owned())
            .filter(|line| !line.is_empty() && !line.contains("(/"))
            .collect()
    }

    fn members_with_shared_features() -> Vec<String> {
        let metadata: serde_json::Value =
            serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
        let depends_on_this = |package: &&serde_json::Value| {
            let dependencies = package["dependencies"].as_array().unwrap();
            dependencies
                .iter()
                .any(|dependency| dependency["name"] == env!("CARGO_PKG_NAME"))
        };
        metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(depends_on_this)
            .map(|package| package["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn no_selection_compiles_a_dependency_again() {
        let tested = features(&["--workspace", "--edges", "normal,build,dev"]);
        let check = |selection: &[&str]| {
            let differing: Vec<String> = features(selection).difference(&tested).cloned().collect();
            assert!(
                differing.is_empty(),
                "`cargo tree {}` has features that `--workspace` has not, or the other way around. Add to this \
                 crate's dependencies what asks for them:\n{}",
                selection.join(" "),
                differing.join("\n")
            );
        };
        check(&["--workspace", "--edges", "normal,build"]);
        for member in members_with_shared_features() {
            check(&["--package", &member, "--edges", "normal,build,dev"]);
        }
    }
}
