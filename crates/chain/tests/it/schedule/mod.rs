//! The schedule: each law in its own tests, and all of them on random events.

mod decisions;
mod host;
mod log;
mod model;
mod oracle;
mod random;
mod scenarios;
mod size;
mod world;
