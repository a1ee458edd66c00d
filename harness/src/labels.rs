//! The labels on everything we create, and the only way the harness finds what is its own.
//!
//! Nothing is ever removed by a remembered id: see `harness/DESIGN.md`, "Cleanup".

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Present on every object of ours: container, network, volume and image. The value is the crate's version.
pub const HARNESS: &str = "org.mesos-harness";
/// The lease that owns the object: one per process that creates anything.
pub const LEASE: &str = "org.mesos-harness.lease";
/// The run: nextest's run id, or one of our own.
pub const RUN: &str = "org.mesos-harness.run";
/// The scenario, or `up` for a cluster that a person started.
pub const SCENARIO: &str = "org.mesos-harness.scenario";
/// The cluster's name, unique on an engine.
pub const CLUSTER: &str = "org.mesos-harness.cluster";
/// The node's hostname, as in `mesos-slave1`.
pub const NODE: &str = "org.mesos-harness.node";
/// The component, as in `mesos-agent`; `holder` for a node's holder, `shell` for its shell.
pub const COMPONENT: &str = "org.mesos-harness.component";
/// Whose process made it: `user@host`.
pub const OWNER: &str = "org.mesos-harness.owner";
/// The process that made it, by its number on that host.
pub const PID: &str = "org.mesos-harness.pid";
/// Seconds since the epoch.
pub const CREATED: &str = "org.mesos-harness.created";
/// On a cluster's network: what it was [admitted](crate::admission) with, in megabytes.
pub const MEGABYTES: &str = "org.mesos-harness.megabytes";
/// `1` on what a person asked to keep.
pub const KEEP: &str = "org.mesos-harness.keep";
/// On images: the name of the folder under `fixtures/images/`.
pub const IMAGE: &str = "org.mesos-harness.image";
/// On images: the content hash that is also their tag.
pub const CONTENT: &str = "org.mesos-harness.content";

/// On images: the content hash without this machine's certificates, equal on every machine with the same sources.
pub const SOURCES: &str = "org.mesos-harness.sources";
/// On images: the arguments they were built with, as a JSON object.
pub const ARGS: &str = "org.mesos-harness.args";
/// On images of a user's own folder: that folder and what it was built over, as a JSON object.
pub const OVER: &str = "org.mesos-harness.over";
/// On images: the image whose build they are part of. Stages of a build that are kept as its cache have only this.
pub const STAGE: &str = "org.mesos-harness.stage";

/// A set of labels, as the engine takes it.
pub type Labels = HashMap<String, String>;

/// `label=value`, as the engine's filters take it.
#[must_use]
pub fn equals(label: &str, value: &str) -> String {
    format!("{label}={value}")
}

/// Seconds since the epoch, for [`CREATED`].
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
