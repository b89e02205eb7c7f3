//! Connects to Temporal: the SDK's own environment configuration, `TEMPORAL_URL`, and limits.

use std::collections::HashMap;
use std::time::Duration;

use temporalio_client::envconfig::{ConfigError, LoadClientConfigProfileOptions};
use temporalio_client::errors::{ClientConnectError, ClientNewError};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, TlsOptions, Url};
use temporalio_common::data_converters::{DataConverter, DefaultFailureConverter, PayloadConverter};
use temporalio_common::envconfig::load_client_config_profile;

use crate::codec::{Encryption, PayloadKeyError};
use crate::error::{TemporalErrorKind, kind_of_status};
use crate::function_client::FunctionClient;

/// The limit of the TCP and TLS handshakes. Without it, a broken network blocks a function for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One attempt may meet a connection that died while the function's sandbox was frozen.
const RETRIES_FOR_PAGES: usize = 2;
const PATIENCE_FOR_PAGES: Duration = Duration::from_secs(5);

/// Why Temporal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the settings of the Temporal connection cannot be used: {problem}")]
    Settings { problem: String },
    #[error("Temporal's address `{address}` is not `host:port`, `http://host:port` or `https://host:port`")]
    Address { address: String },
    #[error("Temporal at `{address}` does not answer")]
    Unreachable {
        address: String,
        source: Box<ClientConnectError>,
    },
    #[error(transparent)]
    PayloadKey(#[from] PayloadKeyError),
    #[error("the Temporal client cannot be created")]
    Client(#[source] Box<ClientNewError>),
}

impl ConnectError {
    pub fn kind(&self) -> TemporalErrorKind {
        match self {
            Self::Unreachable { source, .. } => match &**source {
                ClientConnectError::SystemInfoCallError(status) => kind_of_status(status),
                ClientConnectError::InvalidUri(_) | ClientConnectError::InvalidHeaders(_) => {
                    TemporalErrorKind::Other
                }
                _ => TemporalErrorKind::Unreachable,
            },
            _ => TemporalErrorKind::Other,
        }
    }
}

/// The address of Temporal and our credentials.
#[derive(Clone)]
pub struct TemporalSettings {
    connection: ConnectionOptions,
    client: ClientOptions,
}

impl TemporalSettings {
    /// Reads `TEMPORAL_ADDRESS` and the other variables (and the file) that every Temporal SDK knows, and
    /// `TEMPORAL_URL`, an older name of the address. Loopback addresses and names without a dot use plaintext, all
    /// others TLS, unless a TLS setting or an API key decides it. `SPILLWAY_PAYLOAD_KEY` encrypts the data in Temporal.
    pub fn from_variables(variables: &HashMap<String, String>) -> Result<Self, ConnectError> {
        let unusable = |error: ConfigError| ConnectError::Settings {
            problem: error.to_string(),
        };
        let profile = load_client_config_profile(LoadClientConfigProfileOptions::default(), Some(variables))
            .map_err(unusable)?;
        let namespace = profile.namespace.clone();
        let address = variables
            .get("TEMPORAL_URL")
            .filter(|_| profile.address.is_none());
        let address = address.or(profile.address.as_ref()).cloned();
        let decides_tls_itself = profile.tls.is_some() || profile.api_key.is_some();
        let mut connection = ConnectionOptions::try_from(profile).map_err(unusable)?;
        if let Some(address) = address {
            connection.target = if decides_tls_itself {
                with_scheme(
                    &address,
                    if connection.tls_options.is_some() {
                        "https"
                    } else {
                        "http"
                    },
                )?
            } else {
                parse_address(&address)?
            };
        }
        let namespace = namespace.as_deref().unwrap_or("default");
        let converter = converter(Encryption::from_variables(variables, namespace)?);
        let client = ClientOptions::new(namespace).data_converter(converter).build();
        Ok(Self { connection, client }.with_safe_transport())
    }

    /// A server at `address`, and a namespace.
    pub fn new(address: &str, namespace: &str) -> Result<Self, ConnectError> {
        let connection = ConnectionOptions::new(parse_address(address)?).build();
        let client = ClientOptions::new(namespace)
            .data_converter(converter(None))
            .build();
        Ok(Self { connection, client }.with_safe_transport())
    }

    pub fn address(&self) -> &str {
        self.connection.target.as_str()
    }

    pub fn namespace(&self) -> &str {
        &self.client.namespace
    }

    #[cfg(feature = "compression")]
    pub(crate) fn converter(&self) -> &DataConverter {
        &self.client.data_converter
    }

    fn with_safe_transport(mut self) -> Self {
        self.connection.connect_timeout = Some(CONNECT_TIMEOUT);
        if self.connection.tls_options.is_none() && self.connection.target.scheme() == "https" {
            self.connection.tls_options = Some(TlsOptions::default());
        }
        self
    }

    pub async fn connect(&self) -> Result<Client, ConnectError> {
        let connection = Connection::connect(self.connection.clone())
            .await
            .map_err(|error| self.unreachable(error))?;
        Client::new(connection, self.client.clone()).map_err(|error| ConnectError::Client(Box::new(error)))
    }

    /// A connection for a function that shows pages: without background tasks, which freeze with its sandbox, and with
    /// no more patience than a person has.
    pub async fn connect_for_pages(&self) -> Result<Client, ConnectError> {
        let mut settings = self.clone();
        settings.connection.keep_alive = None;
        settings.connection.dns_load_balancing = None;
        settings.connection.retry_options.max_retries = RETRIES_FOR_PAGES;
        settings.connection.retry_options.max_elapsed_time = Some(PATIENCE_FOR_PAGES);
        settings.connect().await
    }

    pub(crate) async fn connect_function(&self) -> Result<FunctionClient, ConnectError> {
        FunctionClient::connect(&self.connection, self.client.clone())
            .await
            .map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, source: ClientConnectError) -> ConnectError {
        ConnectError::Unreachable {
            address: self.address().to_owned(),
            source: Box::new(source),
        }
    }
}

/// How payloads are converted on their way to Temporal and back.
#[cfg(feature = "compression")]
fn converter(encryption: Option<Encryption>) -> DataConverter {
    DataConverter::new(
        PayloadConverter::default(),
        DefaultFailureConverter::default(),
        crate::compression::Compression { encryption },
    )
}

/// How payloads are converted on their way to Temporal.
#[cfg(not(feature = "compression"))]
fn converter(encryption: Option<Encryption>) -> DataConverter {
    match encryption {
        Some(encryption) => DataConverter::new(
            PayloadConverter::default(),
            DefaultFailureConverter::default(),
            encryption,
        ),
        None => DataConverter::default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A name without a dot, as containers in one network have. No public authority certifies such a name.
fn is_local_name(host: &str) -> bool {
    !host.contains(['.', ':'])
}

/// A bare `host:port` uses plaintext on loopback and for a local name, and TLS otherwise.
fn parse_address(address: &str) -> Result<Url, ConnectError> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let is_plain = is_loopback(host) || is_local_name(host);
    with_scheme(address, if is_plain { "http" } else { "https" })
}

fn with_scheme(address: &str, scheme: &str) -> Result<Url, ConnectError> {
    let refused = || ConnectError::Address {
        address: address.to_owned(),
    };
    let url = match Url::parse(address) {
        Ok(url) if url.host().is_some() => url,
        _ => Url::parse(&format!("{scheme}://{address}")).map_err(|_| refused())?,
    };
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(url),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_local_names_use_plaintext_and_others_tls() {
        for (address, scheme) in [
            ("localhost:7233", "http"),
            ("127.0.0.1:7233", "http"),
            ("[::1]:7233", "http"),
            ("temporal:7233", "http"),
            ("temporal.internal:7233", "https"),
            ("192.0.2.1:7233", "https"),
            ("[2001:db8::1]:7233", "https"),
            ("https://temporal:7233", "https"),
            ("acme.a1b2c.tmprl.cloud:7233", "https"),
            ("http://temporal.internal:7233", "http"),
        ] {
            assert_eq!(parse_address(address).unwrap().scheme(), scheme, "{address}");
        }
    }

    #[track_caller]
    fn target(variables: &[(&str, &str)]) -> String {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            // No configuration file of the machine that runs the tests.
            .chain([("TEMPORAL_CONFIG_FILE".to_owned(), "/dev/null".to_owned())])
            .collect();
        TemporalSettings::from_variables(&variables)
            .unwrap()
            .address()
            .to_owned()
    }

    #[test]
    fn the_variables_set_the_address_and_tls() {
        for (variables, wanted) in [
            (&[][..], "http://localhost:7233/"),
            (&[("TEMPORAL_URL", "127.0.0.1:7000")], "http://127.0.0.1:7000/"),
            (
                &[
                    ("TEMPORAL_ADDRESS", "localhost:1"),
                    ("TEMPORAL_URL", "localhost:2"),
                ],
                "http://localhost:1/",
            ),
            (&[("TEMPORAL_URL", "temporal:7233")], "http://temporal:7233/"),
            (&[("TEMPORAL_ADDRESS", "temporal:7233")], "http://temporal:7233/"),
            (
                &[("TEMPORAL_ADDRESS", "temporal:7233"), ("TEMPORAL_TLS", "true")],
                "https://temporal:7233/",
            ),
            (
                &[("TEMPORAL_ADDRESS", "temporal:7233"), ("TEMPORAL_API_KEY", "k")],
                "https://temporal:7233/",
            ),
            (
                &[
                    ("TEMPORAL_ADDRESS", "temporal:7233"),
                    ("TEMPORAL_TLS_SERVER_NAME", "temporal.internal"),
                ],
                "https://temporal:7233/",
            ),
            (
                &[
                    ("TEMPORAL_ADDRESS", "temporal:7233"),
                    ("TEMPORAL_TLS_CLIENT_CERT_DATA", "a certificate"),
                    ("TEMPORAL_TLS_CLIENT_KEY_DATA", "a key"),
                ],
                "https://temporal:7233/",
            ),
            (
                &[
                    ("TEMPORAL_ADDRESS", "temporal.internal:7233"),
                    ("TEMPORAL_TLS", "false"),
                ],
                "http://temporal.internal:7233/",
            ),
            (
                &[("TEMPORAL_ADDRESS", "localhost:7233"), ("TEMPORAL_API_KEY", "k")],
                "https://localhost:7233/",
            ),
        ] {
            assert_eq!(target(variables), wanted, "{variables:?}");
        }
    }

    #[test]
    fn an_invalid_address_is_reported() {
        for address in ["", "ftp://host:1", "host:port:more"] {
            let error = parse_address(address).unwrap_err();
            assert!(error.to_string().contains(&format!("`{address}`")), "{error}");
        }
    }
}
