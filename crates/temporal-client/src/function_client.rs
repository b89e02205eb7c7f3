//! A small Temporal client for functions, which can only record.
//!
//! The SDK's own client holds all of Temporal's services as trait objects, so every call is linked into the program. Even
//! the generated answer to a start can hold a whole history, with all that reads one. A function makes its two calls
//! itself, reads nothing but the run id, and is half as large.

use std::marker::PhantomData;

use prost::Message;
use temporalio_client::errors::ClientConnectError;
use temporalio_client::tonic::client::Grpc;
use temporalio_client::tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use temporalio_client::tonic::codegen::http::uri::PathAndQuery;
use temporalio_client::tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use temporalio_client::tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use temporalio_client::tonic::{Request, Status};
use temporalio_client::{ClientOptions, ConnectionOptions, NamespacedClient, TlsOptions};
use temporalio_common::data_converters::DataConverter;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
};

use crate::record::RecordingClient;

const START: &str = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution";
const SIGNAL_WITH_START: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/SignalWithStartWorkflowExecution";

/// Enough for nearly every message, so that it is written without growing.
const REQUEST_BYTES: usize = 4 * 1024;
/// A run id has 36.
const ANSWER_BYTES: usize = 256;
/// Only streams of several messages yield.
const YIELD_BYTES: usize = 32 * 1024;

/// A connection without background tasks, which freeze with the function's sandbox, and without retries, which would
/// take longer than its caller waits.
pub(crate) struct FunctionClient {
    channel: Channel,
    /// The metadata of every call. Each name is there once.
    headers: MetadataMap,
    identity: String,
    options: ClientOptions,
}

impl FunctionClient {
    pub(crate) async fn connect(
        connection: &ConnectionOptions,
        options: ClientOptions,
    ) -> Result<Self, ClientConnectError> {
        let mut headers = headers(connection)?;
        // Temporal Cloud routes by it. The SDK's own client sends it too.
        let namespace = options.namespace.parse().map_err(|_| {
            ClientConnectError::InvalidConfig("the name of the namespace cannot be sent".to_owned())
        })?;
        headers.insert("temporal-namespace", namespace);
        let mut endpoint = Endpoint::from_shared(connection.target.to_string())?;
        if let Some(limit) = connection.connect_timeout {
            endpoint = endpoint.connect_timeout(limit);
        }
        if let Some(tls) = &connection.tls_options {
            endpoint = with_tls(endpoint, tls)?;
        }
        Ok(Self {
            channel: endpoint.connect().await?,
            headers,
            identity: connection.identity.clone(),
            options,
        })
    }

    /// Calls a method whose answer has a run id.
    async fn call<T: Message + 'static>(
        &self,
        method: &'static str,
        mut request: Request<T>,
    ) -> Result<String, Status> {
        let metadata = request.metadata_mut().as_mut();
        for (name, value) in self.headers.as_ref() {
            metadata.insert(name.clone(), value.clone());
        }
        let mut service = Grpc::new(self.channel.clone());
        service
            .ready()
            .await
            .map_err(|error| Status::unknown(format!("Service was not ready: {error}")))?;
        let codec = RunIdCodec(PhantomData);
        let answer = service
            .unary(request, PathAndQuery::from_static(method), codec)
            .await?;
        Ok(answer.into_inner().run_id)
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
    async fn start_workflow(
        &self,
        request: Request<StartWorkflowExecutionRequest>,
    ) -> Result<String, Status> {
        self.call(START, request).await
    }

    async fn signal_with_start_workflow(
        &self,
        request: Request<SignalWithStartWorkflowExecutionRequest>,
    ) -> Result<String, Status> {
        self.call(SIGNAL_WITH_START, request).await
    }
}

/// What is read of the answer to a start, or to a signal with a start.
#[derive(Message)]
struct Started {
    #[prost(string, tag = "1")]
    run_id: String,
}

/// Writes a request, and reads the run id of its answer.
struct RunIdCodec<T>(PhantomData<T>);

impl<T: Message + 'static> Codec for RunIdCodec<T> {
    type Encode = T;
    type Decode = Started;
    type Encoder = Self;
    type Decoder = RunIdDecoder;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> RunIdDecoder {
        RunIdDecoder
    }
}

impl<T: Message> Encoder for RunIdCodec<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, request: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request
            .encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(REQUEST_BYTES, YIELD_BYTES)
    }
}

struct RunIdDecoder;

impl Decoder for RunIdDecoder {
    type Item = Started;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Started>, Status> {
        Started::decode(buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(ANSWER_BYTES, YIELD_BYTES)
    }
}

fn headers(connection: &ConnectionOptions) -> Result<MetadataMap, ClientConnectError> {
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
    Ok(headers)
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
