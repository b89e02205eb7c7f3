//! The HTTP server: GraphQL, the control endpoint, pages, and connections that can fail.

pub(crate) mod connection;
pub(crate) mod control_server;
pub(crate) mod document;
pub(crate) mod environment;
pub(crate) mod pages;
pub(crate) mod server;
