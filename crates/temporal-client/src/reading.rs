//! Payloads for people who look at them.

use temporalio_common::data_converters::{PayloadConversionError, SerializationContextData};
use temporalio_common::protos::temporal::api::common::v1::Payload;

use crate::TemporalSettings;
use crate::{codec, compression};

impl TemporalSettings {
    /// A payload as it was before it was compressed and encrypted. What is neither stays as it is, in the strict mode
    /// too: that mode protects workflows, and nothing acts on what a person reads.
    pub async fn decoded(&self, payload: Payload) -> Result<Payload, PayloadConversionError> {
        let encoding = payload.metadata.get("encoding").map(Vec::as_slice);
        if !matches!(encoding, Some(codec::ENCRYPTED | compression::COMPRESSED)) {
            return Ok(payload);
        }
        let codec = self.converter().codec();
        let decoded = codec.decode(&SerializationContextData::None, vec![payload]);
        Ok(decoded.await?.pop().unwrap_or_default())
    }
}
