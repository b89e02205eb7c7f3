//! Where the stacks of a graph are drawn: in layers from left to right, each after all that it waits for.
//!
//! Layers are those of the longest way. An edge that passes a layer gets a point in it, so that it runs between the nodes.
//! Barycentres order each layer, which keeps most edges from crossing.

use std::ops::Range;

/// Sizes in the units of the drawing.
pub(crate) const NODE_WIDTH: f64 = 184.0;
pub(crate) const NODE_HEIGHT: f64 = 40.0;
const COLUMN_GAP: f64 = 56.0;
const ROW_GAP: f64 = 12.0;
/// The room that an edge takes in a layer that it passes.
const PASSING_HEIGHT: f64 = 10.0;
const MARGIN: f64 = 8.0;
/// How often the layers are ordered. More changes little.
const SWEEPS: usize = 6;

/// A drawing without its texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The upper left corner of each node.
    pub(crate) nodes: Vec<(f64, f64)>,
    /// The edges in the order in which they were given, as SVG paths.
    pub(crate) edges: Vec<String>,
}

impl Layout {
    /// The paths of the edges that lead from a node or to it. `edges` are those of the drawing.
    pub(crate) fn edges_of(&self, edges: &[(usize, usize)], node: usize) -> Vec<String> {
        edges
            .iter()
            .zip(&self.edges)
            .filter(|((from, to), _)| *from == node || *to == node)
            .map(|(_, path)| path.clone())
            .collect()
    }
}

/// The layer of each node: the number of nodes on the longest way to it.
///
/// Every edge leads from a lower number to a higher one, as in a chain.
pub(crate) fn layers(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut upstream = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        debug_assert!(from < to, "an edge leads back");
        upstream[to].push(from);
    }
    let mut layers: Vec<usize> = Vec::with_capacity(nodes);
    for before in &upstream {
        let layer = before.iter().map(|&other| layers[other] + 1).max();
        layers.push(layer.unwrap_or(0));
    }
    layers
}

/// Places nodes. Every edge leads from a lower number to a higher one.
pub(crate) fn layout(nodes: usize, edges: &[(usize, usize)]) -> Layout {
    let mut grid = Grid::new(nodes, edges);
    for sweep in 0..SWEEPS {
        grid.order(sweep % 2 == 0);
    }
    let tops = grid.tops();
    let height = (0..grid.layer_of.len())
        .map(|point| tops[point] + grid.height(point))
        .fold(NODE_HEIGHT, f64::max);
    let x = |layer: usize| MARGIN + as_f64(layer) * (NODE_WIDTH + COLUMN_GAP);
    let last = grid.points.len().saturating_sub(1);
    Layout {
        width: x(last) + NODE_WIDTH + MARGIN,
        height: height + 2.0 * MARGIN,
        nodes: (0..nodes)
            .map(|node| (x(grid.layer_of[node]), tops[node] + MARGIN))
            .collect(),
        edges: grid.ways.iter().map(|way| path(way, &grid, &tops, x)).collect(),
    }
}

/// The nodes and the points at which edges pass layers.
struct Grid {
    nodes: usize,
    /// Points in their order from above, for each layer.
    points: Vec<Vec<usize>>,
    layer_of: Vec<usize>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// The points of each edge.
    ways: Vec<Vec<usize>>,
}

impl Grid {
    fn new(nodes: usize, edges: &[(usize, usize)]) -> Self {
        let mut layer_of = layers(nodes, edges);
        let mut ways = Vec::with_capacity(edges.len());
        for &(from, to) in edges {
            let passed: Range<usize> = layer_of[from] + 1..layer_of[to];
            let mut way = vec![from];
            for layer in passed {
                way.push(layer_of.len());
                layer_of.push(layer);
            }
            way.push(to);
            ways.push(way);
        }
        let mut before = vec![Vec::new(); layer_of.len()];
        let mut after = vec![Vec::new(); layer_of.len()];
        for way in &ways {
            for pair in way.windows(2) {
                before[pair[1]].push(pair[0]);
                after[pair[0]].push(pair[1]);
            }
        }
        let count = layer_of.iter().max().map_or(0, |last| last + 1);
        let mut points = vec![Vec::new(); count];
        for (point, &layer) in layer_of.iter().enumerate() {
            points[layer].push(point);
        }
        Self {
            nodes,
            points,
            layer_of,
            before,
            after,
            ways,
        }
    }

    fn height(&self, point: usize) -> f64 {
        if point < self.nodes {
            NODE_HEIGHT
        } else {
            PASSING_HEIGHT
        }
    }

