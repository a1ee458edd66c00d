//! A cluster: one isolated stack with a network, nodes and a ZooKeeper of its own.

mod attach;
mod boot;
mod builder;
mod masters;
mod nodes;
mod partition;
mod prepare;
mod readiness;
mod teardown;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::client::marathon::MarathonClient;
use crate::client::mesos::agent::Sandbox;
use crate::client::mesos::{Framework, FrameworkSpec, MasterClient, TaskHandle};
use crate::client::zookeeper::ZooKeeper;
use crate::component::{Service, holder, mesos_agent, mesos_master};
use crate::docker::network::Subnet;
use crate::docker::{Engine, container};
use crate::error::Context;
use crate::evidence::Recorder;
use crate::image::Images;
use crate::keep::Keep;
use crate::labels::Labels;
use crate::lease::Lease;
use crate::node::{Node, NodeName};
use crate::package::universe::{Served, Universe};
use crate::provenance::ComponentRecord;
use crate::stack::{AgentSpec, Stack, TopologyFile};
use crate::suggest::hinted;
use crate::vigil::Vigil;
use crate::{Error, Kind, Result, component, toolbox, workload};

pub use attach::{ClusterSummary, ContainerState, clusters};
pub use builder::ClusterBuilder;
pub use partition::Partition;

/// A Java heap of 128 MB, and the machine around it.
const ZOOKEEPER_MB: u64 = 192;
/// Idle it takes 12 MB; its state grows with agents and tasks.
const MASTER_MB: u64 = 64;
/// Idle it takes 8 MB; each executor and its task take as much again.
const AGENT_MB: u64 = 128;

/// The proxy, what publishes ports, and a container or two of a task.
const DOCKER_MB: u64 = 96;

/// How many nodes of a kind have which component.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Topology {
    /// Masters, on `mesos-master1` and up.
    pub masters: u8,
    /// Servers of the ZooKeeper ensemble, on the same nodes.
    pub zookeepers: u8,
    /// Agents that are started at boot, on `mesos-slave1` and up.
    pub slaves: u8,
    /// The services beside ZooKeeper and Mesos.
    #[serde(default)]
    pub services: BTreeSet<Service>,
    /// Whether slaves have their [Docker](crate::component::node_docker) from the start.
    #[serde(default)]
    pub docker: bool,
}

impl Topology {
    /// What its containers and a few small tasks on each agent take, in megabytes: what it is admitted with.
    #[must_use]
    pub fn megabytes(&self) -> u64 {
        let services = self.services.iter().map(|service| {
            let copies = service.own_node().map_or(self.masters, |_| 1);
            u64::from(copies) * service.megabytes()
        });
        u64::from(self.zookeepers) * ZOOKEEPER_MB
            + u64::from(self.masters) * MASTER_MB
            + u64::from(self.slaves) * self.megabytes_of_slave()
            + services.sum::<u64>()
    }

    /// What one slave takes: one that is started later is admitted with that.
    #[must_use]
    pub fn megabytes_of_slave(&self) -> u64 {
        AGENT_MB + if self.docker { DOCKER_MB } else { 0 }
    }

    /// The nodes that carry masters, ZooKeeper or both.
    fn master_nodes(&self) -> impl Iterator<Item = NodeName> + use<> {
        (1..=self.masters.max(self.zookeepers)).map(NodeName::Master)
    }

    /// The nodes that the cluster has for a service alone.
    fn service_nodes(&self) -> impl Iterator<Item = NodeName> {
        self.services.iter().filter_map(|service| service.own_node())
    }

    /// The services on `node`.
    fn services_on(&self, node: NodeName) -> impl Iterator<Item = Service> {
        let is_master = matches!(node, NodeName::Master(number) if number <= self.masters);
        let services = self.services.iter().copied();
        services.filter(move |service| service.own_node().map_or(is_master, |own| own == node))
    }
}

