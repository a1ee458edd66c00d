//! The conformance scenarios: the test `<component>::<area>::<behaviour>` proves the requirement
//! `<component>.<area>.<behaviour>` of `requirements/`.
//!
//! A scenario reads like the workflow it proves: what there is, one stimulus, one eventual check. Whatever it needs
//! beyond that is a verb of the harness.

#![cfg(test)]

mod admin_router;
mod cluster;
mod dcos_cli;
mod fixtures;
mod haproxy;
mod kafka;
mod kafka_manager;
mod libmesos;
mod marathon;
mod mesos;
mod mesos_dns;
mod node;
mod redactions;
mod spark;
mod universe;
mod zookeeper;
