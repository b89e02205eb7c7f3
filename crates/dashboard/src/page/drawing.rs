//! A graph as SVG: what the drawings of a chain and of the account share.

use crate::layout::{Layout, NODE_HEIGHT, NODE_WIDTH};

pub(super) struct Drawing {
    pub(super) width: String,
    pub(super) height: String,
    /// What is drawn, for those who cannot see it.
    pub(super) words: String,
    pub(super) node_width: f64,
    pub(super) node_height: f64,
    pub(super) edges: Vec<String>,
    pub(super) nodes: Vec<Node>,
}

pub(super) struct Node {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) name: String,
    pub(super) id: String,
    /// The line below the name.
    pub(super) below: String,
    pub(super) path: Option<String>,
    pub(super) is_chosen: bool,
    /// The edges from it and to it, which are drawn again when it is pointed at.
    pub(super) edges: Vec<String>,
}

impl Node {
    /// Its whole name is longer than there is room for.
    pub(super) fn is_cut(&self) -> bool {
        self.name != self.id
    }
}

impl Drawing {
    /// So many characters fit into a node.
    pub(super) const NAME_MAX: usize = 22;

    pub(super) fn new(drawn: Layout, nodes: Vec<Node>, words: String) -> Self {
        Self {
            width: place(drawn.width),
            height: place(drawn.height),
            words,
            node_width: NODE_WIDTH,
            node_height: NODE_HEIGHT,
            edges: drawn.edges,
            nodes,
        }
    }
}

/// A place or a size in the drawing.
pub(super) fn place(number: f64) -> String {
    format!("{number:.1}")
}
