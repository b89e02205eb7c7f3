//! The dashboard for people who sign in, at a real identity provider. Where there is none, `cargo xtask test` says so and
//! these tests are skipped.

mod deployed;
pub(crate) mod gateway;
pub(crate) mod person;
mod provider;
mod refusals;
mod roles;
mod sessions;
mod viewer;

use std::time::Duration;

use dashboard::login::{Login, Settings};
use dashboard::{Pages, Queues};
use environment::Variables;
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift};
use serde_json::{Value, json};
use spacelift::Spacelift;
use tokio::net::TcpListener;

use crate::world::{World, add_graph, any_port};
pub(crate) use provider::{CLIENT_SECRET, IdentityProvider};

/// A key of the cookies.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "//////////////////////////////////////////8=";

/// Those who have an account at the identity provider.
pub(crate) fn accounts() -> Value {
    json!({
        "alice": {"email": "alice@acme.example", "email_verified": true, "groups": ["staff", "platform"]},
        "bob": {"email": "bob@acme.example", "email_verified": true, "groups": ["staff"]},
        "carol": {"email": "carol@acme.example", "email_verified": true, "groups": ["guests"]},
        "dave": {"email": "dave@acme.example", "email_verified": true},
        "erin": {"email": "alice@acme.example", "email_verified": false, "groups": "platform"},
    })
}

/// A dashboard with its identity provider.
struct SignIn {
    world: World,
    provider: IdentityProvider,
    url: String,
}

impl SignIn {
    /// `None` where there is no identity provider.
    async fn start() -> Option<Self> {
        Self::with(true, Duration::from_secs(3600)).await
    }

    async fn with(claims_in_id_token: bool, session: Duration) -> Option<Self> {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = IdentityProvider::start(&url, claims_in_id_token).await?;
        let world = World::start().await;
        let variables: Variables = [
            ("SPILLWAY_DASHBOARD_URL", url.as_str()),
            ("SPILLWAY_DASHBOARD_ISSUER", &provider.issuer),
            ("SPILLWAY_DASHBOARD_CLIENT_ID", provider::CLIENT_ID),
            ("SPILLWAY_DASHBOARD_CLIENT_SECRET", provider::CLIENT_SECRET),
            ("SPILLWAY_DASHBOARD_VIEWERS", "staff"),
            ("SPILLWAY_DASHBOARD_OPERATORS", "platform"),
            ("SPILLWAY_DASHBOARD_KEY", KEY),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        serve(&world, listener, &variables, session);
        Some(Self { world, provider, url })
    }

    /// The address of a page.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// `network <- database`, which is locked, so that its chains stay open.
fn lock_database(spacelift: &MockSpacelift) {
    add_graph(spacelift, "network; database: network", &[]);
    spacelift.lock("database", "carol");
}

fn serve(world: &World, listener: TcpListener, variables: &Variables, session: Duration) {
    let mut settings = Settings::from_variables(variables).unwrap_or_else(|error| panic!("{error}"));
    settings.session = session;
    let (workflows, account) = (world.workflows.clone(), world.account.clone());
    let audit = world.audit.clone();
    let spacelift = Spacelift::new(&world.spacelift_url(), KEY_ID, KEY_SECRET.into()).unwrap();
    let router = dashboard::router_with_login(Login::new(settings).unwrap(), move || {
        let config = dashboard::Config {
            workflows: workflows.clone(),
            spacelift: spacelift.clone(),
            account: account.clone(),
            pages: Pages::default(),
            audit: Some(audit.clone()),
            queues: Queues::default(),
        };
        async move { Ok(config) }
    });
    tokio::spawn(dashboard::serve(listener, router, std::future::pending()));
}
