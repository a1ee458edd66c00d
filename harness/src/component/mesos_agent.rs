//! The Mesos agent, and how its tasks live on the node and not in its container.

use std::net::Ipv4Addr;

use super::{Recipe, mesos_master};
use crate::Result;
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::NodeName;
use crate::provenance::{ComponentRecord, Provenance};
use crate::stack::AgentSpec;

/// As it stands in the stack file and the component label.
pub const NAME: &str = "mesos-agent";
/// Where it listens.
pub const PORT: u16 = 5051;
/// Where it keeps sandboxes: the path of the original VMs.
pub const WORK_DIR: &str = "/tmp/mesos";
/// Where it keeps what must not survive the node: pids, exit statuses.
pub const RUNTIME_DIR: &str = "/var/run/mesos";

/// The volume of `node` that is mounted at `path` (one of [`WORK_DIR`], [`RUNTIME_DIR`]).
#[must_use]
pub fn volume(cluster: &str, node: NodeName, path: &str) -> String {
    let kind = if path == WORK_DIR { "work" } else { "runtime" };
    format!("{cluster}-{node}-{kind}")
}

/// An agent on `node` that offers what `agent` says and finds its master through `ensemble`. `docker`: it runs Docker
/// tasks too, by the socket that is at the usual place.
pub(crate) async fn container(
    recipe: &Recipe<'_>,
    node: NodeName,
    address: Ipv4Addr,
    ensemble: &[Ipv4Addr],
    agent: &AgentSpec,
    docker: bool,
) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let mut container = recipe
        .joining(node, NAME, &image)
        .env("MESOS_MASTER", mesos_master::election(ensemble))
        .env("MESOS_WORK_DIR", WORK_DIR)
        .env("MESOS_LOG_DIR", mesos_master::LOG_DIR)
        .env("MESOS_RUNTIME_DIR", RUNTIME_DIR)
        .env("MESOS_IP", address.to_string())
        // The README's tables show addresses in the place of hostnames.
        .env("MESOS_HOSTNAME", address.to_string())
        .env("MESOS_PORT", PORT.to_string())
        .env("MESOS_RESOURCES", agent.resources.to_string())
        .env("MESOS_CONTAINERIZERS", if docker { "docker,mesos" } else { "mesos" })
        .env("MESOS_LAUNCHER", "posix")
        .env("MESOS_ISOLATION", "posix/cpu,posix/mem")
        .env("MESOS_SYSTEMD_ENABLE_SUPPORT", "false")
        // The original VMs' value: a slow executor is no failure of the cluster.
        .env("MESOS_EXECUTOR_REGISTRATION_TIMEOUT", "5mins")
        // Two seconds by default, of which an executor of ours may sleep one; a loaded machine needs the rest.
        .env("MESOS_EXECUTOR_REREGISTRATION_TIMEOUT", "6secs")
        // Upstream spreads registrations of a big cluster over a second; here it would only be waited for.
        .env("MESOS_REGISTRATION_BACKOFF_FACTOR", "10ms")
        .mount(&volume(recipe.cluster, node, WORK_DIR), WORK_DIR)
        .mount(&volume(recipe.cluster, node, RUNTIME_DIR), RUNTIME_DIR)
        .host_cgroups();
    if !agent.attributes.entries().is_empty() {
        container = container.env("MESOS_ATTRIBUTES", agent.attributes.to_string());
    }
    if let Some(role) = &agent.role {
        container = container.env("MESOS_DEFAULT_ROLE", role);
    }
    if let Some(program) = mesos_master::own_program(recipe, NAME, "mesos-agent")? {
        // Our launcher moves every container that it starts into the holder's cgroup, so that tasks outlive it.
        container = container
            .entrypoint([program])
            .env("MESOS_HARNESS_TASK_CGROUP", "holder");
    }
    recipe.settings(NAME, container)
}

/// The agent as the master is, and beside it our programs in the place of the libexec helpers that libmesos lacks.
pub(crate) fn records(images: &Images, version: &str) -> Result<Vec<ComponentRecord>> {
    let agent = mesos_master::record(images, NAME, version)?;
    let helpers = ComponentRecord {
        name: "mesos-libexec".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: Provenance::StandIn,
        artefact: "mesos-executor, -default-executor, -docker-executor, -fetcher and -tcp-connect, built here"
            .to_owned(),
        sha256: String::new(),
        image: agent.image.clone(),
    };
    Ok(vec![agent, helpers])
}