    /// Orders each layer by the mean place of its neighbours in the layer before, or in the one after.
    fn order(&mut self, forward: bool) {
        let mut places = vec![0; self.layer_of.len()];
        let count = self.points.len();
        for step in 0..count {
            let layer = if forward { step } else { count - 1 - step };
            let neighbours = if forward { &self.before } else { &self.after };
            let mut keyed: Vec<(f64, usize)> = self.points[layer]
                .iter()
                .enumerate()
                .map(|(place, &point)| {
                    let mean = mean(neighbours[point].iter().map(|&other| as_f64(places[other])));
                    (mean.unwrap_or(as_f64(place)), point)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.points[layer] = keyed.into_iter().map(|(_, point)| point).collect();
            for (place, &point) in self.points[layer].iter().enumerate() {
                places[point] = place;
            }
        }
    }

    /// The upper edge of each point: near the middle of what is before it, and never over another one.
    fn tops(&self) -> Vec<f64> {
        let mut tops = vec![0.0; self.layer_of.len()];
        for layer in &self.points {
            let mut next = f64::NEG_INFINITY;
            let mut shifts = Vec::with_capacity(layer.len());
            for &point in layer {
                let half = self.height(point) / 2.0;
                let centres = self.before[point]
                    .iter()
                    .map(|&other| tops[other] + self.height(other) / 2.0);
                let wanted = mean(centres).map(|centre| centre - half);
                let top = wanted.map_or(if next.is_finite() { next } else { 0.0 }, |wanted| {
                    wanted.max(next)
                });
                shifts.push(wanted.map_or(0.0, |wanted| wanted - top));
                tops[point] = top;
                next = top + self.height(point) + ROW_GAP;
            }
            let shift = mean(shifts.into_iter()).unwrap_or(0.0);
            for &point in layer {
                tops[point] += shift;
            }
        }
        let least = tops.iter().copied().fold(f64::INFINITY, f64::min);
        tops.iter()
            .map(|top| if least.is_finite() { top - least } else { *top })
            .collect()
    }
}

fn path(way: &[usize], grid: &Grid, tops: &[f64], x: impl Fn(usize) -> f64) -> String {
    use std::fmt::Write as _;

    let y = |point: usize| MARGIN + tops[point] + grid.height(point) / 2.0;
    let mut text = String::new();
    for pair in way.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (x1, y1) = (x(grid.layer_of[from]) + NODE_WIDTH, y(from));
        let (x2, y2) = (x(grid.layer_of[to]), y(to));
        let middle = f64::midpoint(x1, x2);
        // Over a layer that is passed the line is straight.
        let verb = if text.is_empty() { 'M' } else { 'L' };
        let start = if text.is_empty() {
            x1
        } else {
            x(grid.layer_of[from])
        };
        let _ = match verb {
            'M' => write!(text, "M{start:.0} {y1:.1}"),
            _ => write!(text, "L{x1:.0} {y1:.1}"),
        };
        let _ = write!(text, "C{middle:.0} {y1:.1} {middle:.0} {y2:.1} {x2:.0} {y2:.1}");
    }
    text
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[expect(clippy::cast_precision_loss, reason = "places and layers are small numbers")]
fn as_f64(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_in_the_layer_after_all_that_it_waits_for() {
        assert_eq!(layers(5, &[(0, 1), (1, 2), (0, 2), (2, 4)]), [0, 1, 2, 0, 3]);
    }

    #[test]
    fn no_two_nodes_overlap() {
        let edges: Vec<(usize, usize)> = (1..60).flat_map(|to| [(to / 3, to), (to / 2, to)]).collect();
        let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from < to).collect();
        let drawn = layout(60, &edges);
        for (at, (x, y)) in drawn.nodes.iter().enumerate() {
            assert!(
                x + NODE_WIDTH <= drawn.width && y + NODE_HEIGHT <= drawn.height,
                "{at} is outside"
            );
            assert!(*x >= 0.0 && *y >= 0.0);
            for (other_x, other_y) in &drawn.nodes[..at] {
                let apart = (x - other_x).abs() >= NODE_WIDTH || (y - other_y).abs() >= NODE_HEIGHT;
                assert!(apart, "{at} overlaps");
            }
        }
        assert_eq!(drawn.edges.len(), edges.len());
    }

    #[test]
    fn two_parallel_ways_do_not_cross() {
        // 0 → 2, 1 → 3, given in the wrong order for the second layer.
        let drawn = layout(4, &[(0, 3), (1, 2)]);
        let y = |node: usize| drawn.nodes[node].1;
        assert!((y(0) < y(1)) == (y(3) < y(2)));
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(layout(0, &[]).nodes.is_empty());
    }
}
