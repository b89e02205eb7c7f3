//! Compression of the data in Temporal: plans and saved states are large and repetitive. It comes before encryption,
//! since encrypted data cannot be compressed.
//!
//! Small payloads stay as they are, so that Temporal's UI shows them. Functions send only small ones, and do not link
//! this.

use futures::future::BoxFuture;
use futures::{FutureExt, future};
use prost::Message;
use temporalio_common::data_converters::{PayloadCodec, PayloadConversionError, SerializationContextData};
use temporalio_common::protos::temporal::api::common::v1::Payload;

use crate::codec::Encryption;

/// Smaller payloads are not compressed.
const BYTES_MIN: usize = 4096;
/// The most that a payload may decompress to: a hostile one could fill the memory.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
const LEVEL: i32 = 3;

const ENCODING: &str = "encoding";
pub(crate) const COMPRESSED: &[u8] = b"binary/zstd";

#[derive(Debug, thiserror::Error)]
enum CompressionError {
    #[error("it cannot be compressed")]
    Compress(#[source] std::io::Error),
    #[error("it is compressed, and was changed since")]
    Decompress(#[source] std::io::Error),
    #[error("it is compressed, and its content is not a payload")]
    Content(#[from] prost::DecodeError),
}

/// Compresses, then encrypts if a key is set.
#[derive(Clone)]
pub(crate) struct Compression {
    pub(crate) encryption: Option<Encryption>,
}

fn compress(payload: Payload) -> Result<Payload, CompressionError> {
    if payload.data.len() < BYTES_MIN {
        return Ok(payload);
    }
    let data =
        zstd::encode_all(payload.encode_to_vec().as_slice(), LEVEL).map_err(CompressionError::Compress)?;
    Ok(Payload {
        metadata: [(ENCODING.to_owned(), COMPRESSED.to_vec())].into(),
        data,
        ..Payload::default()
    })
}

fn decompress(payload: Payload) -> Result<Payload, CompressionError> {
    let is_compressed = payload
        .metadata
        .get(ENCODING)
        .is_some_and(|encoding| encoding == COMPRESSED);
    if !is_compressed {
        return Ok(payload);
    }
    let decoder = zstd::Decoder::new(payload.data.as_slice()).map_err(CompressionError::Decompress)?;
    let mut data = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(decoder, BYTES_MAX), &mut data)
        .map_err(CompressionError::Decompress)?;
    Ok(Payload::decode(data.as_slice())?)
}

impl PayloadCodec for Compression {
    fn encode(
        &self,
        context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let compressed: Result<Vec<Payload>, _> = payloads.into_iter().map(compress).collect();
        match (compressed, &self.encryption) {
            (Ok(payloads), Some(encryption)) => encryption.encode(context, payloads),
            (Ok(payloads), None) => future::ready(Ok(payloads)).boxed(),
            (Err(error), _) => failed(error),
        }
    }

    fn decode(
        &self,
        context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let decrypted = match &self.encryption {
            Some(encryption) => encryption.decode(context, payloads),
            None => future::ready(Ok(payloads)).boxed(),
        };
        async move {
            let decompressed: Result<Vec<Payload>, _> =
                decrypted.await?.into_iter().map(decompress).collect();
            decompressed.map_err(|error| PayloadConversionError::EncodingError(Box::new(error)))
        }
        .boxed()
    }
}

fn failed(error: CompressionError) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
    future::ready(Err(PayloadConversionError::EncodingError(Box::new(error)))).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(data: Vec<u8>) -> Payload {
        Payload {
            metadata: [(ENCODING.to_owned(), b"json/plain".to_vec())].into(),
            data,
            ..Payload::default()
        }
    }

    #[test]
    fn large_payloads_are_compressed_and_restored() {
        let large = payload(b"network ".repeat(10_000));
        let compressed = compress(large.clone()).unwrap();
        assert!(compressed.data.len() * 100 < large.data.len());
        assert_eq!(decompress(compressed).unwrap(), large);
    }

    #[test]
    fn small_or_plain_payloads_stay_unchanged() {
        let small = payload(b"network".to_vec());
        assert_eq!(compress(small.clone()).unwrap(), small);
        assert_eq!(decompress(small.clone()).unwrap(), small);
    }

    #[test]
    fn a_changed_payload_is_an_error() {
        let mut changed = compress(payload(b"network ".repeat(10_000))).unwrap();
        let middle = changed.data.len() / 2;
        changed.data.truncate(middle);
        assert!(decompress(changed).is_err());
    }
}
