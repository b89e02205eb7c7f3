//! How a request is sent: the budget, the login, HTTP, and what the answer means. The only retry is one with a new
//! token after `unauthorized`.

mod answer;
mod budget;
mod effect;
mod graphql_error;
mod http;
mod token;

pub(crate) use answer::{Unusable, unusable};
pub(crate) use effect::Effect;
pub(crate) use http::{Http, Request, bearer_header};
pub(crate) use token::{Login, Token, Tokens};