/// A booted cluster. Ends with [`Cluster::finish`] or [`Cluster::down`]; whatever ends the process otherwise, the
/// [lease](crate::lease) removes everything.
#[derive(Debug)]
pub struct Cluster {
    engine: Engine,
    images: Images,
    stack: Stack,
    name: String,
    subnet: Subnet,
    topology: Topology,
    topology_file: Option<TopologyFile>,
    agents: BTreeMap<NodeName, AgentSpec>,
    nodes: BTreeMap<NodeName, Node>,
    /// Absent on a cluster that another process booted.
    lease: Option<Arc<Lease>>,
    /// The labels that an attached cluster's network has from its owner.
    origin: Labels,
    /// Absent outside scenarios.
    recorder: Option<Arc<Recorder>>,
    /// Its stack is the run's: what it is made of is what the report judges.
    is_subject: bool,
    /// Whether it stays after its scenario.
    keep: Keep,
    /// Ends what its scenario waits for when a component dies; absent outside scenarios.
    vigil: Option<Vigil>,
    /// What its Universe has; empty where it was not booted here, for [`Cluster::served`] says where everything is.
    universe: Universe,
    served: Served,
}

impl Cluster {
    /// Starts describing a cluster. Unless told otherwise: one master, one agent, as in the README.
    #[must_use]
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// Its name: the first part of every container's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was booted with.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The stack that it was booted with.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The topology file that it was booted with.
    #[must_use]
    pub fn topology_file(&self) -> Option<&TopologyFile> {
        self.topology_file.as_ref()
    }

