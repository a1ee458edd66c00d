//! A framework and an executor of ours on the JVM, for scenarios: what schedulers in Java see of Mesos through our
//! libmesos.
//!
//! They are in an image with an agent ([`ClusterBuilder::agent_image`](crate::cluster::ClusterBuilder::agent_image)),
//! since the executor is a task. The framework does what a script says, whose verbs are in
//! `fixtures/images/jvm-framework/README.md`, and prints its callbacks.

use std::time::Duration;

use crate::Result;
use crate::cluster::Cluster;
use crate::component::mesos_agent;
use crate::deadlines::Deadline;
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::image::ImageSpec;

/// What the JVM of a framework and that of an executor take, in megabytes: for
/// [`ClusterBuilder::beside`](crate::cluster::ClusterBuilder::beside).
pub const MEGABYTES: u64 = 300;
/// A script waits for each of its callbacks for a minute.
const SCRIPT: Deadline = Deadline::custom("JVM_FRAMEWORK", Duration::from_secs(150));

/// Their image.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("jvm-framework")
}

impl Cluster {
    /// Runs the framework on slave `number`, compiled against the jar of this version (0.21.1, 1.4.1 or 1.11.0), to the
    /// end of `script`. `master` is what its driver is given.
    ///
    /// # Errors
    /// As [`Node::exec`](crate::node::Node::exec), for one that fails as well.
    pub async fn jvm_framework(&self, number: u8, jar: &str, master: &str, script: &str) -> Result<ExecOutput> {
        let spec = ExecSpec::new(["jvm-framework", jar, master])
            .stdin(script)
            .within(SCRIPT);
        self.slave(number)?.exec(mesos_agent::NAME, spec).await?.success()
    }
}
