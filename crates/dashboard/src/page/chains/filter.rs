//! Which chains are listed, as the address says.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chain::{AccountName, ChainResult};
use serde::Deserialize;
use temporal_client::ChainFilter;
use temporal_client::contract::ChainReport;

use crate::page::PageError;
use crate::words::segment;

/// The filters as they were typed. An empty one is none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    pub(super) account: String,
    pub(super) stack: String,
    pub(super) result: String,
    /// Days.
    pub(super) from: String,
    pub(super) until: String,
    after: String,
}

/// What can be chosen as a result.
const RESULTS: [(&str, &str); 8] = [
    ("", "any"),
    ("open", "open"),
    ("paused", "paused"),
    ("failed", "failed"),
    ("succeeded", "succeeded"),
    ("refused", "refused"),
    ("cancelled", "cancelled"),
    ("ended", "ended"),
];

impl Filter {
    pub(super) fn results(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        RESULTS
            .iter()
            .map(|&(value, words)| (value, words, value == self.result))
    }

    pub(super) fn is_set(&self) -> bool {
        [&self.account, &self.stack, &self.result, &self.from, &self.until]
            .iter()
            .any(|text| !text.trim().is_empty())
    }

    /// Where an earlier page stopped.
    pub(super) fn after(&self) -> Option<Vec<u8>> {
        let text = Some(&self.after).filter(|after| !after.is_empty())?;
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()
    }

    /// The address of the next page.
    pub(super) fn path_after(&self, next: &[u8]) -> String {
        let next = BASE64_URL_SAFE_NO_PAD.encode(next);
        let parts = [
            ("account", &self.account),
            ("stack", &self.stack),
            ("result", &self.result),
            ("from", &self.from),
            ("until", &self.until),
            ("after", &next),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", segment(value)))
            .collect();
        format!("/?{}", parts.join("&"))
    }

    /// What Temporal can answer.
    pub(super) fn in_temporal(&self) -> Result<ChainFilter, PageError> {
        let account = match self.account.trim() {
            "" => None,
            name => Some(name.parse::<AccountName>().map_err(|error| {
                PageError::Refused(format!("This is not the name of an account: {error}."))
            })?),
        };
        let is_open = match self.result.as_str() {
            "open" | "paused" => Some(true),
            "failed" | "succeeded" | "refused" | "cancelled" | "ended" => Some(false),
            _ => None,
        };
        Ok(ChainFilter {
            account,
            is_open,
            started_from: day(&self.from, 0)?,
            started_until: day(&self.until, 1)?,
        })
    }

    /// What only the record of a chain can answer.
    pub(super) fn lets_through(&self, report: Option<&ChainReport>) -> bool {
        let stack = self.stack.trim();
        let wanted = match self.result.as_str() {
            "paused" => Some(ChainResult::Paused),
            "failed" => Some(ChainResult::Failed),
            "succeeded" => Some(ChainResult::Succeeded),
            "refused" => Some(ChainResult::Refused),
            "cancelled" => Some(ChainResult::Cancelled),
            _ => None,
        };
        let Some(report) = report else {
            return stack.is_empty() && wanted.is_none();
        };
        let has_stack = || {
            let record = report.record.as_ref();
            report.root.stack.as_str() == stack
                || record.is_some_and(|record| record.progress().iter().any(|one| one.id.as_str() == stack))
        };
        (stack.is_empty() || has_stack()) && wanted.is_none_or(|wanted| wanted == report.result)
    }
}

/// The beginning of a day, or of one of the next.
fn day(text: &str, later: i64) -> Result<Option<jiff::Timestamp>, PageError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let unreadable = |_| PageError::Refused(format!("`{text}` is not a date. Write it as 2026-01-31."));
    let day: jiff::civil::Date = text.parse().map_err(unreadable)?;
    let day = day
        .checked_add(jiff::Span::new().days(later))
        .and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(unreadable)?;
    Ok(Some(day.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_has_the_same_filters() {
        let filter = Filter {
            stack: "a&b".to_owned(),
            result: "failed".to_owned(),
            ..Filter::default()
        };
        assert_eq!(
            filter.path_after(b"\xff\x00"),
            "/?stack=a%26b&result=failed&after=_wA"
        );
    }

    #[test]
    fn days_are_whole_and_both_belong() {
        let filter = Filter {
            from: "2026-01-31".to_owned(),
            until: "2026-01-31".to_owned(),
            ..Filter::default()
        };
        let asked = filter.in_temporal().unwrap();
        assert_eq!(asked.started_from.unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(asked.started_until.unwrap().to_string(), "2026-02-01T00:00:00Z");
        let nonsense = Filter {
            from: "yesterday".to_owned(),
            ..Filter::default()
        };
        assert!(nonsense.in_temporal().is_err());
    }
}
