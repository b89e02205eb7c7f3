//! The command as people and scripts run it: the real binary, against an account in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod audit;
mod audit_manifest;
mod chain;
mod codec_server;
mod completion;
mod conforms;
mod depend;
mod dev;
mod doctor;
mod documents;
mod exit_codes;
mod export;
mod failures;
mod help;
mod lint;
mod migrate;
mod mock;
mod mock_serve;
mod output;
mod plan;
mod profile;
mod query;
mod replay;
mod report;
mod run;
mod schemas;
mod sink;
mod webhook;
mod world;
