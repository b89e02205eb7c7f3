//! The deployment matches the programs: the variables, rights, alarms and names in template.yaml, infra/ and
//! worker/Dockerfile. What can be deployed without an AWS account is deployed on moto.

mod alarms;
mod cloud;
mod compose;
mod files;
mod grants;
mod guide;
mod packaged;
mod parameters;
mod rights;
pub(crate) mod running;
mod sources;
mod stacks;
pub(crate) mod system;
mod template;
mod upkeep;
mod variables;

use std::path::{Path, PathBuf};

/// A path in the repository.
fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    let place = place(path);
    std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
}
