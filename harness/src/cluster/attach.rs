//! Clusters that another process booted: their state is in the labels of their network and containers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, Network};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use serde::Serialize;

use super::{Cluster, Topology, boot};
use crate::component::holder;
use crate::docker::network::Subnet;
use crate::docker::{Engine, Selection};
use crate::image::Images;
use crate::keep::Keep;
use crate::labels::{self, Labels};
use crate::node::{Node, NodeName};
use crate::owner::{Life, Owner};
use crate::package::Universe;
use crate::stack::{Stack, TOPOLOGY_FILE, TopologyFile};
use crate::{Error, Result};

/// One cluster of ours on an engine, as `harness ps` lists it. The names of its fields are those of `ps --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// The range of its addresses.
    pub subnet: String,
    /// The scenario that it was booted for, or `up`.
    pub scenario: String,
    /// The run it belongs to: nextest's id, or one of a single process.
    pub run: String,
    /// Whose it is.
    pub owner: Owner,
    /// Seconds since the epoch.
    pub created: u64,
    /// True where it stays until a person removes it.
    pub kept: bool,
    /// The nodes that run.
    pub nodes: Vec<String>,
    /// Its containers.
    pub containers: Vec<ContainerState>,
}

/// One container of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ContainerState {
    /// The node it is on.
    pub node: String,
    /// Which component it is.
    pub component: String,
    /// The engine's word: `running`, `exited`, `created` and so on.
    pub state: String,
    /// The engine's sentence, as in `Up 3 minutes`.
    pub status: String,
}

