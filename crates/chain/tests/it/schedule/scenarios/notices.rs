//! What people are told follows the record of the chain.

use chain::ChainResult;
use chain::notice::{Notice, NoticedStack};

use super::{MINUTE_MS, host, run_of};
use crate::schedule::world::Fate;

fn texts(noticed: &[NoticedStack]) -> Vec<String> {
    let texts = noticed
        .iter()
        .map(|noticed| format!("{}: {}", noticed.stack, noticed.text));
    texts.collect()
}

#[test]
fn a_notice_changes_with_the_record_of_its_chain() {
    let mut host = host("vpc; a: vpc; b: a");
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(20 * MINUTE_MS);
    let chain = host.only_chain();
    let record = &host.records[&chain];
    let root = record.chain().root.clone();
    let mut notice = Notice::begin(chain.clone(), root, None, None, Some(record), host.now_ms);
    assert_eq!(texts(&notice.held), ["a: waits for a confirmation"]);
    assert_eq!(
        notice.held[0].run,
        Some(host.world.runs[run_of(&host, "a")].facts.id.clone())
    );
    let began = notice.clone();
    assert!(!notice.update(record, host.now_ms + 1));
    assert_eq!(notice, began);

    host.confirms("a", false);
    host.hour();
    assert!(notice.update(&host.records[&chain], host.now_ms));
    assert_eq!(notice.result, ChainResult::Failed);
    assert_eq!(
        (notice.at_ms, notice.ended_at_ms),
        (host.now_ms, Some(host.now_ms))
    );
    assert_eq!((notice.revision, notice.held.len()), (began.revision + 1, 0));
    assert_eq!(texts(&notice.failed).len(), 1);
    assert!(notice.is_over());
    assert_eq!(notice.elapsed_ms(i64::MAX), host.now_ms - notice.started_at_ms);
}
