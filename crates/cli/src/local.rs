//! Everything on one machine: `spillway dev` and `spillway demo`.

mod demo;
mod dev;
mod system;

pub(crate) use demo::{DemoArguments, demo};
pub(crate) use dev::{DevArguments, dev};

use crate::command::{Done, block_on};
