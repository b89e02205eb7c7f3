//! Authentic deliveries with other methods and paths.

use super::case::{Case, delivery, event, proposed};

pub(super) fn cases() -> Vec<Case> {
    let there = |name, method| delivery(name, event()).at(method, "/webhook").other_method();
    let elsewhere = |name, target| delivery(name, event()).at("POST", target).not_found();
    vec![
        there("GET", "GET"),
        there("PUT", "PUT"),
        there("PATCH", "PATCH"),
        there("DELETE", "DELETE"),
        there("OPTIONS", "OPTIONS"),
        there("TRACE", "TRACE"),
        there("a method of its own", "DELIVER"),
        there("a method in lower case", "post"),
        delivery("GET that says it is POST", event())
            .at("GET", "/webhook")
            .and("x-http-method-override", "POST")
            .other_method(),
        delivery("POST to the health check", event())
            .at("POST", "/health")
            .other_method(),
        elsewhere("the root", "/"),
        elsewhere("a slash after", "/webhook/"),
        elsewhere("a slash before", "//webhook"),
        elsewhere("a path in upper case", "/WEBHOOK"),
        elsewhere("a way around", "/docs/../webhook"),
        elsewhere("an escaped letter", "/%77ebhook"),
        elsewhere("an escaped NUL", "/webhook%00"),
        elsewhere("a parameter in the path", "/webhook;v=1"),
        delivery("a query", proposed())
            .at("POST", "/webhook?secret=x")
            .read(),
    ]
}
