//! Cargo, as this program starts it.

use tokio::process::Command;

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    forget_this_package(&mut command);
    command
}

/// Takes away what `cargo run` tells this program about its own package. `ring` is built again where these variables
/// differ, and so would be all that links it, the Temporal SDK too, at each change between `cargo xtask` and `cargo`.
pub(crate) fn forget_this_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}
