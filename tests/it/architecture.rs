//! What ARCHITECTURE.md names.

use std::path::Path;

/// What the path of a file can begin with.
const ROOMS: [&str; 8] = [
    "bench/",
    "crates/",
    "docs/",
    "functions/",
    "infra/",
    "tests/",
    "worker/",
    "xtask/",
];

#[test]
fn every_file_that_it_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    // What stands between backticks.
    let named = text.split('`').skip(1).step_by(2);
    let paths: Vec<&str> = named
        .filter(|path| ROOMS.iter().any(|room| path.starts_with(room)))
        .collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        assert!(root.join(path).exists(), "{path}");
    }
}
