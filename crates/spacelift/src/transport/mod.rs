//! How a request travels: the budget, the login, HTTP, and what the answer means. Nothing here is tried twice but
//! once, with a new token, after an `unauthorized`.

mod answer;
mod budget;
mod graphql_error;
mod http;
mod token;

pub(crate) use answer::{Unusable, unusable};
pub(crate) use http::{Effect, Http, Request, bearer_header};
pub(crate) use token::{Login, Tokens};
