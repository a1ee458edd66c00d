//! The Docker of a node: a proxy that shows, makes and removes what is the node's, and nothing else of the engine.
//!
//! It must not join the node: root there could reach the engine's socket through `/proc/<pid>/root` of a process that it
//! sees. Its own socket lies in a volume, which the node's agent and shell have too.

use std::net::IpAddr;

use super::{Recipe, container_name, mesos_agent, mesos_dns, shell};
use crate::await_until::{Probe, Wait};
use crate::docker::{ContainerSpec, Engine, Place, Selection, container, engine, logs, removal, volume};
use crate::image::ImageSpec;
use crate::node::{Node, NodeName};
use crate::{Result, deadlines, labels};

/// As it stands in the component label.
pub const NAME: &str = "docker-proxy";
/// The component label of what a node's own clients make: containers, images, volumes and networks.
pub const TASK: &str = "task";
/// The component label of the container that publishes ports on a node, which the proxy makes when it needs it.
pub const PORTS: &str = "docker-ports";
/// Where the node's containers see the folder of the proxied socket.
const SOCKET_DIR: &str = "/run/node-docker";
/// Where clients look for Docker's socket.
const USUAL_SOCKET: &str = "/var/run/docker.sock";
/// Where the proxy finds it: in the image the usual path is a link to the proxied one.
const MOUNTED_SOCKET: &str = "/run/engine.sock";
/// The names that the base image has on a node, beside its own: it is the Debian of that name.
const BASE_NAMES: [&str; 5] = [
    "debian",
    "debian:bookworm",
    "debian:bookworm-slim",
    "debian:12",
    "mesos-harness/debian",
];

/// Who uses a node's Docker without being root, as with Debian's package.
const GROUP: &str = "docker";

/// What containers on a node's bridge resolve names by, and what names images have on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// `name:address` of every node.
    pub(crate) hosts: Vec<String>,
    /// For all other names; the engine where there are none.
    pub(crate) servers: Vec<IpAddr>,
    /// Of ours, those that packages and apps run.
    pub(crate) images: Vec<(String, ImageSpec)>,
}

/// Makes the Docker of `node`, where it is not there; it is started, and not waited for.
pub(crate) async fn ensure(engine: &Engine, recipe: &Recipe<'_>, node: NodeName, names: &Names) -> Result<()> {
    let sockets = sockets(recipe.cluster, node);
    volume::create(engine, &sockets, recipe.labels_of(node, NAME)).await?;
    let proxy = proxy(recipe, node, names).await?;
    if !container::exists(engine, proxy.name()).await? {
        match proxy.create(engine).await {
            // Another process entered the same node at the same moment.
            Err(error) if engine::refusal(&error) == Some(409) => {}
            created => created?,
        }
    }
    container::start(engine, proxy.name()).await
}

/// Waits until the Docker of `node` serves.
pub(crate) async fn ready(engine: &Engine, node: &Node) -> Result<()> {
    let proxy = node.container(NAME);
    Wait::that(format!("the Docker of {} serves", node.name()), deadlines::EXEC)
        .look_at_most(deadlines::STARTING_LOOK)
        .unless(container::death(engine, std::slice::from_ref(&proxy)))
        .until(async || match logs::tail(engine, &proxy, 20).await {
            Ok(log) if log.contains("node-docker listens on") => Probe::Ready(()),
            Ok(log) => Probe::NotYet(format!("it has said only {log:?}")),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// Gives a container of `node` the node's Docker, where its clients look for it.
pub(crate) fn given(container: ContainerSpec, cluster: &str, node: NodeName) -> ContainerSpec {
    container
        .mount_read_only(&sockets(cluster, node), SOCKET_DIR)
        .link(USUAL_SOCKET, format!("{SOCKET_DIR}/docker.sock"))
}

/// Stops what runs on `node` beside its components: the containers of its clients, then what publishes their ports, and
/// the proxy last. Where the node has no Docker there is nothing to stop.
pub(crate) async fn stop(engine: &Engine, node: &Node) -> Result<()> {
    let selection = Selection::node(node.cluster(), &node.name().to_string());
    let found = removal::labelled(engine, &selection).await?;
    for component in [TASK, PORTS, NAME] {
        for (object, own) in &found {
            if let removal::Object::Container(name) = object
                && own.get(labels::COMPONENT).is_some_and(|label| label == component)
            {
                container::stop(engine, name).await?;
            }
        }
    }
    Ok(())
}

/// Starts the Docker of `node` again, where it has one; what it published is published again as containers start.
pub(crate) async fn resume(engine: &Engine, node: &Node) -> Result<()> {
    let proxy = node.container(NAME);
    if !container::exists(engine, &proxy).await? {
        return Ok(());
    }
    container::start(engine, &proxy).await?;
    ready(engine, node).await
}

fn sockets(cluster: &str, node: NodeName) -> String {
    format!("{cluster}-{node}-sockets")
}

async fn proxy(recipe: &Recipe<'_>, node: NodeName, names: &Names) -> Result<ContainerSpec> {
    let image = recipe.images.ensure(&shell::image()).await?;
    let base = recipe.images.ensure(&ImageSpec::new("debian")).await?;
    let (cluster, listen) = (recipe.cluster, format!("{SOCKET_DIR}/docker.sock"));
    let sockets = sockets(cluster, node);
    let mut arguments: Vec<(&str, String)> = vec![
        ("cluster", cluster.to_owned()),
        ("node", node.to_string()),
        ("listen", listen),
        ("engine", MOUNTED_SOCKET.to_owned()),
        ("helper", image.clone()),
        ("helper-volume", sockets.clone()),
    ];
    let mut proxy = ContainerSpec::new(
        container_name(cluster, node, NAME),
        &image,
        recipe.labels_of(node, NAME),
    )
    .place(Place::Sealed)
    // Without capabilities, root gives a file of its own to a group that it is in, and to no other.
    .group(GROUP)
    .mount(&sockets, SOCKET_DIR)
    .mount(&engine::socket(), MOUNTED_SOCKET)
    .entrypoint(["node-docker"]);
    if let NodeName::Slave(_) = node {
        let work = mesos_agent::volume(cluster, node, mesos_agent::WORK_DIR);
        // At the same path: it follows links there as the node does.
        proxy = proxy.mount_read_only(&work, mesos_agent::WORK_DIR);
        arguments.push(("path", format!("{}={work}", mesos_agent::WORK_DIR)));
    }
    let own = recipe
        .labels
        .iter()
        .map(|(key, value)| ("label", format!("{key}={value}")));
    arguments.extend(own);
    arguments.extend(BASE_NAMES.map(|name| ("image", format!("{name}={base}"))));
    for (name, spec) in &names.images {
        // Whether it is there is seen when it is asked for.
        arguments.push(("image", format!("{name}={}", recipe.images.reference(spec)?)));
    }
    arguments.extend(names.hosts.iter().map(|line| ("host", line.clone())));
    let servers = names.servers.iter().filter(|server| server.is_ipv4());
    arguments.extend(servers.map(|server| ("dns", server.to_string())));
    if !names.servers.is_empty() {
        arguments.push(("dns-search", mesos_dns::DOMAIN.to_owned()));
    }
    arguments.sort();
    Ok(proxy.command(arguments.iter().map(|(name, value)| format!("--{name}={value}"))))
}
