//! The account through its wire formats: real HTTP in both directions.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access;
mod account;
mod blueprints;
mod client;
mod control;
mod fault_rates;
mod faults;
mod graphql;
mod native_dependencies;
mod notifications;
mod people;
mod pushes;
mod receiver;
mod runs;
mod seeds;
mod terraform_provider;
mod terraform_roles;
mod terraform_settings;
mod trigger_policies;
mod webhooks;

/// An account whose runs advance only when the test says so.
fn still_account() -> mock_spacelift::MockSpacelift {
    let mock = mock_spacelift::MockSpacelift::new("acme");
    mock.pace(mock_spacelift::Pace::Manual);
    mock
}

async fn serve(mock: &mock_spacelift::MockSpacelift) -> mock_spacelift::Server {
    mock.serve(([127, 0, 0, 1], 0).into()).await.unwrap()
}
