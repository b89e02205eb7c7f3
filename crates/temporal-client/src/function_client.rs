//! A small Temporal client for functions, which can only record.
//!
//! The SDK's own client holds all of Temporal's services as trait objects, so every call is linked into the program. A
//! function makes its two calls through the generated service of the SDK, and is half as large.

use temporalio_client::errors::ClientConnectError;
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use temporalio_client::tonic::service::Interceptor;
use temporalio_client::tonic::service::interceptor::InterceptedService;
use temporalio_client::tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use temporalio_client::tonic::{Request, Status};
use temporalio_client::{ClientOptions, ConnectionOptions, NamespacedClient, TlsOptions};
use temporalio_common::data_converters::DataConverter;
use temporalio_common::protos::temporal::api::workflowservice::v1::workflow_service_client::WorkflowServiceClient;

use crate::record::RecordingClient;

/// A connection without background tasks, which freeze with the function's sandbox, and without retries, which would
/// take longer than its caller waits.
#[derive(Clone)]
pub(crate) struct FunctionClient {
    service: WorkflowServiceClient<InterceptedService<Channel, Headers>>,
    identity: String,
    options: ClientOptions,
}

impl FunctionClient {
    pub(crate) async fn connect(
        connection: &ConnectionOptions,
        options: ClientOptions,
    ) -> Result<Self, ClientConnectError> {
        let headers = Headers::of(connection)?;
        let mut endpoint = Endpoint::from_shared(connection.target.to_string())?;
        if let Some(limit) = connection.connect_timeout {
            endpoint = endpoint.connect_timeout(limit);
        }
        if let Some(tls) = &connection.tls_options {
            endpoint = with_tls(endpoint, tls)?;
        }
        let channel = endpoint.connect().await?;
        Ok(Self {
            service: WorkflowServiceClient::with_interceptor(channel, headers),
            identity: connection.identity.clone(),
            options,
        })
    }
}

impl NamespacedClient for FunctionClient {
    fn namespace(&self) -> String {
        self.options.namespace.clone()
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn data_converter(&self) -> &DataConverter {
        &self.options.data_converter
    }
}

impl RecordingClient for FunctionClient {
    fn service(&self) -> impl WorkflowService {
        self.service.clone()
    }
}

/// The metadata of every call.
#[derive(Clone)]
struct Headers(MetadataMap);

impl Headers {
    fn of(connection: &ConnectionOptions) -> Result<Self, ClientConnectError> {
        // Neither the name nor the error may show a bad value: it may be a key.
        let unusable =
            |name: &str| ClientConnectError::InvalidConfig(format!("the header `{name}` cannot be sent"));
        let mut headers = MetadataMap::new();
        let authorization = connection.api_key.as_ref().map(|key| format!("Bearer {key}"));
        let named = authorization.iter().map(|value| ("authorization", value)).chain(
            connection
                .headers
                .iter()
                .flatten()
                .map(|(name, value)| (name.as_str(), value)),
        );
        for (name, value) in named {
            let key: AsciiMetadataKey = name.parse().map_err(|_| unusable(name))?;
            let value: AsciiMetadataValue = value.parse().map_err(|_| unusable(name))?;
            headers.insert(key, value);
        }
        Ok(Self(headers))
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .as_mut()
            .extend(self.0.clone().into_headers());
        Ok(request)
    }
}

fn with_tls(mut endpoint: Endpoint, options: &TlsOptions) -> Result<Endpoint, ClientConnectError> {
    let mut tls = match &options.server_root_ca_cert {
        Some(root) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let Some(domain) = &options.domain {
        endpoint = endpoint.origin(format!("https://{domain}").parse()?);
        tls = tls.domain_name(domain);
    }
    if let Some(client) = &options.client_tls_options {
        tls = tls.identity(Identity::from_pem(
            &client.client_cert,
            &client.client_private_key,
        ));
    }
    endpoint.tls_config(tls).map_err(ClientConnectError::from)
}
