//! JSON errors with their position, the limits of a body, and the reading of its texts.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

/// The events that a request can name.
pub const KNOWN_EVENTS: &[&str] = &["triggered", "completed", "failed"];

/// The largest body that is read. Spacelift's bodies are a few KiB. A larger one costs memory in a Lambda function and
/// cannot be recorded, since Temporal refuses payloads over 2 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The deepest nesting of objects and arrays. Spacelift's bodies reach 7; the JSON parser gives up at 128.
pub const MAX_DEPTH: usize = 64;

/// The longest text of a body that is kept: a name, a branch, a login. Longer ones are not genuine, and would be
/// written into every record of the run.
pub const MAX_TEXT_BYTES: usize = 1024;

/// How many entries of a run's metadata are kept, from the first. Each call about the run can add one.
pub const MAX_METADATA_ENTRIES: usize = 64;

/// The longest reason. The parser quotes what it found, which can be most of the body.
const REASON_CHARS_MAX: usize = 300;

/// An authentic body that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason} (byte {byte})", if field.is_empty() { String::new() } else { format!("`{field}`: ") })]
pub struct UnreadableBody {
    /// The path of the field, such as `run.commit.hash`. Empty if the body as a whole is wrong.
    pub field: String,
    /// How many bytes had been read when the error was found.
    pub byte: usize,
    pub reason: String,
}

/// A body that is UTF-8 and not nested too deep.
pub(super) struct Text<'a> {
    json: &'a str,
    /// The bytes of the body before `json`: a byte order mark.
    skipped: usize,
}

pub(super) fn text(body: &[u8]) -> Result<Text<'_>, UnreadableBody> {
    let whole = |byte, reason: String| UnreadableBody {
        field: String::new(),
        byte,
        reason,
    };
    if body.len() > MAX_BODY_BYTES {
        return Err(whole(
            MAX_BODY_BYTES,
            format!(
                "{} bytes are more than the {MAX_BODY_BYTES} that are read",
                body.len()
            ),
        ));
    }
    let all = std::str::from_utf8(body).map_err(|e| whole(e.valid_up_to(), "it is not UTF-8".to_owned()))?;
    let json = all.strip_prefix('\u{feff}').unwrap_or(all);
    let skipped = all.len() - json.len();
    if let Some(byte) = first_byte_too_deep(json) {
        return Err(whole(
            skipped + byte,
            format!("it is nested more than {MAX_DEPTH} deep"),
        ));
    }
    Ok(Text { json, skipped })
}

fn first_byte_too_deep(json: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

impl<'a> Text<'a> {
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Result<T, UnreadableBody> {
        // Following the path of the fields costs more than all the rest, and only an error needs it.
        if let Ok(Object(value)) = serde_json::from_str(self.json) {
            return Ok(value);
        }
        let mut json = serde_json::Deserializer::from_str(self.json);
        let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|e| {
            let path = e.path().to_string();
            // `?` stands for a key that could not be read, and a single `.` for the body itself.
            self.unreadable(path.trim_end_matches(['?', '.']), e.inner())
        })?;
        json.end().map_err(|e| self.unreadable("", &e))?;
        Ok(value)
    }

    /// A well-formed field with an impossible value.
    pub(super) fn refuse(&self, field: &str, reason: String) -> UnreadableBody {
        UnreadableBody {
            field: field.to_owned(),
            byte: self.skipped + self.json.len(),
            reason,
        }
    }

    fn unreadable(&self, path: &str, error: &serde_json::Error) -> UnreadableBody {
        let position = format!(" at line {} column {}", error.line(), error.column());
        let message = error.to_string();
        let reason = message.strip_suffix(&position).unwrap_or(&message);
        let line_start: usize = self
            .json
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let field = field_of(path, reason);
        let reason = in_words_of_json(reason);
        // The parser says only what it expected.
        let is_not_json = field.is_empty() && matches!(error.classify(), Category::Syntax | Category::Eof);
        let before = if is_not_json { "it is not JSON: " } else { "" };
        UnreadableBody {
            field,
            byte: self.skipped + line_start + error.column(),
            reason: before
                .chars()
                .chain(reason.chars())
                .take(REASON_CHARS_MAX)
                .collect(),
        }
    }
}

/// The parser names the types of this program; the sender knows those of JSON.
fn in_words_of_json(reason: &str) -> String {
    const FOUND: [(&str, &str); 5] = [
        ("invalid type: map", "invalid type: object"),
        ("invalid type: sequence", "invalid type: array"),
        ("invalid type: floating point", "invalid type: number"),
        ("invalid type: integer", "invalid type: number"),
        ("invalid value: integer", "invalid value: number"),
    ];
    const EXPECTED: [(&str, &str); 3] = [
        ("expected i64", "expected a whole number"),
        ("expected u64", "expected a whole number that is not negative"),
        ("expected a sequence", "expected an array"),
    ];
    let found = FOUND
        .iter()
        .find_map(|(word, plain)| Some(format!("{plain}{}", reason.strip_prefix(word)?)));
    let reason = found.unwrap_or_else(|| reason.to_owned());
    let expected = EXPECTED
        .iter()
        .find_map(|(word, plain)| Some(format!("{}{plain}", reason.strip_suffix(word)?)));
    expected.unwrap_or(reason)
}

/// The parser names the object in which a field is missing or duplicated; people look for the field.
fn field_of(path: &str, reason: &str) -> String {
    let inner = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|words| reason.strip_prefix(words)?.strip_suffix('`'));
    match inner {
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    }
}

/// The keys that decide the kind of a body.
#[derive(Deserialize)]
pub(super) struct Keys {
    pub(super) run_updated: Option<IgnoredAny>,
    pub(super) module_version: Option<IgnoredAny>,
    pub(super) module: Option<IgnoredAny>,
    pub(super) internal_error: Option<IgnoredAny>,
    pub(super) severity: Option<IgnoredAny>,
    pub(super) title: Option<IgnoredAny>,
    pub(super) action: Option<IgnoredAny>,
    event: Option<Value>,
    stack_id: Option<IgnoredAny>,
    pub(super) run: Option<IgnoredAny>,
    pub(super) stack: Option<IgnoredAny>,
}

impl Keys {
    /// A request has two keys. The event's name alone is enough only if it is one of ours.
    pub(super) fn asks_for_a_run(&self) -> bool {
        match &self.event {
            Some(Value::String(name)) => self.stack_id.is_some() || KNOWN_EVENTS.contains(&name.as_str()),
            _ => false,
        }
    }
}

/// A JSON object. A derived `Deserialize` alone would also accept an array, by position.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOnly<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOnly<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectOnly(PhantomData))
    }
}

/// A text of at most [`MAX_TEXT_BYTES`].
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ShortText(pub(super) String);

impl TryFrom<String> for ShortText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!(
                "{} bytes are more than the {MAX_TEXT_BYTES} that a text may have",
                text.len()
            ));
        }
        Ok(Self(text))
    }
}

impl ShortText {
    /// Spacelift sends some missing texts as empty ones.
    pub(super) fn filled(text: Option<Self>) -> Option<String> {
        text.map(|text| text.0).filter(|text| !text.is_empty())
    }
}
