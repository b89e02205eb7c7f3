//! What is deployed fits what is programmed: the variables, the rights, the alarms and the names in template.yaml,
//! infra/ and worker/Dockerfile. What can be deployed without an AWS account is deployed on moto.

mod alarms;
mod built;
mod cloud;
mod files;
mod grants;
mod rights;
mod running;
mod sources;
mod stacks;
mod system;
mod template;
mod variables;

use std::path::{Path, PathBuf};

/// A place in the repository.
fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    let place = place(path);
    std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
}
