//! Valid events with missing or wrong signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chain::signature::sign;

use super::case::{Case, SIGNATURE, delivery, event, event_with, now_s, proposed};
use crate::{OTHER_SECRET, SECRET, secret};

/// [`REQUEST`], compressed with gzip.
pub(super) const GZIPPED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x2d\x4b\xcd\x2b\x51\xb2\x52\x2a\x29\xca\x4c\x4f\x4f\
    \x2d\x4a\x4d\x51\xd2\x51\x2a\x2e\x49\x4c\xce\x8e\xcf\x4c\x01\x0a\xe7\xa5\x96\x94\xe7\x17\x65\x2b\xd5\x02\
    \x00\xe7\x4d\x5e\x3f\x2a\x00\x00\x00";
pub(super) const REQUEST: &str = r#"{"event":"triggered","stack_id":"network"}"#;

pub(super) fn cases() -> Vec<Case> {
    let right = sign(event().as_bytes(), &secret(SECRET));
    let wrong = sign(event().as_bytes(), &secret(OTHER_SECRET));
    vec![
        delivery("no signature", event()).without(SIGNATURE).refused(),
        delivery("an empty signature", event()).signature("").refused(),
        delivery("SHA-1 only", event())
            .without(SIGNATURE)
            .and("x-signature", "sha1=0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb")
            .refused(),
        delivery("SHA-1 where SHA-256 belongs", event())
            .signature("sha1=0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb")
            .refused(),
        delivery("another algorithm by name", event())
            .signature_as(|right| right.replace("sha256", "sha512"))
            .refused(),
        delivery("the prefix in upper case", event())
            .signature_as(|right| right.replace("sha256", "SHA256"))
            .refused(),
        delivery("no prefix", event())
            .signature_as(|right| right.replace("sha256=", ""))
            .refused(),
        delivery("nothing but the prefix", event())
            .signature("sha256=")
            .refused(),
        delivery("the prefix twice", event())
            .signature_as(|right| format!("sha256={right}"))
            .refused(),
        delivery("a digit too few", event())
            .signature_as(|right| right[..right.len() - 1].to_owned())
            .refused(),
        delivery("a digit too many", event())
            .signature_as(|right| format!("{right}0"))
            .refused(),
        delivery("a byte too many", event())
            .signature_as(|right| format!("{right}00"))
            .refused(),
        delivery("digits in upper case", event())
            .signature_as(|right| right.to_uppercase().replace("SHA", "sha"))
            .refused(),
        delivery("Base64 digits", event())
            .signature("sha256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
            .refused(),
        delivery("all zeros", event())
            .signature(format!("sha256={}", "0".repeat(64)))
            .refused(),
        delivery("a space before", event())
            .signature_as(|right| format!(" {right}"))
            .refused(),
        delivery("a space after", event())
            .signature_as(|right| format!("{right} "))
            .refused(),
        delivery("a tab inside", event())
            .signature_as(|right| right.replace('=', "=\t"))
            .refused(),
        delivery("in quotes", event())
            .signature_as(|right| format!("\"{right}\""))
            .refused(),
        delivery("bytes that are no text", event())
            .signature(b"sha256=\xff\xfe".as_slice())
            .refused(),
        delivery("two values with a comma, both right", event())
            .signature_as(|right| format!("{right}, {right}"))
            .refused(),
        delivery("two headers, both right", event())
            .and(SIGNATURE, right.as_bytes())
            .refused(),
        delivery("two headers, the first one right", event())
            .and(SIGNATURE, wrong.as_bytes())
            .refused(),
        delivery("two headers, the second one right", event())
            .signature(wrong.as_bytes())
            .and(SIGNATURE, right.as_bytes())
            .refused(),
        delivery("the header of another service", event())
            .without(SIGNATURE)
            .and("x-hub-signature-256", right.as_bytes())
            .refused(),
        delivery("another secret", event())
            .signature(wrong.as_bytes())
            .refused(),
        delivery("the header's name in upper case", proposed())
            .without(SIGNATURE)
            .and("X-SIGNATURE-256", sign(proposed().as_bytes(), &secret(SECRET)))
            .read(),
    ]
    .into_iter()
    .chain(other_bytes())
    .collect()
}

/// A correct signature of other bytes.
fn other_bytes() -> Vec<Case> {
    let marked = format!("\u{feff}{}", event());
    vec![
        delivery("another account", event_with("acme", "acmf"))
            .signed_over(event())
            .refused(),
        delivery("another stack", event_with("network", "secrets"))
            .signed_over(event())
            .refused(),
        delivery("a later time", event_with(&now_s().to_string(), "1999999999"))
            .signed_over(event())
            .refused(),
        delivery("a space more", event() + " ")
            .signed_over(event())
            .refused(),
        delivery("a newline more", event() + "\n")
            .signed_over(event())
            .refused(),
        delivery("a space inside", event_with(":", ": "))
            .signed_over(event())
            .refused(),
        delivery("a byte less", &event().as_bytes()[..event().len() - 1])
            .signed_over(event())
            .refused(),
        delivery("nothing", "").signed_over(event()).refused(),
        delivery("signed over nothing", event()).signed_over("").refused(),
        delivery(
            "an escape for a character",
            event_with("Network", "Netw\\u006frk"),
        )
        .signed_over(event())
        .refused(),
        delivery("a byte order mark more", marked.as_str())
            .signed_over(event())
            .refused(),
        delivery("a byte order mark less", event())
            .signed_over(&marked)
            .refused(),
        delivery("signed over its Base64", event())
            .signed_over(encoded(&event()))
            .refused(),
        delivery("the Base64 of what is signed", encoded(&event()))
            .signed_over(event())
            .refused(),
        delivery("packed, and signed unpacked", GZIPPED)
            .and("content-encoding", "gzip")
            .signed_over(REQUEST)
            .refused(),
        delivery("unpacked, and signed packed", REQUEST)
            .signed_over(GZIPPED)
            .refused(),
    ]
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}
