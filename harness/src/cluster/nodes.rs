//! Nodes that stop and start while the cluster runs, as virtual machines do.

use futures_util::future::try_join_all;

use super::Cluster;
use crate::await_until::{Probe, Wait};
use crate::component::shell::{self, Shell};
use crate::component::{holder, mesos_agent, mesos_master, node_docker, zookeeper};
use crate::deadlines::{AGENT_REGISTERED, COMPONENT_ENDS, NODE_TURN};
use crate::docker::{Selection, container, removal};
use crate::file_lock::FileLock;
use crate::node::{Node, NodeName};
use crate::{Error, Kind, Result, lease};

impl Cluster {
    /// Starts `mesos-slave<number>` and waits until its agent is registered: `vagrant up mesos-slave2`.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_slave(&mut self, number: u8) -> Result<Node> {
        self.start(NodeName::Slave(number)).await
    }

    /// Starts a node that was stopped, or a slave that never was there, and waits until it does its work.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where it runs already, is no node of this cluster, or no master runs; else as the engine
    /// answers or a component fails. A slave that fails on its first start is removed again.
    pub async fn start(&mut self, name: NodeName) -> Result<Node> {
        if self.nodes.contains_key(&name) {
            return Err(
                Error::usage(format!("{name} runs already in the cluster {}", self.name))
                    .hint(format!("`harness stop --name {} {name}` stops it", self.name)),
            );
        }
        if let NodeName::Slave(_) = name {
            self.running_master()?;
        }
        let node = self.node_at(name);
        // Another process may be making it at this moment; then it is whole, and there is little left to do.
        let turn = lease::runtime_folder().join(format!("nodes-{}.lock", self.name));
        let _turn = FileLock::take(&turn, NODE_TURN, Kind::Environment, |_| ()).await?;
        if self.is_whole(&node).await? {
            self.resume(&node).await?;
        } else if let NodeName::Slave(_) = name {
            self.boot_slave(&node).await?;
        } else {
            let (masters, zookeepers) = (self.topology.masters, self.topology.zookeepers);
            let own = match masters.max(zookeepers) {
                1 => "mesos-master1, its only master".to_owned(),
                last => format!("mesos-master1 to mesos-master{last}"),
            };
            return Err(
                Error::usage(format!("the cluster {} was booted without {name}", self.name))
                    .expected(format!("{own}, or any slave")),
            );
        }
        self.nodes.insert(name, node.clone());
        Ok(node)
    }

    /// True where each of its containers is there, running or not. What an interrupted `start` left of a slave is removed,
    /// so that it can be made again.
    async fn is_whole(&self, node: &Node) -> Result<bool> {
        let parts = [holder::NAME].into_iter().chain(self.components_on(node.name()));
        let parts = parts.map(|part| async move { container::exists(&self.engine, &node.container(part)).await });
        let there = try_join_all(parts).await?;
        if there.iter().all(|there| *there) {
            return Ok(true);
        }
        if there.contains(&true) && matches!(node.name(), NodeName::Slave(_)) {
            let selection = Selection::node(&self.name, &node.name().to_string());
            let removed = removal::remove(&self.engine, &selection).await;
            if !removed.leaked.is_empty() {
                let summary = format!("{} is there in part, and cannot be made anew", node.name());
                return Err(Error::new(Kind::Cleanup, summary).evidence(removed.leaked.join("\n")));
            }
        }
        Ok(false)
    }

    /// Starts what the topology says is there from the beginning and does not run, as `vagrant up` does with machines
    /// that were halted. Returns the nodes that it started.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_all(&mut self) -> Result<Vec<NodeName>> {
        let slaves = (1..=self.topology.slaves).map(NodeName::Slave);
        let nodes = self.topology.master_nodes().chain(self.topology.service_nodes());
        let halted: Vec<_> = nodes
            .chain(slaves)
            .filter(|name| !self.nodes.contains_key(name))
            .collect();
        for name in &halted {
            self.start(*name).await?;
        }
        Ok(halted)
    }

    /// Stops a node with everything on it, tasks included; [`Cluster::start`] starts it again.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where it does not run, [`crate::Kind::Environment`] where the engine refuses.
    pub async fn stop(&mut self, name: NodeName) -> Result<()> {
        let node = self.node(name)?.clone();
        let components = self.components_on(name);
        for component in &components {
            self.about_to_end(&node, component);
        }
        node_docker::stop(&self.engine, &node).await?;
        for component in components.into_iter().rev().chain([holder::NAME]) {
            container::stop(&self.engine, &node.container(component)).await?;
        }
        self.nodes.remove(&name);
        Ok(())
    }

    /// Kills a component with SIGKILL, as a crash does; its container stays, stopped.
    ///
    /// # Errors
    /// [`crate::Kind::Environment`] where the engine refuses: the component does not run.
    pub async fn kill(&self, node: &Node, component: &str) -> Result<()> {
        self.about_to_end(node, component);
        container::kill(&self.engine, &node.container(component)).await
    }

    /// Ends a component with SIGTERM, as an operator or an init system does; what hears it not is killed after
    /// [`crate::deadlines::CONTAINER_STOP`]. Its container stays, stopped.
    ///
    /// # Errors
    /// [`crate::Kind::Environment`] where the engine refuses.
    pub async fn terminate(&self, node: &Node, component: &str) -> Result<()> {
        self.about_to_end(node, component);
        container::stop(&self.engine, &node.container(component)).await
    }

    /// Says that `component` may end by itself from here on: an agent that is marked as gone does. The death of any
    /// other one, which nobody brought about through this cluster, ends whatever its scenario waits for.
    pub fn lets_end(&self, node: &Node, component: &str) {
        self.expect_death(&node.container(component));
    }

    /// Waits until a component ends by itself.
    ///
    /// # Errors
    /// [`crate::Kind::Deadline`] where it does not, [`crate::Kind::Environment`] where the engine does not tell.
    pub async fn await_end(&self, node: &Node, component: &str) -> Result<()> {
        let containers = [node.container(component)];
        self.expect_death(&containers[0]);
        Wait::that(format!("{component} of {} ends", node.name()), COMPONENT_ENDS)
            .explained_by(node.diagnosis(component))
            .for_future(async {
                match container::death(&self.engine, &containers).await {
                    error if error.kind() == Kind::Component => Ok(()),
                    error => Err(error),
                }
            })
            .await
    }

    /// Starts a component that was killed or stopped. Does not wait for it.
    ///
    /// # Errors
    /// [`crate::Kind::Environment`] where the engine refuses.
    pub async fn revive(&self, node: &Node, component: &str) -> Result<()> {
        self.start_component(node, component).await
    }

    /// Starts the agent of `node` again after a kill, and waits until it has recovered and the leading master has taken
    /// it back.
    ///
    /// # Errors
    /// [`crate::Kind::Environment`] where the engine refuses, [`crate::Kind::Component`] where the agent ends,
    /// [`crate::Kind::Deadline`] where no master takes it.
    pub async fn revive_agent(&self, node: &Node) -> Result<()> {
        self.revive(node, mesos_agent::NAME).await?;
        let agent = node.agent();
        let containers = [node.container(mesos_agent::NAME)];
        Wait::that(format!("the agent of {} is back", node.name()), AGENT_REGISTERED)
            .unless(container::death(&self.engine, &containers))
            .explained_by(node.diagnosis(mesos_agent::NAME))
            .until(async || match agent.is_registered().await {
                Ok(true) => Probe::Ready(()),
                Ok(false) => Probe::NotYet("it answers, and is not registered yet".to_owned()),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// A person's shell on `node`; it is made on the first call.
    ///
    /// # Errors
    /// [`crate::Kind::Image`] or [`crate::Kind::Environment`] where it cannot be made.
    pub async fn shell(&self, node: &Node) -> Result<Shell> {
        let labels = self.labels();
        shell::ensure(&self.engine, &self.recipe(&labels), node, &self.names()).await
    }

    async fn resume(&self, node: &Node) -> Result<()> {
        container::start(&self.engine, &node.container(holder::NAME)).await?;
        node_docker::resume(&self.engine, node).await?;
        for component in self.components_on(node.name()) {
            self.start_component(node, component).await?;
            match component {
                zookeeper::NAME => zookeeper::ready(node).await?,
                mesos_agent::NAME => self.await_agents(std::slice::from_ref(node)).await?,
                mesos_master::NAME => self.await_leader(std::slice::from_ref(node)).await?,
                _ => {}
            }
        }
        self.await_services(node).await
    }

    async fn start_component(&self, node: &Node, component: &str) -> Result<()> {
        let container = node.container(component);
        self.expect_life(&container);
        container::start(&self.engine, &container).await
    }
}
