//! The tables of a chain: what needs attention first, and the levels of a large chain.

use std::collections::BTreeMap;

use chain::ChainRecord;

use super::row::Row;
use super::{ChainPage, Counts, View, counts, edges, is_large};
use crate::layout::layers;
use crate::page::ShownState;
use crate::words::{chain_path, counted};

/// How many rows stand above the folded levels.
const SALIENT_MAX: usize = 100;

/// The stacks of a layer of a large chain. A folded one has no rows, so that the page stays small.
pub(super) struct Level {
    pub(super) number: usize,
    /// The address with the level unfolded, or folded if it is unfolded now.
    pub(super) path: String,
    pub(super) is_open: bool,
    pub(super) words: String,
    pub(super) counts: Counts,
    pub(super) rows: Vec<Row>,
}

impl View<'_> {
    /// Failed ones first, then those that wait for a person, and the rest in the order of what needs attention.
    pub(super) fn fill_tables(&self, page: &mut ChainPage, record: &ChainRecord, unfolded: &str) {
        let count = record.chain().stacks.len();
        let mut order: Vec<(ShownState, usize)> = record
            .progress()
            .iter()
            .enumerate()
            .map(|(place, progress)| (ShownState::of_stack(progress), place))
            .collect();
        order.sort_unstable();
        if !is_large(record) {
            page.rows = order.iter().map(|&(_, place)| self.row(record, place)).collect();
            return;
        }
        let matters = |state| {
            matches!(
                state,
                ShownState::Failed | ShownState::Person | ShownState::Running
            )
        };
        page.rows = order
            .iter()
            .filter(|(state, _)| matters(*state))
            .take(SALIENT_MAX)
            .map(|&(_, place)| self.row(record, place))
            .collect();
        let layer_of = layers(count, &edges(record));
        let mut levels: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (_, place) in order {
            levels.entry(layer_of[place]).or_default().push(place);
        }
        let chain_path = chain_path(&self.report.id);
        page.all_levels = format!("{chain_path}?level=all#levels");
        page.levels = levels
            .into_iter()
            .map(|(number, places)| {
                let number = number + 1;
                let is_open = unfolded == "all" || unfolded == number.to_string();
                let shown = if is_open { places.as_slice() } else { &[] };
                let progress = places.iter().map(|&place| &record.progress()[place]);
                Level {
                    number,
                    path: if is_open {
                        format!("{chain_path}#levels")
                    } else {
                        format!("{chain_path}?level={number}#level-{number}")
                    },
                    is_open,
                    words: counted(places.len(), "stack", "stacks"),
                    counts: counts(&chain::record::Counts::of(progress)),
                    rows: shown.iter().map(|&place| self.row(record, place)).collect(),
                }
            })
            .collect();
    }
}
