//! The report as one page that needs nothing else, and prints well.

use std::fmt::Write;

use super::super::counted;
use super::Report;
use super::execution::{Execution, outcomes};
use crate::json::Time;
use crate::time::{shown, shown_to_the_minute};

const PAGE: &str = include_str!("page.html");

pub(super) fn render(report: &Report) -> String {
    let rows: String = report.executions.iter().map(row).collect();
    let summary = match report.executions.as_slice() {
        [] => "No stack of a chain ended.".to_owned(),
        some => format!(
            "{}: {}.",
            counted(some.len(), "execution", "executions"),
            outcomes(some)
        ),
    };
    let warning = match report.damaged.as_slice() {
        [] => String::new(),
        some => format!(
            "<p class=\"warning\">These audit records were altered or are missing, and what is reported of them may be \
             wrong: {}.</p>\n",
            escaped(&some.join(", "))
        ),
    };
    let unfinished = match report.unfinished.as_slice() {
        [] => String::new(),
        some => format!(
            "<p>These chains have no record of their end. They are under way, or their last records are still to be \
             written: {}.</p>\n",
            escaped(&some.join(", "))
        ),
    };
    fill(&[
        ("since", &shown_to_the_minute(Time(report.period.since))),
        ("until", &shown_to_the_minute(Time(report.period.until))),
        ("summary", &escaped(&summary)),
        ("location", &escaped(&report.location.to_string())),
        ("warning", &(warning + &unfinished)),
        ("rows", &rows),
    ])
}

/// The page with each name replaced by its value. Names inside of values are not replaced.
fn fill(values: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once('{') {
        page += before;
        let named = values
            .iter()
            .find_map(|(name, value)| Some((value, after.strip_prefix(name)?.strip_prefix('}')?)));
        if let Some((value, after)) = named {
            page += value;
            rest = after;
        } else {
            // A brace of the style sheet.
            page.push('{');
            rest = after;
        }
    }
    page + rest
}

fn row(execution: &Execution) -> String {
    let started = execution.started_at.map(shown);
    let reason = execution.reason.as_ref().map(|reason| reason.text.as_str());
    let mut row = String::from("<tr>");
    for (class, text) in [
        ("id", Some(execution.chain.as_str())),
        ("", execution.started_by.as_deref()),
        ("", Some(execution.stack.as_str())),
        ("id", execution.run.as_deref()),
        ("id", execution.short_commit()),
        (
            &format!("outcome {}", execution.outcome),
            Some(&execution.outcome),
        ),
        ("time", started.as_deref()),
        ("time", execution.duration().as_deref()),
        ("", reason),
    ] {
        let _ = write!(
            row,
            "<td class=\"{}\">{}</td>",
            escaped(class),
            escaped(text.unwrap_or_default())
        );
    }
    row + "</tr>\n"
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("<a href='x' b=\"&\">\n\0"),
            "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;  "
        );
    }

    #[test]
    fn a_value_is_not_filled_in_again() {
        let page = fill(&[("rows", "{since}"), ("since", "now")]);
        assert!(page.contains("<tbody>\n{since}</tbody>"), "{page}");
        assert!(
            page.contains("<title>Stack executions, now to {until}</title>"),
            "{page}"
        );
    }
}
