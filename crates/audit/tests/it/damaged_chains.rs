//! Chains that have their newest record, and a fault elsewhere.

use std::fs;

use audit::manifest::{Made, Manifest};
use audit::{Record, Trail};

use crate::next_manifest::{DAY_MS, Log, chain, entry, lost_chains, now_ms, replace};

fn damaged_chains(made: &Made) -> Vec<&str> {
    made.damaged
        .iter()
        .map(|damaged| damaged.chain.as_str())
        .collect()
}

/// Two chains in two objects each, and their first manifest.
async fn log_of_two_parts() -> (Log, Manifest) {
    let log = Log::of_three().await;
    for name in ["a", "b"] {
        log.store.put_chain(name, &chain(name)[2..]).await.unwrap();
    }
    let first = Manifest::after(None, &log.store, now_ms() + DAY_MS)
        .await
        .unwrap();
    assert_eq!(damaged_chains(&first), [""; 0]);
    (log, first.manifest)
}

#[tokio::test]
async fn a_damaged_chain_keeps_its_head_and_is_reported_until_it_is_whole() {
    let (log, first) = log_of_two_parts().await;
    let saved = fs::read(log.file("a", 1)).unwrap();
    fs::remove_file(log.file("a", 1)).unwrap();
    let mut previous = first.clone();
    for days in 2..5 {
        let next = log.after(&previous, days).await;
        assert_eq!(damaged_chains(&next), ["a"], "after {days} days");
        assert_eq!((next.lost, next.read), (Vec::new(), 1));
        previous = next.manifest;
        let (head, before) = (previous.heads["a"], first.heads["a"]);
        assert_eq!((head.sequence, head.hash), (before.sequence, before.hash));
    }
    fs::write(log.file("a", 1), saved).unwrap();
    let mended = log.after(&previous, 5).await;
    assert_eq!((damaged_chains(&mended).len(), mended.read), (0, 1));
    assert_eq!(log.after(&mended.manifest, 6).await.read, 0);
}

/// Its sequence number is so high that the real records come too late.
#[tokio::test]
async fn a_record_in_front_of_the_real_ones_does_not_make_the_chain_lost() {
    let (log, first) = log_of_two_parts().await;
    let mut trail = Trail::default();
    let forged: Vec<Record> = (0..9).map(|_| trail.append(entry("a"))).collect();
    // It sorts first, since the name has no number.
    log.store.put_chain("a", &forged[8..]).await.unwrap();
    fs::rename(log.file("a", 9), log.file("a", 1).with_file_name("0.jsonl")).unwrap();
    let next = log.after(&first, 2).await;
    assert_eq!((next.lost.len(), damaged_chains(&next)), (0, vec!["a"]));
    assert_eq!(next.manifest.heads["a"].hash, first.heads["a"].hash);
    assert_eq!(first.lost(&log.store).await.unwrap(), []);
}

#[tokio::test]
async fn damage_before_the_first_manifest_is_reported_once() {
    let (log, _) = log_of_two_parts().await;
    fs::remove_file(log.file("a", 1)).unwrap();
    // No record of this one can be read, and it has more faults than are kept.
    replace(&log.file("c", 1), &"{}\n".repeat(150));
    let first = Manifest::after(None, &log.store, now_ms() + DAY_MS)
        .await
        .unwrap();
    assert_eq!(damaged_chains(&first), ["a", "c"]);
    assert_eq!(first.manifest.heads.keys().collect::<Vec<_>>(), ["a", "b"]);
    let second = log.after(&first.manifest, 2).await;
    assert_eq!((damaged_chains(&second).len(), second.lost.len()), (0, 0));
    assert_eq!(second.read, 1, "the chain without a head");
    let every = log.after(&second.manifest.without_listings(), 3).await;
    assert_eq!((damaged_chains(&every).len(), every.read), (0, 3));

    // The same chain is damaged further.
    replace(&log.file("a", 3), "{}\n{}\n");
    let worse = log.after(&every.manifest, 4).await;
    assert_eq!(lost_chains(&worse.lost), ["a"]);
    replace(&log.file("c", 1), &"{}\n".repeat(151));
    let worse = log.after(&worse.manifest, 5).await;
    assert_eq!(damaged_chains(&worse), ["c"]);
}

#[tokio::test]
async fn accepted_damage_that_was_mended_is_reported_if_it_comes_back() {
    let (log, _) = log_of_two_parts().await;
    let saved = fs::read(log.file("a", 1)).unwrap();
    fs::remove_file(log.file("a", 1)).unwrap();
    let first = Manifest::of(&log.store, now_ms() + DAY_MS).await.unwrap();
    fs::write(log.file("a", 1), saved).unwrap();
    let mended = log.after(&first, 2).await;
    assert_eq!(damaged_chains(&mended), [""; 0]);
    fs::remove_file(log.file("a", 1)).unwrap();
    assert_eq!(damaged_chains(&log.after(&mended.manifest, 3).await), ["a"]);
}

/// Whoever can replace objects could hide a change or a gap behind such a version.
#[tokio::test]
async fn a_record_that_names_a_newer_version_is_reported() {
    let (log, first) = log_of_two_parts().await;
    let text = fs::read_to_string(log.file("a", 1)).unwrap();
    replace(
        &log.file("a", 1),
        &text.replacen("\"version\":1", "\"version\":2", 1),
    );
    let next = log.after(&first, 2).await;
    assert_eq!((next.lost.len(), damaged_chains(&next)), (0, vec!["a"]));
}
