//! The Mesos master.

use std::net::Ipv4Addr;

use super::{Recipe, zookeeper};
use crate::Result;
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::NodeName;
use crate::provenance::{ComponentRecord, Provenance};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "mesos-master";
/// Where it listens.
pub const PORT: u16 = 5050;
/// Where master and agent write their logs, beside standard error: what their files API serves as `/master/log` and
/// `/slave/log` comes from there.
pub const LOG_DIR: &str = "/var/log/mesos";

/// `zk://…/mesos`: where masters are elected and agents find the leader.
#[must_use]
pub fn election(ensemble: &[Ipv4Addr]) -> String {
    format!("zk://{}/mesos", zookeeper::servers(ensemble))
}

/// How many of `masters` must agree: a strict majority, for even numbers too.
#[must_use]
pub fn quorum(masters: usize) -> usize {
    masters / 2 + 1
}

/// A master on `node`, configured by environment alone, so that any image that starts one can stand in its place.
pub(crate) async fn container(
    recipe: &Recipe<'_>,
    node: NodeName,
    address: Ipv4Addr,
    ensemble: &[Ipv4Addr],
    masters: usize,
) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let container = recipe
        .joining(node, NAME, &image)
        .env("MESOS_ZK", election(ensemble))
        .env("MESOS_QUORUM", quorum(masters).to_string())
        .env("MESOS_WORK_DIR", "/var/lib/mesos")
        .env("MESOS_LOG_DIR", LOG_DIR)
        .env("MESOS_IP", address.to_string())
        .env("MESOS_HOSTNAME", address.to_string())
        .env("MESOS_PORT", PORT.to_string())
        .env("MESOS_CLUSTER", recipe.cluster);
    let container = match own_program(recipe, NAME, "mesos-master")? {
        Some(program) => container.entrypoint([program]),
        None => container,
    };
    recipe.settings(NAME, container)
}

/// Our image holds master and agent: say which. A user's own image starts what it starts.
pub(crate) fn own_program(recipe: &Recipe<'_>, component: &str, program: &'static str) -> Result<Option<&'static str>> {
    Ok(super::is_ours(recipe.stack.component(component)?).then_some(program))
}

/// libmesos out of the egg, started by our launcher.
pub(crate) fn record(images: &Images, name: &str, version: &str) -> Result<ComponentRecord> {
    let egg = images.artefact(&format!("mesos-egg-{version}"))?;
    Ok(ComponentRecord {
        name: name.to_owned(),
        version: version.to_owned(),
        provenance: Provenance::UpstreamLibrary,
        artefact: format!("libmesos from {}; ours: the launcher's main, the web page", egg.file),
        sha256: egg.sha256.clone(),
        image: images.reference(&super::own_image(name, version))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_a_strict_majority() {
        assert_eq!([1, 2, 3, 4, 5].map(quorum), [1, 2, 2, 3, 3]);
    }
}
