//! A header is believed if and only if it is the signature of the body.
//!
//!     cargo xtask fuzz signature

#![no_main]

use chain::signature::{WebhookSecret, WebhookSecrets, sign, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8], bool)| {
    let (header, body, rotating) = input;
    let secret = |text| WebhookSecret::parse(text).unwrap();
    let previous = rotating.then(|| secret("the previous secret"));
    let secrets = WebhookSecrets { current: secret("the current secret"), previous };

    let mut right = vec![sign(body, &secrets.current)];
    right.extend(secrets.previous.as_ref().map(|previous| sign(body, previous)));
    for right in &right {
        assert_eq!(verify(&[right.as_bytes()], body, &secrets), Ok(()));
        // A right signature with the fuzzer's bytes written over its end.
        let mut forged = right.clone().into_bytes();
        let from = forged.len().saturating_sub(header.len());
        forged.truncate(from);
        forged.extend_from_slice(header);
        assert_eq!(verify(&[&forged], body, &secrets).is_ok(), forged == right.as_bytes());
    }
    let is_right = right.iter().any(|right| right.as_bytes() == header);
    assert_eq!(verify(&[header], body, &secrets).is_ok(), is_right);
});
