//! Chains that meet, people who step in, bad days: what the one schedule of an account makes of them.

mod faults;
mod joins;
mod loss;
mod people;
mod requests;
mod steering;
