//! What programs read: every result is a document with a kind and a version, described by a JSON Schema.
//!
//! The rules: times are RFC 3339 in UTC with milliseconds, durations are numbers of seconds, counts are numbers. A field
//! is added at any time; one that is removed or changes its meaning raises the version.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The version of all documents.
pub(crate) const VERSION: u32 = 1;

/// Something that a command shows.
pub(crate) trait Shape: Serialize + JsonSchema {
    /// The kind of its document.
    const KIND: &'static str;
}

/// One thing, or a list of them, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Document<T> {
    kind: Cow<'static, str>,
    version: u32,
    #[serde(flatten)]
    body: T,
}

#[derive(Debug, Serialize)]
pub(crate) struct List<'a, T> {
    items: &'a [T],
}

impl<'a, T: Shape> Document<&'a T> {
    pub(crate) fn of(body: &'a T) -> Self {
        Self {
            kind: T::KIND.into(),
            version: VERSION,
            body,
        }
    }
}

impl<'a, T: Shape> Document<List<'a, T>> {
    pub(crate) fn list(items: &'a [T]) -> Self {
        Self {
            kind: format!("{}_list", T::KIND).into(),
            version: VERSION,
            body: List { items },
        }
    }
}

/// A moment, as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Time {
    pub(crate) fn from_ms(milliseconds: i64) -> Option<Self> {
        Timestamp::from_millisecond(milliseconds).ok().map(Self)
    }

    pub(crate) fn from_s(seconds: i64) -> Option<Self> {
        Timestamp::from_second(seconds).ok().map(Self)
    }

    pub(crate) fn now() -> Self {
        Self(Timestamp::now())
    }

    pub(crate) fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.duration_since(earlier.0).as_secs_f64().max(0.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        })
    }
}

/// A duration in seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct Seconds(pub(crate) f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_always_has_milliseconds() {
        for (ms, expected) in [
            (0, "\"1970-01-01T00:00:00.000Z\""),
            (1_745_600_100_250, "\"2025-04-25T16:55:00.250Z\""),
        ] {
            assert_eq!(serde_json::to_string(&Time::from_ms(ms)).unwrap(), expected);
        }
    }
}
