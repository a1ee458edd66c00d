//! When what was started does its work: a slave's Docker, agents, services.

use futures_util::future::try_join_all;

use super::Cluster;
use crate::await_until::{Probe, Wait};
use crate::component::{mesos_agent, mesos_master, node_docker};
use crate::docker::container;
use crate::node::Node;
use crate::{Result, deadlines};

/// Of so many agents that do not register the logs are shown.
const DIAGNOSED: usize = 3;

impl Cluster {
    /// Waits until the Docker of `node` serves, where it has one from the start: its agent looks for it once.
    pub(super) async fn await_docker(&self, node: &Node) -> Result<()> {
        match self.has_docker(node.name()) {
            true => node_docker::ready(&self.engine, node).await,
            false => Ok(()),
        }
    }

    /// Waits until every service of `node` serves.
    pub(super) async fn await_services(&self, node: &Node) -> Result<()> {
        let services = self.topology.services_on(node.name());
        try_join_all(services.map(|service| service.ready(node)))
            .await
            .map(drop)
    }

    /// Waits until the leading master lists the agents of `nodes` as active.
    pub(super) async fn await_agents(&self, nodes: &[Node]) -> Result<()> {
        if nodes.is_empty() {
            return Ok(());
        }
        let names = nodes
            .iter()
            .map(|node| node.name().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let containers: Vec<String> = nodes.iter().map(|node| node.container(mesos_agent::NAME)).collect();
        let master_node = self.running_master()?;
        let master = master_node.master();
        Wait::that(
            format!("the agents of {names} are registered"),
            deadlines::AGENT_REGISTERED,
        )
        .unless(container::death(&self.engine, &containers))
        .explained_by(async {
            let mut tails = master_node.diagnosis(mesos_master::NAME).await;
            for node in nodes.iter().take(DIAGNOSED) {
                tails.extend(node.diagnosis(mesos_agent::NAME).await);
            }
            tails
        })
        .until(async || {
            let registered = match master.agents().await {
                Ok(agents) => agents,
                Err(error) => return Probe::NotYet(error.to_string()),
            };
            let active = |node: &&Node| {
                let address = node.address().to_string();
                registered.iter().any(|agent| agent.active && agent.hostname == address)
            };
            let missing: Vec<String> = nodes
                .iter()
                .filter(|node| !active(node))
                .map(|node| node.name().to_string())
                .collect();
            if missing.is_empty() {
                return Probe::Ready(());
            }
            Probe::NotYet(format!("not yet registered: {}", missing.join(", ")))
        })
        .await
    }
}
