//! Everything on one machine: `spillway dev` and `spillway demo`.

mod demo;
mod dev;
mod outcome;
mod picture;
mod system;

pub(crate) use demo::{DemoArguments, demo};
pub(crate) use dev::{DevArguments, dev};
pub(crate) use outcome::Outcome;
pub(crate) use picture::Picture;

use crate::command::{Done, block_on};
