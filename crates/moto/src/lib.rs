//! moto, an AWS in memory, as a test's own server, behind a proxy that counts calls and can be told to fail.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it. It panics where they are missing: a proof
//! that is skipped in silence is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod installation;
mod proxy;
mod server;

pub use proxy::{Call, Trouble};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};

use proxy::Proxy;
use server::Server;

const REGION: &str = "eu-west-1";
/// moto believes everybody.
const KEY: &str = "test";
const OWN_ATTEMPTS: u32 = 5;

/// An AWS of a test's own. It ends with this handle.
pub struct Moto {
    server: Server,
    proxy: Proxy,
}

impl Moto {
    pub async fn start() -> Self {
        let server = Server::start().await;
        let proxy = Proxy::start(server.url()).await;
        Self { server, proxy }
    }

    /// Where the programs under test find it.
    pub fn endpoint(&self) -> &str {
        self.proxy.url()
    }

    /// What the SDK needs to find it.
    pub fn aws(&self) -> SdkConfig {
        config(self.proxy.url())
    }

    /// The same for the test's own calls, which are not counted and never made to fail. They wait for as long as moto
    /// takes, since what it gives to a caller who has gone is lost, and are tried again where it drops a connection.
    pub fn own_aws(&self) -> SdkConfig {
        config(self.server.url())
            .into_builder()
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::standard().with_max_attempts(OWN_ATTEMPTS))
            .build()
    }

    /// The variables with which a program finds it.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint().to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
        ]
    }

    /// Every call until now, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        self.proxy.state().calls.clone()
    }

    /// How many calls of an operation there were, such as `PutObject`.
    pub fn count(&self, operation: &str) -> usize {
        self.count_where(|call| call.operation == operation)
    }

    pub fn count_where(&self, is_meant: impl Fn(&Call) -> bool) -> usize {
        self.proxy
            .state()
            .calls
            .iter()
            .filter(|call| is_meant(call))
            .count()
    }

    /// Whether every call is refused.
    pub fn go_away(&self, is_away: bool) {
        self.proxy.state().is_away = is_away;
    }

    /// What happens to the calls of an operation from now on.
    pub fn trouble(&self, operation: &str, trouble: Trouble) {
        self.proxy.state().troubles.insert(operation.to_owned(), trouble);
    }

    /// Ends all trouble.
    pub fn mend(&self) {
        let mut state = self.proxy.state();
        state.is_away = false;
        state.troubles.clear();
    }
}

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(KEY, KEY, None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    environment::aws::patient_for_a_moment(config)
}
