//! The installation of moto.

use std::path::{Path, PathBuf};

/// The Python interpreter with moto, which is installed if it is missing.
pub(crate) fn python() -> PathBuf {
    let directory = target_directory().join("tmp/moto");
    python_environment::install(&directory, include_str!("../../requirements.txt"))
        .unwrap()
        .join("python")
}

/// Cargo's target directory: the directory above this test that Cargo has tagged.
fn target_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let tagged = program
        .ancestors()
        .find(|above| above.join("CACHEDIR.TAG").is_file());
    tagged.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Path::to_owned,
    )
}
