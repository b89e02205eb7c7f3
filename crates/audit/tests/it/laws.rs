//! Property tests: every change of a chain's log is found.

use audit::verify::Verdict;
use audit::{Action, Entry, Record, Trail};
use chain::Reason;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::log::{CHAIN, START_MS};
use crate::verification::{check, line, lines};

const CASES: u32 = 1_000;

/// All kinds of texts, short, so that equal ones occur.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,2}", any::<String>()]
}

fn entry() -> impl Strategy<Value = Entry> {
    let words: Vec<Action> = Action::ALL
        .iter()
        .copied()
        .filter(|action| *action != Action::ChainEnded)
        .collect();
    (
        proptest::sample::select(words),
        0..3_i64,
        text(),
        proptest::option::of("[a-z]{1,3}"),
        proptest::option::of(text()),
        proptest::option::of((text(), text())),
        1..3_u64,
    )
        .prop_map(|(action, later_ms, actor, stack, outcome, reason, count)| Entry {
            chain: Some(CHAIN.to_owned()),
            stack: stack.map(|stack| stack.parse().unwrap()),
            outcome,
            reason: reason.map(|(code, text)| Reason::new(code, text)),
            count,
            ..Entry::new(START_MS + later_ms, actor, action)
        })
}

/// A whole chain, with its end.
fn chain() -> impl Strategy<Value = Vec<Record>> {
    proptest::collection::vec(entry(), 1..8).prop_map(|entries| {
        let end = Entry {
            chain: Some(CHAIN.to_owned()),
            ..Entry::new(START_MS, "worker", Action::ChainEnded)
        };
        let mut trail = Trail::default();
        entries
            .into_iter()
            .chain([end])
            .map(|entry| trail.append(entry))
            .collect()
    })
}

fn verdict(lines: &[String]) -> Verdict {
    check(lines).verdict()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn an_unchanged_chain_is_intact(records in chain()) {
        let checked = check(&lines(&records));
        prop_assert_eq!(checked.verdict(), Verdict::Intact, "{:?}", checked.faults);
        prop_assert_eq!(checked.records, records);
    }

    #[test]
    fn a_trail_is_a_function_of_its_entries(records in chain(), saved_after in any::<Index>()) {
        let mut trail = Trail::default();
        let saved_after = saved_after.index(records.len());
        for (at, record) in records.iter().enumerate() {
            if at == saved_after {
                trail = serde_json::from_str(&serde_json::to_string(&trail).unwrap()).unwrap();
            }
            prop_assert_eq!(&trail.append(record.entry().clone()), record);
        }
    }

    #[test]
    fn a_changed_byte_is_found(records in chain(), at in any::<Index>(), byte in any::<Index>(), to in any::<u8>()) {
        let mut lines = lines(&records);
        let at = at.index(lines.len());
        let mut bytes = lines[at].clone().into_bytes();
        let byte = byte.index(bytes.len());
        prop_assume!(bytes[byte] != to);
        bytes[byte] = to;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        lines[at] = changed;
        let found = verdict(&lines);
        prop_assert!(matches!(found, Verdict::Broken | Verdict::Newer), "{found:?}");
    }

    #[test]
    fn a_removed_record_is_found_unless_it_was_the_last(records in chain(), at in any::<Index>()) {
        let mut lines = lines(&records);
        let at = at.index(lines.len());
        lines.remove(at);
        let expected = if at == lines.len() { Verdict::Open } else { Verdict::Broken };
        prop_assert_eq!(verdict(&lines), expected);
    }

    #[test]
    fn an_inserted_record_is_found(records in chain(), at in any::<Index>(), from in any::<Index>(), entry in entry()) {
        let original = lines(&records);
        let at = at.index(original.len() + 1);
        // An existing record, and the best possible forgery for this place.
        let mut trail = Trail::default();
        for record in &records[..at] {
            trail.append(record.entry().clone());
        }
        for inserted in [original[from.index(original.len())].clone(), line(&trail.append(entry))] {
            let mut lines = original.clone();
            lines.insert(at, inserted);
            prop_assert_eq!(verdict(&lines), Verdict::Broken);
        }
    }

    #[test]
    fn two_swapped_records_are_found(records in chain(), a in any::<Index>(), b in any::<Index>()) {
        let mut lines = lines(&records);
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        prop_assume!(a != b);
        lines.swap(a, b);
        prop_assert_eq!(verdict(&lines), Verdict::Broken);
    }

    #[test]
    fn a_replaced_record_with_a_valid_hash_is_found(records in chain(), at in any::<Index>(), entry in entry()) {
        let at = at.index(records.len() - 1);
        prop_assume!(records[at].entry() != &entry);
        let mut trail = Trail::default();
        for record in &records[..at] {
            trail.append(record.entry().clone());
        }
        let mut lines = lines(&records);
        lines[at] = line(&trail.append(entry));
        prop_assert_eq!(verdict(&lines), Verdict::Broken);
    }
}