    /// What its Universe serves, and where; nothing where it has none.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.served
    }

    /// The range of its addresses.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// Every node that runs now, masters first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The node called `name`.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where no such node runs; the message names those that do.
    pub fn node(&self, name: NodeName) -> Result<&Node> {
        self.nodes.get(&name).ok_or_else(|| {
            let running: Vec<String> = self.nodes.keys().map(NodeName::to_string).collect();
            let expected = match running.as_slice() {
                [] => "a node that runs; none does".to_owned(),
                _ => format!("one of {}", running.join(", ")),
            };
            Error::usage(format!("no node {name} runs in the cluster {}", self.name))
                .expected(expected)
                .ran(format!("harness status --name {}", self.name))
                .hint(format!("`harness start --name {} {name}` starts it", self.name))
        })
    }

    /// The node whose agent has the host name `hostname`: its address, where nothing was told otherwise.
    ///
    /// # Errors
    /// [`Kind::Internal`] where no node that runs has it.
    pub fn node_of(&self, hostname: &str) -> Result<&Node> {
        let found = self.nodes().find(|node| node.address().to_string() == hostname);
        found.ok_or_else(|| Error::internal(format!("no node of the cluster {} is {hostname}", self.name)))
    }

    /// `mesos-master1`, whether it runs or was stopped: [`Cluster::node`] tells.
    #[must_use]
    pub fn master(&self) -> Node {
        self.node_at(NodeName::Master(1))
    }

    /// The node called `name`, whether it runs or was stopped: for its logs.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where it never was there; [`Kind::Environment`] where the engine does not answer.
    pub async fn any_node(&self, name: NodeName) -> Result<Node> {
        let node = self.node_at(name);
        if self.nodes.contains_key(&name) || container::exists(&self.engine, &node.container(holder::NAME)).await? {
            return Ok(node);
        }
        self.node(name).cloned()
    }

    /// `mesos-slave<number>`.
    ///
    /// # Errors
    /// As [`Cluster::node`].
    pub fn slave(&self, number: u8) -> Result<&Node> {
        self.node(NodeName::Slave(number))
    }

    /// A client of the first master that runs. It follows redirects to the leading one where that matters. Where none
    /// runs, its requests say so.
    #[must_use]
    pub fn mesos(&self) -> MasterClient {
        self.any_master().master()
    }

    /// A client of the Marathon on the first master node that runs; it passes on to the leader what it does not answer
    /// itself. In a cluster without Marathon its requests say so.
    #[must_use]
    pub fn marathon(&self) -> MarathonClient {
        self.any_master().marathon()
    }

    fn any_master(&self) -> Node {
        self.running_master().cloned().unwrap_or_else(|_| self.master())
    }

    /// A client of the whole ensemble.
    ///
    /// # Errors
    /// As [`ZooKeeper::connect`].
    pub async fn zookeeper(&self) -> Result<ZooKeeper> {
        ZooKeeper::connect(&component::zookeeper::servers(&self.ensemble())).await
    }

    /// Subscribes a framework with the master.
    ///
    /// # Errors
    /// As [`Framework::subscribe`].
    pub async fn framework(&self, spec: FrameworkSpec) -> Result<Framework> {
        let master = self.any_master().address();
        Framework::subscribe(&format!("http://{master}:{}", mesos_master::PORT), spec).await
    }

    /// The sandbox of a task, through the files API of the agent that runs or ran it.
    ///
    /// # Errors
    /// [`crate::Kind::Answer`] where that agent knows of no such task.
    pub async fn sandbox(&self, task: &TaskHandle) -> Result<Sandbox> {
        let unknown = || {
            format!(
                "the task {} is on {}, which is no node here",
                task.id(),
                task.hostname()
            )
        };
        let node = self.node_of(task.hostname()).context(Kind::Answer, unknown)?;
        node.agent().sandbox(task.framework_id(), task.id()).await
    }

    /// What every component of this cluster is, for reports and for `up`'s closing table.
    ///
    /// # Errors
    /// As the engine and the images answer.
    pub async fn components(&self) -> Result<Vec<ComponentRecord>> {
        let mut records = Vec::new();
        let is_absent = |name| Service::named(name).is_some_and(|service| !self.topology.services.contains(&service));
        for (name, _) in self.stack.components().filter(|(name, _)| !is_absent(name)) {
            records.extend(component::records(&self.engine, &self.images, &self.stack, name).await?);
        }
        // The CLI reaches everything through the router: where there is none, nobody uses it.
        if self.topology.services.contains(&Service::AdminRouter) {
            records.push(toolbox::record(&self.images)?);
        }
        for image in self.packaged() {
            records.extend(workload::records(&self.images, &image)?);
        }
        Ok(records)
    }

    fn address(&self, name: NodeName) -> Ipv4Addr {
        self.subnet.address(name.host_octet())
    }

    fn ensemble(&self) -> Vec<Ipv4Addr> {
        (1..=self.topology.zookeepers)
            .map(|number| self.address(NodeName::Master(number)))
            .collect()
    }

    fn masters(&self) -> Vec<Ipv4Addr> {
        (1..=self.topology.masters)
            .map(|number| self.address(NodeName::Master(number)))
            .collect()
    }

    /// What the agent of `node` offers: the builder's word, else the stack's.
    fn agent_spec(&self, node: NodeName) -> AgentSpec {
        self.agents
            .get(&node)
            .unwrap_or_else(|| self.stack.agent_on(&node.to_string()))
            .clone()
    }

    /// The engine it is on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where its images come from.
    #[must_use]
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The component called `name` among those that belong on `node`.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] naming those of the node, and the one that was meant.
    pub fn component_on(&self, node: NodeName, name: &str) -> Result<&'static str> {
        let components = self.components_on(node);
        components.iter().find(|one| **one == name).copied().ok_or_else(|| {
            let expected = match components.as_slice() {
                [only] => (*only).to_owned(),
                several => format!("one of {}", several.join(", ")),
            };
            let error = Error::usage(format!("{node} has no component {name}")).expected(expected);
            hinted(error, name, &components)
        })
    }

    /// The components that belong on a node, in the order they start.
    #[must_use]
    pub fn components_on(&self, name: NodeName) -> Vec<&'static str> {
        match name {
            NodeName::Slave(_) => vec![mesos_agent::NAME],
            NodeName::Master(number) => {
                let zookeeper = (number <= self.topology.zookeepers).then_some(component::zookeeper::NAME);
                let master = (number <= self.topology.masters).then_some(mesos_master::NAME);
                let services = self.topology.services_on(name).map(Service::name);
                zookeeper.into_iter().chain(master).chain(services).collect()
            }
            NodeName::Haproxy(_) | NodeName::Universe(_) => {
                self.topology.services_on(name).map(Service::name).collect()
            }
        }
    }
}
