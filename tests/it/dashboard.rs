//! The dashboard in a real browser, with the real worker. Without a browser, `cargo xtask test` prints a message and
//! skips these tests.

mod actions;
mod browser;
mod cost;
mod looks;
mod pictures;
mod pretended;
mod queues;
mod reading;
mod requests;
mod steering;
mod watching;

use std::net::{Ipv4Addr, SocketAddr};

use dashboard::{Config, Pages, Queues};
use mock_spacelift::{KEY_ID, KEY_SECRET};
use spacelift::Spacelift;
use temporal_client::WorkflowClient;
use tokio::net::TcpListener;

use crate::world::World;
pub(crate) use browser::{Browser, Setup};

/// The person who acts in these tests.
const PERSON: &str = "mallory o'neil";

/// `network <- database <- shop`; only `shop` waits for a confirmation.
fn shop(world: &World) {
    world.graph_confirming("network; database: network; shop: database", &["shop"]);
}

/// A browser, a world with the [`shop`], and the address of its dashboard. `None` where there is no browser.
async fn browser_with_shop() -> Option<(Browser, World, String)> {
    let browser = Browser::start(Setup::default()).await?;
    let world = World::start().await;
    shop(&world);
    let url = serve(&world).await;
    Some((browser, world, url))
}

/// Serves a dashboard for a world, and returns its address.
async fn serve(world: &World) -> String {
    serve_with(world, world.workflows.clone()).await
}

async fn serve_with(world: &World, workflows: WorkflowClient) -> String {
    serve_beside(world, workflows, Queues::default()).await
}

async fn serve_beside(world: &World, workflows: WorkflowClient, queues: Queues) -> String {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = Config {
        workflows,
        spacelift: Spacelift::new(&world.spacelift_url(), KEY_ID, KEY_SECRET.into()).unwrap(),
        account: world.account.clone(),
        audit: Some(world.audit.clone()),
        pages: Pages {
            spacelift: Some("https://acme.app.spacelift.io".to_owned()),
            temporal: Some("http://127.0.0.1:8088/namespaces/default".to_owned()),
        },
        queues,
    };
    let router = dashboard::router(config, PERSON.to_owned(), &listener).unwrap();
    tokio::spawn(dashboard::serve(listener, router, std::future::pending()));
    url
}
