//! Marathon: our stand-in, or a user's own image.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::service::Surroundings;
use super::{Recipe, mesos_master, zookeeper};
use crate::await_until::Probe;
use crate::docker::ContainerSpec;
use crate::node::{Node, NodeName};
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "marathon";
/// Where it listens.
pub const PORT: u16 = 8080;

/// Marathon on `node`, configured by environment alone: `bin/start` of the original makes a flag of every `MARATHON_*`.
pub(crate) async fn container(recipe: &Recipe<'_>, node: NodeName, around: &Surroundings<'_>) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let container = recipe
        .joining(node, NAME, &image)
        .env("MARATHON_MASTER", mesos_master::election(around.ensemble))
        .env("MARATHON_ZK", state(around.ensemble))
        .env("MARATHON_HOSTNAME", around.address.to_string())
        .env("MARATHON_HTTP_PORT", PORT.to_string())
        // The original VMs' value, in milliseconds: a task may have an image to pull.
        .env("MARATHON_TASK_LAUNCH_TIMEOUT", "600000");
    recipe.settings(NAME, container)
}

/// `zk://…/marathon`: where it keeps its apps and elects its leader.
#[must_use]
pub fn state(ensemble: &[Ipv4Addr]) -> String {
    format!("zk://{}/marathon", zookeeper::servers(ensemble))
}

/// Waits until the one on `node` knows a leader, and that leader is a framework of the Mesos master.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let http = node.http(PORT);
    node.starting(NAME, "Marathon", "leads or follows", deadlines::MARATHON_READY)
        .until(async || {
            let info: Result<Value> = async { http.get("v2/info").send().await?.json() }.await;
            match info {
                Ok(info) if info["leader"].is_null() => Probe::NotYet("no leader is elected yet".to_owned()),
                Ok(info) if info["frameworkId"].is_null() => {
                    Probe::NotYet("its leader is not registered with Mesos yet".to_owned())
                }
                Ok(_) => Probe::Ready(()),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}
