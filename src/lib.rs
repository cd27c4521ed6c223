//! highwater: rules over Elasticsearch, judged on a schedule, told once.
//!
//! The map of the house. An arrow only points down:
//!
//! `cli` → `server` → `engine` → {`elastic`, `http`, `kubernetes`, `lines`, `mail`, `store`} → `config` → {`checks`, `sinks`} → `model`
//!
//! | room | what it holds |
//! |---|---|
//! | [`elastic`] | the door to Elasticsearch and OpenSearch: batches, retries, and proof that an answer is complete |
//! | [`aws`] | who we are to Amazon, and requests signed so |
//! | [`http`] | the door for all other HTTP: sinks, heartbeats, services that rules ask |
//! | [`kubernetes`] | the door to Kubernetes: whole lists, trimmed |
//! | [`lines`] | the door for what is written and not answered: standard output, files, datagrams |
//! | [`mail`] | the door for mail: SMTP |
//! | [`cli`] | one file per subcommand |
//! | [`server`] | what is answered from outside: health, readiness, metrics |
//! | [`store`] | the memory: SQLite, one transaction per turn |
//! | [`config`] | settings and rule files, with complaints that point |
//! | [`import`] | pure: rules of ElastAlert2, said in highwater's words |
//! | [`model`] | pure: entities, readings, observations, the state machine, schedule arithmetic |
//! | [`checks`] | pure: one file per kind of check |
//! | [`sinks`] | pure: one file per kind of sink |

#![forbid(unsafe_code)]

pub mod aws;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod elastic;
pub mod engine;
pub mod http;
pub mod import;
mod kinds;
pub mod kubernetes;
pub mod lines;
pub mod mail;
pub mod model;
pub mod server;
pub mod sinks;
pub mod store;
pub mod telemetry;
pub mod threads;