/// Every cluster of ours on the engine, by name.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine does not list.
pub async fn clusters(engine: &Engine) -> Result<Vec<ClusterSummary>> {
    let ours = Selection::ours();
    let filters = ours.filters();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let (networks, containers) = tokio::try_join!(
        engine.request(
            "list networks",
            "docker network ls",
            engine.docker().list_networks(Some(networks))
        ),
        engine.request(
            "list containers",
            "docker ps -a",
            engine.docker().list_containers(Some(containers))
        ),
    )?;
    let mut found: Vec<ClusterSummary> = networks
        .iter()
        .filter_map(|network| summary(network, &containers))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn summary(network: &Network, containers: &[ContainerSummary]) -> Option<ClusterSummary> {
    let own = network.labels.as_ref()?;
    let name = own.get(labels::CLUSTER)?.clone();
    let label = |key: &str| own.get(key).cloned().unwrap_or_default();
    let mut states: Vec<ContainerState> = containers
        .iter()
        .filter_map(|container| state(container, &name))
        .collect();
    states.sort();
    let owner = Owner::of(own);
    Some(ClusterSummary {
        subnet: subnet_of(network).map(|subnet| subnet.to_string()).unwrap_or_default(),
        scenario: label(labels::SCENARIO),
        run: label(labels::RUN),
        created: label(labels::CREATED).parse().unwrap_or_default(),
        // What is to be kept is so only once it was handed over.
        kept: owner.life == Life::Kept,
        owner,
        nodes: running(&states).map(|name| name.to_string()).collect(),
        containers: states,
        name,
    })
}

fn state(container: &ContainerSummary, cluster: &str) -> Option<ContainerState> {
    let own = container.labels.as_ref()?;
    (own.get(labels::CLUSTER)? == cluster).then_some(())?;
    let state = container.state.unwrap_or(ContainerSummaryStateEnum::EMPTY);
    Some(ContainerState {
        node: own.get(labels::NODE).cloned().unwrap_or_default(),
        component: own.get(labels::COMPONENT).cloned().unwrap_or_default(),
        state: state.to_string(),
        status: container.status.clone().unwrap_or_default(),
    })
}

/// The nodes whose holder runs, masters first.
fn running(states: &[ContainerState]) -> impl Iterator<Item = NodeName> {
    let holders = states
        .iter()
        .filter(|state| state.component == holder::NAME && state.state == "running");
    let names: BTreeSet<NodeName> = holders.filter_map(|state| state.node.parse().ok()).collect();
    names.into_iter()
}

fn subnet_of(network: &Network) -> Option<Subnet> {
    let config = network.ipam.as_ref()?.config.as_ref()?.first()?;
    let address: Ipv4Addr = config.subnet.as_ref()?.split('/').next()?.parse().ok()?;
    Some(Subnet::containing(address))
}

impl Cluster {
    /// Takes hold of the running cluster `name`. It is not removed when the handle goes.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where no such cluster is there; the message names those that are.
    pub async fn attach(engine: Engine, name: &str) -> Result<Self> {
        let listed = engine.docker().list_networks(Some(
            ListNetworksOptionsBuilder::new()
                .filters(&Selection::cluster(name).filters())
                .build(),
        ));
        let networks = engine.request("list networks", "docker network ls", listed).await?;
        let Some(network) = networks.into_iter().next() else {
            return Err(no_such(&engine, name).await);
        };
        let own = network.labels.clone().unwrap_or_default();
        let damaged = |what: &str| Error::internal(format!("the network of the cluster {name} has no {what}"));
        let subnet = subnet_of(&network).ok_or_else(|| damaged("IPv4 subnet"))?;
        let topology = own
            .get(boot::TOPOLOGY)
            .and_then(|text| serde_json::from_str::<Topology>(text).ok());
        let topology_file = own.get(boot::TOPOLOGY_TEXT);
        let topology_file = topology_file
            .map(|text| TopologyFile::parse(TOPOLOGY_FILE, text))
            .transpose()?;
        let stack = match (own.get(boot::STACK), own.get(boot::STACK_TEXT)) {
            (Some(file), Some(text)) => Stack::parse_for(file, text, topology_file.as_ref())?,
            _ => Stack::load_for(None, topology_file.as_ref())?,
        };
        let served = own.get(boot::SERVED).and_then(|text| serde_json::from_str(text).ok());
        let mut cluster = Cluster {
            universe: Universe::default(),
            served: served.unwrap_or_default(),
            images: Images::open(engine.clone())?,
            stack,
            name: name.to_owned(),
            subnet,
            topology: topology.ok_or_else(|| damaged("topology label"))?,
            topology_file,
            agents: BTreeMap::new(),
            nodes: BTreeMap::new(),
            lease: None,
            origin: inherited(&own),
            recorder: None,
            is_subject: false,
            keep: Keep::Never,
            vigil: None,
            engine,
        };
        cluster.nodes = cluster.running_nodes().await?;
        Ok(cluster)
    }

    /// The nodes whose holder runs.
    async fn running_nodes(&self) -> Result<BTreeMap<NodeName, Node>> {
        let all = clusters(&self.engine).await?;
        let states = all
            .into_iter()
            .find(|cluster| cluster.name == self.name)
            .map(|cluster| cluster.containers);
        Ok(running(&states.unwrap_or_default())
            .map(|name| (name, Node::new(&self.engine, &self.name, name, self.address(name))))
            .collect())
    }
}

/// What is made for a cluster later belongs to whom the cluster belongs to, and goes with it: a look into a scenario's
/// cluster leaves nothing behind that its owner or its reaper would not find.
fn inherited(network: &Labels) -> Labels {
    let kept = [
        labels::HARNESS,
        labels::LEASE,
        labels::RUN,
        labels::SCENARIO,
        labels::OWNER,
        labels::PID,
        labels::KEEP,
    ];
    let pairs = kept
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), network.get(key)?.clone())));
    pairs.collect()
}

async fn no_such(engine: &Engine, name: &str) -> Error {
    let error = Error::usage(format!("no cluster called {name} is up")).ran("harness ps");
    match clusters(engine).await {
        Ok(found) if found.is_empty() => error.hint(format!("`harness up --name {name}` boots one")),
        Ok(found) => {
            let names = found
                .into_iter()
                .map(|cluster| cluster.name)
                .collect::<Vec<_>>()
                .join(", ");
            error.expected(format!("one of {names}"))
        }
        Err(unknown) => error.caused_by(unknown),
    }
}
