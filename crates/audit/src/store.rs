//! The storage of records: written once, listed, read back.

mod bucket;
mod directory;
mod location;

use aws_config::SdkConfig;
use uuid::Uuid;

use crate::Record;
use crate::key::{self, CHAINS, DELIVERIES, MANIFESTS};
use bucket::Bucket;
pub use bucket::BucketFailure;
use directory::Directory;
pub use location::{Location, LocationError};

/// A larger object was not written by us: a batch crosses Temporal in one payload.
const OBJECT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A bucket or a directory with an audit log. Clones share it.
#[derive(Debug, Clone)]
pub struct Store(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Bucket(Bucket),
    Directory(Directory),
}

/// Why a write or read failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error("`{key}` of the audit log is there already, and says something else")]
    Differs { key: String },
    #[error("these are not consecutive complete records of the chain `{chain}`")]
    NotOfChain { chain: String },
    #[error("`{key}` of the audit log is larger than {bytes_max} bytes")]
    TooLarge { key: String, bytes_max: u64 },
    #[error("audit log, `{path}`")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("audit log, `{what}`")]
    Bucket {
        what: String,
        #[source]
        source: BucketFailure,
    },
}

impl StoreError {
    /// Whether a retry is useless.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Location(_) | Self::Differs { .. } | Self::NotOfChain { .. } | Self::TooLarge { .. } => {
                true
            }
            Self::File { .. } | Self::Bucket { .. } => false,
        }
    }
}

/// One object of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Relative to the root of the log, with `/` between the parts.
    pub key: String,
    pub modified_ms: i64,
}

/// An object that somebody deleted or replaced. Writers never do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Relative to the root of the log.
    pub key: String,
    pub versions: u64,
    pub delete_markers: u64,
}

/// The objects of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChain {
    /// The chain's id, encoded.
    pub name: String,
    pub objects: Vec<Object>,
}

impl StoredChain {
    /// When the newest object was written.
    pub fn modified_ms(&self) -> i64 {
        let times = self.objects.iter().map(|object| object.modified_ms);
        times.max().unwrap_or_default()
    }
}

impl Store {
    /// The log at a location, for those who read it, which may take long. The environment configures AWS. Nothing is sent
    /// to S3 yet.
    pub async fn open(location: &Location) -> Self {
        match location {
            Location::Bucket { .. } => Self::at(location, &environment::aws::patient_config().await),
            Location::Directory(path) => Self::in_directory(path),
        }
    }

    /// The log that `SPILLWAY_AUDIT` names, if it is set: `s3://bucket/prefix`, `file:///directory` or `a/path`. For those
    /// who write it and cannot wait long.
    pub async fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, StoreError> {
        let Some(place) = lookup("SPILLWAY_AUDIT").filter(|place| !place.trim().is_empty()) else {
            return Ok(None);
        };
        let location: Location = place.parse()?;
        Ok(Some(match &location {
            Location::Bucket { .. } => Self::at(&location, environment::aws::config().await),
            Location::Directory(path) => Self::in_directory(path),
        }))
    }

    /// The log at a location, with a given AWS configuration.
    pub fn at(location: &Location, aws: &SdkConfig) -> Self {
        Self(match location {
            Location::Bucket { bucket, prefix } => Backend::Bucket(Bucket::new(bucket, prefix, aws)),
            Location::Directory(path) => Backend::Directory(Directory::new(path)),
        })
    }

    /// The log in a directory, which is created with the first record.
    pub fn in_directory(path: impl AsRef<std::path::Path>) -> Self {
        Self(Backend::Directory(Directory::new(path.as_ref())))
    }

    /// Writes consecutive records of a chain. Writing the same records again is allowed; different ones are refused.
    pub async fn put_chain(&self, chain: &str, records: &[Record]) -> Result<(), StoreError> {
        let Some(first) = first_of_consecutive(chain, records) else {
            return Err(StoreError::NotOfChain {
                chain: chain.to_owned(),
            });
        };
        let lines: String = records.iter().map(Record::line).collect();
        self.put(key::batch(chain, first), lines.into_bytes(), OBJECT_BYTES_MAX)
            .await
    }

