//! ZooKeeper: one server of the ensemble on each of the first nodes.

use std::net::Ipv4Addr;

use super::Recipe;
use crate::await_until::Probe;
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::{Node, NodeName};
use crate::provenance::ComponentRecord;
use crate::stack::ComponentSpec;
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "zookeeper";
/// Where clients connect.
pub const PORT: u16 = 2181;

/// `host:port,…` of an ensemble, as connection strings have it.
#[must_use]
pub fn servers(ensemble: &[Ipv4Addr]) -> String {
    ensemble
        .iter()
        .map(|address| format!("{address}:{PORT}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// The server `id` (from 1) of `ensemble` on `node`.
pub(crate) async fn container(
    recipe: &Recipe<'_>,
    node: NodeName,
    id: usize,
    ensemble: &[Ipv4Addr],
) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let mut container = recipe.joining(node, NAME, &image).env("ZOO_MY_ID", id.to_string());
    if ensemble.len() > 1 {
        let lines = (1..)
            .zip(ensemble)
            .map(|(id, address)| format!("server.{id}={address}:2888:3888;{PORT}"));
        container = container.env("ZOO_SERVERS", lines.collect::<Vec<_>>().join(" "));
    }
    recipe.settings(NAME, container)
}

/// Waits until the server on `node` serves clients: it answers `ruok`, and `srvr` says which mode it is in.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let server = node.zookeeper();
    node.starting(NAME, "ZooKeeper", "serves clients", deadlines::ZOOKEEPER_READY)
        .until(async || match server.status().await {
            Ok(_) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// The Debian package that the image holds.
pub(crate) async fn record(images: &Images, spec: &ComponentSpec, version: &str) -> Result<ComponentRecord> {
    debug_assert!(super::is_ours(spec));
    let image = images.ensure(&super::own_image(NAME, version)).await?;
    ComponentRecord::of_debian(images, image, NAME, "libzookeeper-java").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_names_every_server() {
        let ensemble = [Ipv4Addr::new(10, 64, 0, 11), Ipv4Addr::new(10, 64, 0, 12)];
        assert_eq!(servers(&ensemble), "10.64.0.11:2181,10.64.0.12:2181");
    }
}
