//! Admin Router: Debian's nginx under our own configuration, or a user's own image.

use super::service::{Service, Surroundings};
use super::{Recipe, mesos_dns, mesos_master};
use crate::await_until::Probe;
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::{Node, NodeName};
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "admin-router";
/// Where it listens without TLS.
pub const PORT: u16 = 80;
/// Where it listens with TLS.
pub const TLS_PORT: u16 = 443;
/// Where its certificate is, in its container.
pub const CERTIFICATE: &str = "/etc/admin-router/tls/certificate.pem";

/// Admin Router on `node`. It knows every master, and of the other services the one on its own node first: it works
/// where there is no Mesos-DNS, and goes on when one node is gone.
pub(crate) async fn container(recipe: &Recipe<'_>, node: NodeName, around: &Surroundings<'_>) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let container = recipe
        .joining(node, NAME, &image)
        .env("ADMIN_ROUTER_MESOS", around.masters_at(mesos_master::PORT))
        .env("ADMIN_ROUTER_MARATHON", around.of(Service::Marathon))
        .env("ADMIN_ROUTER_MESOS_DNS", around.masters_at(mesos_dns::HTTP_PORT))
        .env("COREOS_PUBLIC_IPV4", around.address.to_string());
    recipe.settings(NAME, container)
}

/// Waits until the one on `node` leads to a Mesos master.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let http = node.http(PORT);
    node.starting(NAME, "Admin Router", "leads to Mesos", deadlines::ADMIN_ROUTER_READY)
        .until(async || {
            let version = async { http.get("mesos/version").send().await?.ok() };
            match version.await {
                Ok(_) => Probe::Ready(()),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}

/// The nginx is Debian's; what makes a router of it is ours.
pub(crate) async fn record(images: &Images, version: &str) -> Result<ComponentRecord> {
    let image = images.ensure(&super::own_image(NAME, version)).await?;
    let nginx = images.debian_package(&image, "nginx").await?;
    Ok(ComponentRecord {
        name: NAME.to_owned(),
        version: version.to_owned(),
        provenance: Provenance::StandIn,
        artefact: format!(
            "the routes of adminrouter-public 65d07fc, our own configuration of the Debian package {} {}",
            nginx.name, nginx.version
        ),
        sha256: nginx.sha256,
        image,
    })
}
