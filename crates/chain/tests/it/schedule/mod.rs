//! The schedule: one law after the other, and all of them at once on whatever may happen.

mod decisions;
mod host;
mod model;
mod oracle;
mod random;
mod scenarios;
mod size;
mod world;
