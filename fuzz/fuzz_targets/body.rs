//! Any body is read or refused. What was read survives Temporal; what was refused has a position in the body.
//!
//!     cargo xtask fuzz body

#![no_main]

use chain::{Delivery, RunEvent, event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| match event::parse(body) {
    Ok(Delivery::Run(read)) => {
        let json = serde_json::to_vec(&read).unwrap();
        assert_eq!(serde_json::from_slice::<RunEvent>(&json).unwrap(), *read);
        assert!(!read.supersedes(&read));
    }
    Ok(Delivery::RunEnded(_) | Delivery::Request(_) | Delivery::Ignored(_)) => {}
    Err(unreadable) => assert!(unreadable.byte <= body.len(), "{unreadable:?}"),
});
