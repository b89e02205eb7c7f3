//! moto, an in-memory AWS, as the server of one test, behind a proxy that counts calls and can make them fail.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it. It panics if they are missing: a test must not
//! be skipped silently.

mod installation;
mod proxy;
mod server;

pub use self::proxy::{Call, CallFault};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::types::CreateBucketConfiguration;
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};

use self::proxy::Proxy;
use self::server::Server;

const REGION: &str = "eu-west-1";
/// moto accepts every key.
const KEY: &str = "test";
const OWN_ATTEMPTS: u32 = 5;

/// The AWS of one test. It stops when this handle is dropped.
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

    /// The endpoint for the programs under test.
    pub fn endpoint(&self) -> &str {
        self.proxy.url()
    }

    /// The SDK configuration for it.
    pub fn aws(&self) -> SdkConfig {
        config(self.proxy.url())
    }

    /// The same for the test's own calls, which are not counted and never fail on purpose. They have no time limit,
    /// since the result of an aborted call is lost, and are retried if moto drops the connection.
    pub fn own_aws(&self) -> SdkConfig {
        config(self.server.url())
            .into_builder()
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::standard().with_max_attempts(OWN_ATTEMPTS))
            .build()
    }

    /// S3, for the test's own calls.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.own_aws()).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// Creates a bucket, in which objects can be locked if `has_lock`. If moto dropped the connection after it had created
    /// the bucket, the next attempt finds it.
    pub async fn create_bucket(&self, name: &str, has_lock: bool) {
        let region = CreateBucketConfiguration::builder().location_constraint(REGION.into());
        let create = self
            .s3()
            .create_bucket()
            .bucket(name)
            .create_bucket_configuration(region.build());
        let create = create.set_object_lock_enabled_for_bucket(has_lock.then_some(true));
        if let Err(error) = create.send().await {
            let error = error.into_service_error();
            assert!(error.is_bucket_already_owned_by_you(), "{error:?}");
        }
    }

    /// The variables with which a program uses it.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint().to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
        ]
    }

    /// Every call so far, in order.
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
    pub fn fault(&self, operation: &str, fault: CallFault) {
        self.proxy.state().faults.insert(operation.to_owned(), fault);
    }

    /// Ends all faults.
    pub fn mend(&self) {
        let mut state = self.proxy.state();
        state.is_away = false;
        state.faults.clear();
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
    environment::aws::quick(config)
}
