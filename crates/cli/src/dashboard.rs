//! `spillway dashboard`: the live page of chains, for an operator with their own access to Temporal and Spacelift.

use std::future::Future;
use std::net::SocketAddr;

use audit::Store;
use clap::Args;
use dashboard::{Config, Pages, Queues};
use temporal_client::TemporalSettings;
use tokio::net::TcpListener;

use crate::clients::Clients;
use crate::command::{Done, with_clients};
use crate::exit::Exit;
use crate::failure::{Failure, reason};
use crate::output;
use crate::variables::variables;
use crate::web::spacelift_page;

const EXAMPLES: &str = "Examples:
  spillway dashboard
  spillway dashboard --listen 127.0.0.1:9000 --temporal-ui http://127.0.0.1:8080

The dashboard has no login, so it listens only on a loopback address. Everyone who can open it acts as you.";

/// Serve the live page of chains on this machine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DashboardArguments {
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The URL of the Temporal UI, for links [default: Temporal Cloud's, if it is used].
    #[arg(long, env = "TEMPORAL_UI_URL", hide_env_values = true, value_name = "URL")]
    temporal_ui: Option<String>,
}

pub(crate) fn dashboard(arguments: DashboardArguments) -> Done {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "--listen {} can be reached from other machines, and there is no login",
            arguments.listen
        ))
        .meaning("Everyone who can open the dashboard acts as you.")
        .hint("Listen on 127.0.0.1.")
        .into());
    }
    with_clients(async |clients| {
        let person = clients.actor().await?.to_string();
        let Clients {
            spacelift,
            workflows,
            account,
            ..
        } = clients;
        let variables = variables().await?;
        let temporal = TemporalSettings::from_variables(&variables)?;
        let config = Config {
            audit: Store::from_lookup(|name| variables.get(name).cloned()).await?,
            account,
            workflows,
            spacelift,
            pages: Pages {
                spacelift: spacelift_page(&variables),
                temporal: Pages::of_temporal(arguments.temporal_ui, &temporal),
            },
            queues: Queues::from_lookup(|name| variables.get(name).cloned()),
        };
        let stop = environment::stop_signal()?;
        let (address, served) = start(config, person, arguments.listen, "--listen", stop).await?;
        output::line(&format!(
            "The dashboard is at http://{address}. Press Ctrl-C to stop."
        ))?;
        served.await;
        Ok(Exit::Success)
    })
}

/// Starts to listen. The returned future serves until `stop` completes.
pub(crate) async fn start(
    config: Config,
    person: String,
    listen: SocketAddr,
    flag: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<(SocketAddr, impl Future<Output = ()> + Send)> {
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Failure::setting(format!(
            "the dashboard could not listen on {listen}: {}",
            reason(&error)
        ))
        .hint(format!("Choose another address with {flag}."))
    })?;
    let router = dashboard::router(config, person, &listener)?;
    Ok((listener.local_addr()?, dashboard::serve(listener, router, stop)))
}
