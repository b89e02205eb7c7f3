//! A log in a directory. A file appears complete, under its name, or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Object, StoreError};

/// Nobody changes a record, and the group may read it.
const MODE: u32 = 0o440;
/// Prefix of files that are being written, or were when the machine crashed.
const HIDDEN: char = '.';

#[derive(Debug, Clone)]
pub(super) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(super) async fn put(&self, key: String, bytes: Vec<u8>) -> Result<(), StoreError> {
        let root = self.root.clone();
        blocking(move || put(&root, &key, &bytes)).await
    }

    pub(super) async fn read(&self, key: &str, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        let (path, key) = (self.root.join(key), key.to_owned());
        blocking(move || {
            let size = fs::metadata(&path).map_err(|source| at(&path, source))?.len();
            if size > bytes_max {
                return Err(StoreError::TooLarge { key, bytes_max });
            }
            fs::read(&path).map_err(|source| at(&path, source))
        })
        .await
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let (root, prefix) = (self.root.clone(), prefix.trim_end_matches('/').to_owned());
        blocking(move || {
            // A wrong path must not look like a log without records.
            fs::read_dir(&root).map_err(|source| at(&root, source))?;
            let mut objects = Vec::new();
            walk(&root, &prefix, &mut objects)?;
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(objects)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

fn put(root: &Path, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = root.join(key);
    let directory = path.parent().unwrap_or(root);
    make(directory).map_err(|source| at(directory, source))?;
    match write_new(directory, &path, bytes) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let there = fs::read(&path).map_err(|source| at(&path, source))?;
            if there == bytes {
                Ok(())
            } else {
                Err(StoreError::Differs { key: key.to_owned() })
            }
        }
        Err(error) => Err(at(&path, error)),
    }
}

fn write_new(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(HIDDEN.to_string().as_str())
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(MODE))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    // Syncing the directory persists the file's name.
    File::open(directory)?.sync_all()
}

/// Makes a directory and its parents, and syncs them so that none is lost in a crash.
fn make(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    let above = match directory.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make(above)?;
    match fs::create_dir(directory) {
        // Another process made it in the meantime.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other?,
    }
    File::open(above)?.sync_all()
}

/// Adds every file below the directory `key`.
fn walk(root: &Path, key: &str, objects: &mut Vec<Object>) -> Result<(), StoreError> {
    let path = root.join(key);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at(&path, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|source| at(&path, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(HIDDEN) {
            continue;
        }
        let key = format!("{key}/{name}");
        let metadata = entry.metadata().map_err(|source| at(&entry.path(), source))?;
        if metadata.is_dir() {
            walk(root, &key, objects)?;
        } else {
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified_ms = modified.and_then(|time| i64::try_from(time.as_millis()).ok());
            objects.push(Object {
                key,
                modified_ms: modified_ms.unwrap_or_default(),
            });
        }
    }
    Ok(())
}

fn at(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        source,
    }
}
