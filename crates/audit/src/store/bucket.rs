//! A log in an S3 bucket. Objects are put on the condition that none of that name exists.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use chain::error_text::with_causes;

use super::{History, Object, StoreError};

/// S3's error code if an object of that name exists.
const PRECONDITION_FAILED: &str = "PreconditionFailed";

/// An error of S3 or of the connection to it.
#[derive(Debug, thiserror::Error)]
pub enum BucketFailure {
    #[error("S3 refuses it with {code}: {message}")]
    Refused { code: String, message: String },
    #[error("S3 was not reached, or not understood: {detail}")]
    Unreachable { detail: String },
}

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    client: Client,
    name: String,
    /// Empty, or ends with a slash.
    prefix: String,
}

impl Bucket {
    pub(super) fn new(name: &str, prefix: &str, aws: &SdkConfig) -> Self {
        let config = aws_sdk_s3::config::Builder::from(aws)
            // A local AWS replacement has no host name for each bucket.
            .force_path_style(aws.endpoint_url().is_some())
            .build();
        let prefix = match prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Self {
            client: Client::from_conf(config),
            name: name.to_owned(),
            prefix,
        }
    }

    /// Puts an object. Returns `false` if one of that name exists.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(self.full(key))
            .if_none_match("*")
            .content_type("application/x-ndjson")
            .body(ByteStream::from(bytes));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(PRECONDITION_FAILED) => Ok(false),
            Err(error) => Err(self.failure(key, &error)),
        }
    }

    pub(super) async fn read(&self, key: &str, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        let get = self.client.get_object().bucket(&self.name).key(self.full(key));
        let object = get.send().await.map_err(|error| self.failure(key, &error))?;
        let size = object.content_length().and_then(|size| u64::try_from(size).ok());
        if size.is_none_or(|size| size > bytes_max) {
            return Err(StoreError::TooLarge {
                key: key.to_owned(),
                bytes_max,
            });
        }
        match object.body.collect().await {
            Ok(body) => Ok(body.to_vec()),
            Err(error) => Err(StoreError::Bucket {
                what: self.shown(key),
                source: BucketFailure::Unreachable {
                    detail: with_causes(&error),
                },
            }),
        }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let list = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(self.full(prefix));
        let mut pages = list.into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failure(prefix, &error))?;
            for object in page.contents() {
                let Some(key) = object.key().and_then(|key| key.strip_prefix(&self.prefix)) else {
                    continue;
                };
                // The "directories" that consoles create are empty objects.
                if key.ends_with('/') {
                    continue;
                }
                let modified = object.last_modified().and_then(|time| time.to_millis().ok());
                objects.push(Object {
                    key: key.to_owned(),
                    modified_ms: modified.unwrap_or_default(),
                });
            }
        }
        Ok(objects)
    }

    /// The objects that were deleted or replaced: those with a delete marker, or with more than one version.
    pub(super) async fn histories(&self) -> Result<Vec<History>, StoreError> {
        let mut histories: BTreeMap<String, History> = BTreeMap::new();
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let list = self.client.list_object_versions().bucket(&self.name);
            let list = list
                .prefix(&self.prefix)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker);
            let page = list.send().await.map_err(|error| self.failure("", &error))?;
            let versions = page.versions().iter().map(|version| (version.key(), 1, 0));
            let markers = page.delete_markers().iter().map(|marker| (marker.key(), 0, 1));
            for (key, version, marker) in versions.chain(markers) {
                let Some(key) = key.and_then(|key| key.strip_prefix(&self.prefix)) else {
                    continue;
                };
                let history = histories.entry(key.to_owned()).or_insert_with(|| History {
                    key: key.to_owned(),
                    versions: 0,
                    delete_markers: 0,
                });
                history.versions += version;
                history.delete_markers += marker;
            }
            if page.is_truncated() != Some(true) {
                break;
            }
            (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
        histories.retain(|_, history| history.versions > 1 || history.delete_markers > 0);
        Ok(histories.into_values().collect())
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn shown(&self, key: &str) -> String {
        format!("s3://{}/{}", self.name, self.full(key))
    }

    fn failure<E>(&self, key: &str, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let source = match error.code() {
            Some(code) => BucketFailure::Refused {
                code: code.to_owned(),
                message: error.message().unwrap_or("without a reason").to_owned(),
            },
            None => BucketFailure::Unreachable {
                detail: with_causes(error),
            },
        };
        StoreError::Bucket {
            what: self.shown(key),
            source,
        }
    }
}
