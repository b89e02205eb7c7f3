//! Nothing but dependencies, so that every build in the dev profile has one set of features.
//!
//! Cargo gives a dependency the features that the selected packages ask for: without this crate `cargo test -p worker`
//! and `cargo test --workspace` would each compile the Temporal SDK. Every member that links Temporal's client has this
//! crate as a dev-dependency, which is not part of what is deployed. The test below fails when a selection differs.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
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

    /// The members that depend on this one.
    fn members_with(dependency: &str) -> Vec<String> {
        let metadata: serde_json::Value =
            serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
        let depends_on_it = |package: &&serde_json::Value| {
            let dependencies = package["dependencies"].as_array().unwrap();
            dependencies.iter().any(|other| other["name"] == dependency)
        };
        metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(depends_on_it)
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
        for member in members_with(env!("CARGO_PKG_NAME")) {
            check(&["--package", &member, "--edges", "normal,build,dev"]);
        }
    }

    /// The features of each dependency of a program on Lambda.
    fn features_on_lambda(function: &str) -> BTreeMap<String, BTreeSet<String>> {
        let target = ["--target", "x86_64-unknown-linux-gnu", "--edges", "normal,build"];
        let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for line in features(&[&["--package", function], &target[..]].concat()) {
            let (dependency, features) = line.split_once(" [").unwrap();
            let of_dependency = all.entry(dependency.to_owned()).or_default();
            of_dependency.insert(features.to_owned());
        }
        all
    }

    #[test]
    fn no_function_compiles_a_dependency_again() {
        let functions = members_with("function-features");
        assert_eq!(functions.len(), 4);
        let mut known: BTreeMap<String, (BTreeSet<String>, &str)> = BTreeMap::new();
        let mut differing = Vec::new();
        for function in &functions {
            for (dependency, features) in features_on_lambda(function) {
                let (of_first, first) = known
                    .entry(dependency.clone())
                    .or_insert_with(|| (features.clone(), function));
                if features != *of_first {
                    differing.push(format!(
                        "{dependency}: `{first}` has {of_first:?}, `{function}` {features:?}"
                    ));
                }
            }
        }
        assert!(
            differing.is_empty(),
            "The functions have dependencies with different features. Add to the dependencies of \
             `function-features` what asks for them:\n{}",
            differing.join("\n")
        );
    }
}
