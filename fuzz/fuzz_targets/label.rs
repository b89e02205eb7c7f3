//! Any label is read, passed over or reported by its name. What was read reads the same when it is written
//! plainly.
//!
//!     cargo xtask fuzz label

#![no_main]

use chain::{LabelGrammar, label};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let grammar = LabelGrammar::default();
    // Most random texts are no dependencies, so each is also tried as what follows a prefix.
    for label in [text.to_owned(), format!("dependsOn:{text}")] {
        match label::parse(&label, &grammar) {
            Ok(Some(stacks)) => {
                let plain: Vec<&str> = stacks.iter().map(chain::StackId::as_str).collect();
                let plain = format!("depends-on:{}", plain.join(","));
                assert_eq!(label::parse(&plain, &grammar), Ok(Some(stacks)));
            }
            Ok(None) => assert!(!label.starts_with("dependsOn:")),
            Err(e) => assert_eq!(e.label, label),
        }
    }
});
