//! `/graph`: all dependencies of the account, and what is wrong with them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chain::{DependencyGraph, Severity, StackId};

use super::drawing::{Drawing, Node, place};
use super::{Frame, PageError, Section, Shared, answer};
use crate::filters;
use crate::layout::{layers, layout};
use crate::visitor::Visitor;
use crate::words::{Moment, counted, cut, stack_path};

/// From so many stacks on the levels are listed, and nothing is drawn.
const DRAWN_MAX: usize = 150;

#[derive(Template)]
#[template(path = "graph.html")]
struct GraphPage {
    frame: Frame,
    stacks: String,
    dependencies: String,
    alone: Vec<Link>,
    problems: Vec<Finding>,
    drawing: Option<Drawing>,
    levels: Vec<Level>,
    at: Option<Moment>,
}

struct Finding {
    severity: Severity,
    code: &'static str,
    words: String,
    stacks: Vec<Link>,
}

struct Link {
    path: String,
    words: String,
}

struct Level {
    number: usize,
    words: String,
    stacks: Vec<Link>,
}

pub(crate) async fn page(
    State(dashboard): Shared,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let listing = dashboard.account.listing().await?;
    let graph = &listing.graph;
    let account = &dashboard.config.account;
    let link = |stack: &StackId| Link {
        path: stack_path(account, stack),
        words: stack.to_string(),
    };
    let (connected, alone): (Vec<&StackId>, Vec<&StackId>) = in_order(graph)
        .into_iter()
        .partition(|id| graph.all_upstream(id).next().is_some() || graph.all_downstream(id).next().is_some());
    let edges = edges(graph, &connected);
    let (mut drawing, mut levels) = (None, Vec::new());
    if connected.len() < DRAWN_MAX {
        drawing = Some(draw(graph, &connected, &edges, |stack| {
            stack_path(account, stack)
        }));
    } else {
        let mut by_level: BTreeMap<usize, Vec<Link>> = BTreeMap::new();
        for (stack, level) in connected.iter().zip(layers(connected.len(), &edges)) {
            by_level.entry(level).or_default().push(link(stack));
        }
        levels = by_level
            .into_iter()
            .map(|(level, stacks)| Level {
                number: level + 1,
                words: counted(stacks.len(), "stack", "stacks"),
                stacks,
            })
            .collect();
    }
    let dependencies: usize = graph
        .stacks()
        .iter()
        .map(|stack| graph.all_upstream(&stack.id).count())
        .sum();
    let page = GraphPage {
        frame: dashboard.frame(&visitor, Section::Graph, false).await,
        stacks: counted(graph.stacks().len(), "stack", "stacks"),
        dependencies: counted(dependencies, "dependency", "dependencies"),
        alone: alone.into_iter().map(link).collect(),
        problems: graph
            .problems()
            .iter()
            .map(|problem| Finding {
                severity: problem.severity(),
                code: problem.code(),
                words: problem.to_string(),
                stacks: problem.stacks().iter().map(link).collect(),
            })
            .collect(),
        drawing,
        levels,
        at: Moment::of_ms(listing.at_ms),
    };
    answer(&headers, &page)
}

/// Every stack after all that it waits for. Stacks of a cycle, and what waits for them, come last.
fn in_order(graph: &DependencyGraph) -> Vec<&StackId> {
    let mut open: BTreeMap<&StackId, usize> = graph
        .stacks()
        .iter()
        .map(|stack| (&stack.id, graph.all_upstream(&stack.id).count()))
        .collect();
    let mut order: Vec<&StackId> = Vec::with_capacity(open.len());
    let mut next: Vec<&StackId> = open
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(id, _)| *id)
        .collect();
    while let Some(id) = next.pop() {
        order.push(id);
        open.remove(id);
        for after in graph.all_downstream(id) {
            if let Some(count) = open.get_mut(after) {
                *count -= 1;
                if *count == 0 {
                    next.push(after);
                }
            }
        }
    }
    order.extend(open.into_keys());
    order
}

/// The dependencies that lead forward. Those of a cycle that lead back are among the findings.
fn edges(graph: &DependencyGraph, stacks: &[&StackId]) -> Vec<(usize, usize)> {
    let places: BTreeMap<&StackId, usize> = stacks
        .iter()
        .enumerate()
        .map(|(place, id)| (*id, place))
        .collect();
    stacks
        .iter()
        .enumerate()
        .flat_map(|(to, id)| {
            let places = &places;
            graph
                .all_upstream(id)
                .filter_map(move |other| Some((*places.get(other)?, to)))
        })
        .filter(|(from, to)| from < to)
        .collect()
}

fn draw(
    graph: &DependencyGraph,
    stacks: &[&StackId],
    edges: &[(usize, usize)],
    path: impl Fn(&StackId) -> String,
) -> Drawing {
    let drawn = layout(stacks.len(), edges);
    let is_faulty = |id: &StackId| {
        graph
            .problems()
            .iter()
            .any(|problem| problem.stacks().contains(id))
    };
    let nodes = stacks.iter().enumerate().map(|(at, id)| {
        let faulty = is_faulty(id);
        let below = match graph.all_upstream(id).count() {
            0 => "waits for nothing".to_owned(),
            number => format!("waits for {}", counted(number, "stack", "stacks")),
        };
        Node {
            x: place(drawn.nodes[at].0),
            y: place(drawn.nodes[at].1),
            class: if faulty { "person" } else { "plain" },
            mark: if faulty { "!" } else { "◆" },
            name: cut(id.as_str(), Drawing::NAME_MAX),
            id: id.to_string(),
            below,
            path: Some(path(id)),
            is_chosen: false,
            edges: drawn.edges_of(edges, at),
        }
    });
    let nodes = nodes.collect();
    let words = format!("The dependencies of {}", counted(stacks.len(), "stack", "stacks"));
    Drawing::new(drawn, nodes, words)
}
