//! Boots whole Apache Mesos clusters in Docker, drives them through typed clients, and judges what they do.
//!
//! One picture: a *scenario* asks the harness for a [`Cluster`]; a cluster is [nodes](node::Node); a node is one
//! address with [components](component) on it; a component is an [image](mod@image), a configuration, a readiness rule
//! and a typed [client]. `harness/DESIGN.md` has the decisions and their reasons.

pub mod await_until;
pub mod catalogue;
pub mod client;
pub mod cluster;
pub mod component;
pub mod conform;
pub mod deadlines;
pub mod docker;
pub mod doctor;
pub mod error;
pub mod evidence;
pub mod explain;
mod file_lock;
pub mod fixtures;
pub mod image;
pub mod interrupt;
pub mod labels;
pub mod lease;
pub mod node;
pub mod prelude;
pub mod provenance;
pub mod reap;
pub mod report;
pub mod setup;
pub mod stack;
pub mod sweep;
pub mod toolbox;
pub mod workspace;

pub use cluster::Cluster;
pub use error::{Error, Kind, Result};