    /// Writes an object once. Writing the same bytes again is allowed.
    pub(crate) async fn put(&self, key: String, bytes: Vec<u8>, bytes_max: u64) -> Result<(), StoreError> {
        let is_there_already = match &self.0 {
            Backend::Bucket(bucket) => !bucket.put(&key, bytes.clone()).await?,
            Backend::Directory(directory) => return directory.put(key, bytes).await,
        };
        // Usually we wrote it, and the answer was lost. An object that somebody else wrote there must not be taken for
        // ours.
        if is_there_already && self.read_at_most(&key, bytes_max).await? != bytes {
            return Err(StoreError::Differs { key });
        }
        Ok(())
    }

    /// Writes an unlinked record. Its name is random, so an object that exists already is the same one, and its writer
    /// needs no right to read.
    pub async fn put_delivery(&self, record: &Record) -> Result<(), StoreError> {
        let key = key::delivery(record.entry().at_ms, Uuid::new_v4());
        let line = record.line().into_bytes();
        match &self.0 {
            Backend::Bucket(bucket) => bucket.put(&key, line).await.map(|_| ()),
            Backend::Directory(directory) => directory.put(key, line).await,
        }
    }

    /// Every object that somebody deleted or replaced, if the store keeps versions. A directory keeps none.
    pub async fn histories(&self) -> Result<Vec<History>, StoreError> {
        match &self.0 {
            Backend::Bucket(bucket) => bucket.histories().await,
            Backend::Directory(_) => Ok(Vec::new()),
        }
    }

    /// Every chain, by name, with its objects in order.
    pub async fn chains(&self) -> Result<Vec<StoredChain>, StoreError> {
        let mut objects = self.list(CHAINS).await?;
        // The numbers have eight digits or more.
        objects.sort_by_cached_key(|object| (name_in(&object.key), key::first_of_batch(&object.key)));
        let same_chain = |a: &Object, b: &Object| name_in(&a.key) == name_in(&b.key);
        let chains = objects.chunk_by(same_chain).map(|objects| StoredChain {
            name: objects
                .first()
                .map(|object| name_in(&object.key))
                .unwrap_or_default(),
            objects: objects.to_vec(),
        });
        Ok(chains.collect())
    }

    /// The objects of one chain; none if the chain is unknown.
    pub async fn chain(&self, chain: &str) -> Result<StoredChain, StoreError> {
        let name = key::chain_name(chain);
        let mut objects = self.list(&format!("{CHAINS}{name}/")).await?;
        objects.sort_by_cached_key(|object| key::first_of_batch(&object.key));
        Ok(StoredChain { name, objects })
    }

    /// Every unlinked record, by time.
    pub async fn deliveries(&self) -> Result<Vec<Object>, StoreError> {
        self.list(DELIVERIES).await
    }

    /// Every manifest, by time.
    pub(crate) async fn manifests(&self) -> Result<Vec<Object>, StoreError> {
        self.list(MANIFESTS).await
    }

    /// The content of an object with records.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.read_at_most(key, OBJECT_BYTES_MAX).await
    }

    pub(crate) async fn read_at_most(&self, key: &str, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        match &self.0 {
            Backend::Bucket(bucket) => bucket.read(key, bytes_max).await,
            Backend::Directory(directory) => directory.read(key, bytes_max).await,
        }
    }

    /// Ordered by key.
    async fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        match &self.0 {
            Backend::Bucket(bucket) => bucket.list(prefix).await,
            Backend::Directory(directory) => directory.list(prefix).await,
        }
    }
}

/// The name of the chain that an object belongs to.
fn name_in(key: &str) -> String {
    let below = key.strip_prefix(CHAINS).unwrap_or(key);
    below.split('/').next().unwrap_or_default().to_owned()
}

/// The number of the first record, if all are intact, belong to the chain and are consecutive.
fn first_of_consecutive(chain: &str, records: &[Record]) -> Option<u64> {
    let is_of_chain = |record: &Record| record.entry().chain.as_deref() == Some(chain) && record.is_whole();
    let follow = |pair: &[Record]| {
        let [before, after] = pair else { return false };
        let (Some(before_link), Some(link)) = (before.link(), after.link()) else {
            return false;
        };
        link.sequence == before_link.sequence + 1 && link.previous == Some(before.hash())
    };
    let first = records.first()?.link()?.sequence;
    (!chain.is_empty() && records.iter().all(is_of_chain) && records.windows(2).all(follow)).then_some(first)
}
