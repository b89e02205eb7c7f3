//! The keys of the log's objects.

use std::fmt::Write;

use jiff::Timestamp;
use uuid::Uuid;

use crate::Hash;

/// The prefix of all objects of chains.
pub(crate) const CHAINS: &str = "chains/";
/// The prefix of all unlinked records.
pub(crate) const DELIVERIES: &str = "deliveries/";
/// The prefix of all manifests.
pub(crate) const MANIFESTS: &str = "manifests/";

/// File systems allow 255 bytes.
const NAME_BYTES_MAX: usize = 200;
const DIGEST_DIGITS: usize = 16;

/// The name of a chain in keys. It is valid in file systems too.
pub(crate) fn chain_name(chain: &str) -> String {
    let mut name = String::with_capacity(chain.len());
    for (at, byte) in chain.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && at > 0);
        if is_plain {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let mut end = NAME_BYTES_MAX;
    if let Some(escape) = name[end - 2..end].find('%') {
        end = end - 2 + escape;
    }
    let digest = Hash::of(chain.as_bytes()).to_string();
    // A name that was not cut contains no `~`.
    format!("{}~{}", &name[..end], &digest[..DIGEST_DIGITS])
}

/// The key of a chain's records that begin with number `first`.
pub(crate) fn batch(chain: &str, first: u64) -> String {
    format!("{CHAINS}{}/{}", chain_name(chain), batch_file(first))
}

fn batch_file(first: u64) -> String {
    format!("{first:08}.jsonl")
}

/// The number of the first record in a chain's object, if the key has the right form.
pub(crate) fn first_of_batch(key: &str) -> Option<u64> {
    let file = key.rsplit('/').next()?;
    let first = file.strip_suffix(".jsonl")?.parse().ok()?;
    (batch_file(first) == file).then_some(first)
}

/// The key of an unlinked record.
pub(crate) fn delivery(at_ms: i64, id: Uuid) -> String {
    format!("{}{id}.json", delivery_prefix(at_ms))
}

/// Whether the key has the form of an unlinked record of this time.
pub(crate) fn is_delivery_at(key: &str, at_ms: i64) -> bool {
    let id = key
        .strip_prefix(&delivery_prefix(at_ms))
        .and_then(|rest| rest.strip_suffix(".json"));
    id.is_some_and(|id| id.parse::<Uuid>().is_ok())
}

fn delivery_prefix(at_ms: i64) -> String {
    format!("{DELIVERIES}{}/{at_ms}-", day(at_ms))
}

/// The key of a manifest. In the order of keys, the newest is the last.
pub(crate) fn manifest(made_at_ms: i64) -> String {
    format!("{MANIFESTS}{}/{made_at_ms}.json", day(made_at_ms))
}

/// When a manifest was made, if the key has the right form.
pub(crate) fn time_of_manifest(key: &str) -> Option<i64> {
    let file = key.rsplit('/').next()?;
    let made_at_ms = file.strip_suffix(".json")?.parse().ok()?;
    (manifest(made_at_ms) == key).then_some(made_at_ms)
}

fn day(at_ms: i64) -> String {
    // No clock shows a time that is not a date.
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.strftime("%Y/%m/%d").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn chain_names_are_valid_on_every_file_system() {
        for (chain, name) in [
            ("chain:acme:01J-x_y.z", "chain%3Aacme%3A01J-x_y.z"),
            ("../é", "%2E.%2F%C3%A9"),
            (".", "%2E"),
            ("a~b%", "a%7Eb%25"),
        ] {
            assert_eq!(chain_name(chain), name);
        }
        for filler in ["a", "é", ":"] {
            for len in 60..=210 {
                let name = chain_name(&filler.repeat(len));
                assert!(name.len() <= NAME_BYTES_MAX + 1 + DIGEST_DIGITS, "{name}");
                let digits = name.trim_end_matches(|c: char| c.is_ascii_hexdigit()).len();
                assert!(name.contains('~') || name.len() - digits != 1, "{name}");
            }
        }
    }

    #[test]
    fn different_chains_have_different_names() {
        let long = "x".repeat(NAME_BYTES_MAX);
        let chains = [
            "a:b",
            "a%3Ab",
            "a%3ab",
            &long,
            &format!("{long}y"),
            &format!("{long}z"),
        ];
        let names: BTreeSet<_> = chains.iter().map(|chain| chain_name(chain)).collect();
        assert_eq!(names.len(), chains.len());
    }

    #[test]
    fn objects_are_named_after_their_first_record_or_time() {
        assert_eq!(batch("a:b", 7), "chains/a%3Ab/00000007.jsonl");
        assert_eq!(first_of_batch("chains/a%3Ab/00000007.jsonl"), Some(7));
        assert_eq!(first_of_batch("chains/a/123456789.jsonl"), Some(123_456_789));
        for stranger in [
            "7.jsonl",
            "+0000007.jsonl",
            "00000007.json",
            "00000007.jsonl~",
            "",
        ] {
            assert_eq!(first_of_batch(stranger), None, "{stranger}");
        }
        let key = delivery(1_745_600_100_383, Uuid::nil());
        assert_eq!(
            key,
            "deliveries/2025/04/25/1745600100383-00000000-0000-0000-0000-000000000000.json"
        );
        assert!(is_delivery_at(&key, 1_745_600_100_383));
        assert!(!is_delivery_at(&key, 1_745_600_100_384));
        assert!(!is_delivery_at(&key.replace("/25/", "/26/"), 1_745_600_100_383));
        let key = manifest(1_745_600_100_383);
        assert_eq!(key, "manifests/2025/04/25/1745600100383.json");
        assert_eq!(time_of_manifest(&key), Some(1_745_600_100_383));
        for stranger in [
            key.replace("/25/", "/26/"),
            key.replace(".json", ""),
            key.replace("/17", "/+17"),
        ] {
            assert_eq!(time_of_manifest(&stranger), None, "{stranger}");
        }
    }
}
