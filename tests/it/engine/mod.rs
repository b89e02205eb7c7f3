//! The decisions of an account's single schedule: chains that meet, people who intervene, outages.

mod faults;
mod gone;
mod joins;
mod loss;
mod orders;
mod people;
mod policies;
mod requests;
mod reset;
mod second_spillway;
mod size;
mod steering;
