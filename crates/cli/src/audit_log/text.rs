//! The result of `spillway audit verify` as text.

use audit::Location;
use audit::verify::{OpenChain, Summary};

use super::manifest::Compared;
use super::temporal::{Difference, Differences, Status};
use crate::json::Time;
use crate::table::{Table, plain};
use crate::time::{shown, took};
use crate::words::counted;

/// How many things of a kind are listed.
const LISTED_MAX: usize = 20;

pub(super) fn render(
    location: &Location,
    summary: &Summary,
    compared: Option<&Compared>,
    temporal: Option<&Differences>,
) -> String {
    let mut parts = Vec::new();
    if let Some(compared) = compared.filter(|compared| !compared.lost.is_empty()) {
        let lost: Vec<String> = compared
            .lost
            .iter()
            .map(|lost| format!("{}: record {} is missing", lost.chain, lost.head.sequence))
            .collect();
        parts.push(format!(
            "Not what the manifest says. These chains were cut, replaced or removed since:\n{}",
            lines(&lost)
        ));
    }
    if !summary.deleted_or_replaced.is_empty() {
        let objects: Vec<String> = summary
            .deleted_or_replaced
            .iter()
            .map(|object| {
                let versions = counted(object.versions, "version", "versions");
                let markers = counted(object.delete_markers, "delete marker", "delete markers");
                format!("{}: {versions}, {markers}", object.key)
            })
            .collect();
        parts.push(format!(
            "These objects were deleted or replaced, which no program of Spillway does:\n{}",
            lines(&objects)
        ));
    }
    for chain in &summary.broken {
        parts.push(format!(
            "Damaged: {}\n{}",
            plain(&chain.chain),
            first_lines(chain.faults.kept(), chain.faults.count())
        ));
    }
    if !summary.broken_deliveries.is_empty() {
        parts.push(format!(
            "Damaged records of deliveries:\n{}",
            lines(&summary.broken_deliveries)
        ));
    }
    if !summary.newer.is_empty() {
        parts.push(format!(
            "Not verified, because a newer version wrote them. Update this command:\n{}",
            lines(&summary.newer)
        ));
    }
    let mut running = summary.open.clone();
    if let Some(temporal) = temporal {
        running.retain(|chain| !temporal.is_without_end(&chain.chain));
        parts.extend(differences(temporal));
    }
    if !running.is_empty() {
        let why = if temporal.is_some() {
            "Without an end, since these chains are still running:"
        } else {
            "Without an end. These chains are still running, or their last records are missing:"
        };
        parts.push(format!("{why}\n{}", open_chains(&running)));
    }
    if let Some((made_at, age)) = compared.and_then(|compared| Some((compared.made_at?, compared.age?))) {
        let (made_at, age) = (shown(made_at), took(age));
        parts.push(format!(
            "Compared with the manifest of {made_at}, which is {age} old."
        ));
    }
    parts.push(format!(
        "{} with {} and {} in {location}: {}",
        counted(summary.chains, "chain", "chains"),
        counted(summary.records, "record", "records"),
        counted(summary.deliveries, "delivery", "deliveries"),
        verdict(summary, temporal)
    ));
    parts.join("\n\n")
}

fn lines<T: ToString>(things: &[T]) -> String {
    first_lines(things, things.len())
}

/// The lines of the first of so many things.
fn first_lines<T: ToString>(first: &[T], count: usize) -> String {
    let listed = first.iter().take(LISTED_MAX);
    let mut lines: Vec<String> = listed
        .map(|thing| format!("  {}", plain(&thing.to_string())))
        .collect();
    lines.extend(more(count, first.len()));
    lines.join("\n")
}

/// The oldest first: a chain that should have ended long ago needs attention.
fn open_chains(open: &[OpenChain]) -> String {
    let mut open: Vec<_> = open.iter().collect();
    open.sort_by_key(|chain| chain.last_at_ms);
    let mut table = Table::with_head(["chain", "last record"]);
    for chain in open.iter().take(LISTED_MAX) {
        let last = chain.last_at_ms.and_then(Time::from_ms);
        table.row([&chain.chain, &last.map(shown).unwrap_or_default()]);
    }
    let mut lines = vec![table.indented("  ", true)];
    lines.extend(more(open.len(), open.len()));
    lines.join("\n")
}

fn differences(temporal: &Differences) -> Vec<String> {
    let listed = |what: &str, differences: &[Difference]| {
        let mut table = Table::with_head(["chain", "in Temporal", "began", "last record"]);
        for difference in differences.iter().take(LISTED_MAX) {
            table.row([
                &difference.chain,
                difference.status.map_or("unknown", Status::name),
                &difference.began_at.map(shown).unwrap_or_default(),
                &difference.last_record_at.map(shown).unwrap_or_default(),
            ]);
        }
        let mut lines = vec![what.to_owned(), table.indented("  ", true)];
        lines.extend(more(differences.len(), differences.len()));
        lines.join("\n")
    };
    let mut parts = Vec::new();
    if !temporal.not_in_log.is_empty() {
        parts.push(listed(
            "Not in the log, although Temporal has these chains. They ran without an audit log, or their records were \
             removed:",
            &temporal.not_in_log,
        ));
    }
    if !temporal.without_end.is_empty() {
        parts.push(listed(
            "Without an end, although these chains are not running. They were terminated, or their last records were \
             removed:",
            &temporal.without_end,
        ));
    }
    parts
}

/// How many are left out here, and how many of them `-o json` has.
fn more(count: usize, in_json: usize) -> Option<String> {
    let rest = count.checked_sub(LISTED_MAX).filter(|rest| *rest > 0)?;
    let listed = if in_json == count {
        "all".to_owned()
    } else {
        format!("the first {in_json}")
    };
    Some(format!("  and {rest} more. -o json lists {listed}."))
}

fn verdict(summary: &Summary, temporal: Option<&Differences>) -> String {
    let mut found = Vec::new();
    let broken = |number: usize, one, many| format!("{} damaged", counted(number, one, many));
    if !summary.broken.is_empty() {
        found.push(broken(summary.broken.len(), "chain", "chains"));
    }
    if !summary.broken_deliveries.is_empty() {
        found.push(broken(summary.broken_deliveries.len(), "delivery", "deliveries"));
    }
    if !summary.deleted_or_replaced.is_empty() {
        let number = summary.deleted_or_replaced.len();
        found.push(format!(
            "{} deleted or replaced",
            counted(number, "object", "objects")
        ));
    }
    if !summary.newer.is_empty() {
        found.push(format!("{} not verified", summary.newer.len()));
    }
    if let Some(temporal) = temporal.filter(|temporal| !temporal.is_empty()) {
        let number = temporal.not_in_log.len() + temporal.without_end.len();
        found.push(format!(
            "{} not as in Temporal",
            counted(number, "chain", "chains")
        ));
    }
    if found.is_empty() {
        "no problems".to_owned()
    } else {
        found.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::more;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(more(20, 20), None);
        let said = |count, in_json| more(count, in_json).unwrap();
        assert_eq!(said(21, 21), "  and 1 more. -o json lists all.");
        assert_eq!(said(5_000, 100), "  and 4980 more. -o json lists the first 100.");
    }
}
