//! HAProxy on a node of its own, and the bridge that configures it after Marathon.

use super::service::Surroundings;
use super::{Recipe, marathon};
use crate::await_until::Probe;
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::{Node, NodeName};
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "haproxy";
/// Where its statistics are; services have the ports that Marathon gives them.
pub const PORT: u16 = 9090;
/// Who may see the statistics: user and password, as on the original VMs.
pub const STATISTICS: (&str, &str) = ("admin", "admin");
/// The configuration that is in use, in its container.
pub const CONFIG: &str = "/etc/haproxy/haproxy.cfg";
/// As it stands in reports.
const BRIDGE: &str = "haproxy-marathon-bridge";

/// HAProxy on `node`, which follows the Marathon of every master node.
pub(crate) async fn container(recipe: &Recipe<'_>, node: NodeName, around: &Surroundings<'_>) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let container = recipe
        .joining(node, NAME, &image)
        .env("BRIDGE_MARATHON", around.masters_at(marathon::PORT));
    recipe.settings(NAME, container)
}

/// Waits until the one on `node` shows its statistics. It serves before it has heard of Marathon.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let (user, password) = STATISTICS;
    let http = node.http(PORT).credential(user, password);
    node.starting(NAME, "HAProxy", "shows its statistics", deadlines::HAPROXY_READY)
        .until(async || {
            let statistics = async { http.get("haproxy").query("stats", "").send().await?.ok() };
            match statistics.await {
                Ok(_) => Probe::Ready(()),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}

/// Debian's HAProxy, and our program in the place of the script.
pub(crate) async fn records(images: &Images, version: &str) -> Result<Vec<ComponentRecord>> {
    let image = images.ensure(&super::own_image(NAME, version)).await?;
    let bridge = ComponentRecord {
        name: BRIDGE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: Provenance::StandIn,
        artefact: "the interface of the script haproxy-marathon-bridge of Marathon 0.11, built here".to_owned(),
        sha256: String::new(),
        image: image.clone(),
    };
    let haproxy = ComponentRecord::of_debian(images, image, NAME, "haproxy").await?;
    Ok(vec![haproxy, bridge])
}
