//! The holder: the small container that is a node. It owns the node's address, hostname, PID namespace and the cgroup
//! of the node's tasks; every component joins it.

use std::net::{IpAddr, Ipv4Addr};

use super::{Recipe, container_name, mesos_dns};
use crate::Result;
use crate::docker::{ContainerSpec, Place};
use crate::image::ImageSpec;
use crate::node::NodeName;

/// As it stands in the component label.
pub const NAME: &str = "holder";

/// The plain Debian base: a shell and `sleep` are all that it needs.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("debian")
}

/// The holder of `node`. `hosts` are `name:address` for every node that may ever be in the cluster, so that
/// hostnames resolve on nodes that were there before. `servers` resolve all other names; the engine where there are none.
pub(crate) async fn container(
    recipe: &Recipe<'_>,
    node: NodeName,
    address: Ipv4Addr,
    hosts: Vec<String>,
    servers: Vec<IpAddr>,
) -> Result<ContainerSpec> {
    let image = recipe.images.ensure(&image()).await?;
    let labels = recipe.labels_of(node, NAME);
    let network = recipe.cluster.to_owned();
    let holder = ContainerSpec::new(container_name(recipe.cluster, node, NAME), image, labels)
        .hostname(node.to_string())
        .place(Place::Address {
            network,
            address,
            hosts,
        })
        .command(["sleep", "infinity"])
        .init();
    Ok(match servers.is_empty() {
        true => holder,
        false => holder.name_servers(servers, mesos_dns::DOMAIN),
    })
}
