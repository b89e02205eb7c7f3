//! The setting for the location of an audit log.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The location of an audit log: `s3://bucket/prefix`, `file:///directory`, or the path of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Bucket {
        bucket: String,
        /// Without slashes around it; empty for the whole bucket.
        prefix: String,
    },
    Directory(PathBuf),
}

/// A text that is not the location of an audit log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a location of an audit log: write `s3://bucket/prefix`, or the path of a directory")]
pub struct LocationError(String);

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let refused = || LocationError(text.to_owned());
        let trimmed = text.trim();
        match trimmed.split_once("://") {
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                if bucket.is_empty() {
                    return Err(refused());
                }
                Ok(Self::Bucket {
                    bucket: bucket.to_owned(),
                    prefix: prefix.trim_matches('/').to_owned(),
                })
            }
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Directory(path.into())),
            Some(_) => Err(refused()),
            None if trimmed.is_empty() => Err(refused()),
            None => Ok(Self::Directory(trimmed.into())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_or_a_directory() {
        for (text, shown) in [
            ("s3://logs", "s3://logs"),
            ("s3://logs/", "s3://logs"),
            ("s3://logs/a/b/", "s3://logs/a/b"),
            ("file:///var/audit", "/var/audit"),
            (" audit/here ", "audit/here"),
        ] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            " ",
            "s3://",
            "s3:///x",
            "file://x",
            "https://logs",
            "S3://logs",
        ] {
            assert_eq!(wrong.parse::<Location>(), Err(LocationError(wrong.to_owned())));
        }
    }
}
