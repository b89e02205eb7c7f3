//! The waterfall: what each stack did when.

use std::collections::BTreeSet;

use chain::{ChainRecord, StackState};

use super::View;
use crate::page::ShownState;
use crate::phases::{Phase, Span, last_ms, phases};
use crate::words::{Moment, chain_path, duration};

pub(super) struct Waterfall {
    pub(super) rows: Vec<Lane>,
    /// The phases that occur.
    pub(super) legend: Vec<Phase>,
    pub(super) begin: Option<Moment>,
    pub(super) middle: String,
    pub(super) whole: String,
}

pub(super) struct Lane {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) state: ShownState,
    pub(super) bars: Vec<Bar>,
    /// All of it in words.
    pub(super) words: String,
}

pub(super) struct Bar {
    pub(super) class: &'static str,
    /// Percent of the whole width.
    pub(super) x: String,
    pub(super) width: String,
}

impl Waterfall {
    pub(super) fn of(view: &View<'_>, record: &ChainRecord, begin_ms: i64) -> Self {
        let known_ms = last_ms(record).unwrap_or(begin_ms);
        let end_ms = if record.is_over() {
            known_ms
        } else {
            view.now_ms.max(known_ms)
        }
        .max(begin_ms + 1);
        let stacks = record.chain().stacks.iter().zip(record.progress());
        let mut rows: Vec<(i64, Lane)> = Vec::new();
        let mut legend = BTreeSet::new();
        for (stack, progress) in stacks {
            if progress.state == StackState::Skipped {
                continue;
            }
            let run = progress.run.as_ref().and_then(|run| view.runs.get(run));
            let spans = phases(record, stack, progress, run.map(|run| &**run), begin_ms, end_ms);
            legend.extend(spans.iter().map(|span| span.phase));
            let begins = progress.started_at_ms.unwrap_or(i64::MAX);
            rows.push((
                begins,
                Lane {
                    id: stack.id.to_string(),
                    path: super::row::path(&chain_path(record.id()), &stack.id),
                    state: ShownState::of_stack(progress),
                    words: words(&spans),
                    bars: spans.iter().map(|span| bar(span, begin_ms, end_ms)).collect(),
                },
            ));
        }
        rows.sort_by_key(|(begins, _)| *begins);
        Self {
            rows: rows.into_iter().map(|(_, bars)| bars).collect(),
            legend: Phase::ALL
                .into_iter()
                .filter(|phase| legend.contains(phase))
                .collect(),
            begin: Moment::of_ms(begin_ms),
            middle: duration((end_ms - begin_ms) / 2),
            whole: duration(end_ms - begin_ms),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a chain does not take so many milliseconds"
)]
fn bar(span: &Span, begin_ms: i64, end_ms: i64) -> Bar {
    let whole = (end_ms - begin_ms) as f64;
    let percent = |ms: i64| (ms as f64 * 100.0 / whole).clamp(0.0, 100.0);
    Bar {
        class: span.phase.class(),
        x: format!("{:.2}", percent(span.from_ms - begin_ms)),
        width: format!("{:.2}", percent(span.until_ms - span.from_ms)),
    }
}

fn words(spans: &[Span]) -> String {
    let parts: Vec<String> = spans
        .iter()
        .map(|span| {
            format!(
                "{} {}",
                span.phase.words(),
                duration(span.until_ms - span.from_ms)
            )
        })
        .collect();
    if parts.is_empty() {
        return "nothing yet".to_owned();
    }
    parts.join(", ")
}
