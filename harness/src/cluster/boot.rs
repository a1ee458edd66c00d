//! From nothing to registered agents, with as much at once as the parts allow.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::builder::ClusterBuilder;
use super::{Cluster, Topology};
use crate::admission::{self, Claim};
use crate::component::node_docker::Names;
use crate::component::service::Service;
use crate::component::{Recipe, mesos_agent, zookeeper};
use crate::docker::{Engine, Selection, container, network, removal, room};
use crate::evidence::{self, Cleanup, Recorder, place};
use crate::image::Images;
use crate::keep::Keep;
use crate::labels::{self, Labels};
use crate::lease::Lease;
use crate::node::{Node, NodeName};
use crate::package::universe::{Served, Universe};
use crate::stack::StackFile;
use crate::workload::kafka_manager;
use crate::{Error, Result, interrupt};

/// What a person's cluster is for, in the place of a scenario's name.
const UP: &str = "up";
/// The network's label that lets another process find the topology again.
pub(super) const TOPOLOGY: &str = "org.mesos-harness.topology";
/// The network's label with the path of the user's stack file.
pub(super) const STACK: &str = "org.mesos-harness.stack";
/// The network's label with the text of that file, so that later commands do not depend on it.
pub(super) const STACK_TEXT: &str = "org.mesos-harness.stack-text";
/// The network's label with what is served under which names: nodes that are started later resolve them too.
pub(super) const SERVED: &str = "org.mesos-harness.served";
/// The network's label with the text of the topology file: its agents may be started later.
pub(super) const TOPOLOGY_TEXT: &str = "org.mesos-harness.topology-text";

impl Cluster {
    pub(super) async fn boot(engine: Engine, mut builder: ClusterBuilder) -> Result<Self> {
        let (mut stack, stack_file) = builder.stack()?;
        builder.topology.services = builder.services.of(&stack)?;
        let universe = universe(&mut builder)?;
        let served = universe.served();
        let images = Images::open(engine.clone())?;
        let is_subject = builder.stack_file.is_none() && builder.agent_image.is_none();
        if let Some(image) = builder.agent_image.take() {
            stack.set_image(mesos_agent::NAME, image)?;
        }
        let is_scenario = !builder.kept && builder.aside.is_none();
        let recorder = is_scenario.then(evidence::current);
        let keep = match recorder {
            Some(_) => Keep::asked()?,
            None => Keep::Never,
        };
        let (lease, ()) = tokio::try_join!(
            take_lease(&engine, recorder.as_ref(), keep, builder.aside),
            room::require(&engine, room::CLUSTER_MIB, "for a cluster's logs and sandboxes")
        )?;
        let name = builder
            .name
            .clone()
            .unwrap_or_else(|| format!("mesos-{}", &lease.id()[..8]));
        lease.admit(&name, builder.cost()).await?;
        let overrides = builder.agents.iter();
        let agents = overrides
            .map(|(node, own)| (*node, own.over(stack.agent_on(&node.to_string()))))
            .collect();
        let subnet = make_network(&engine, &lease, &name, &builder, &served, stack_file).await?;
        let mut cluster = Cluster {
            engine,
            images,
            stack,
            name,
            subnet,
            topology: builder.topology,
            topology_file: builder.topology_file,
            agents,
            nodes: BTreeMap::new(),
            lease: Some(lease),
            origin: Labels::new(),
            recorder,
            is_subject,
            keep,
            vigil: None,
            universe,
            served,
        };
        if let Some(recorder) = &cluster.recorder {
            recorder.cluster(&cluster.name);
        }
        cluster.vigil = cluster.recorder.is_some().then(|| cluster.keep_vigil());
        let booted = cluster.boot_nodes().await;
        if let Some(recorder) = cluster.recorder.as_ref().filter(|_| cluster.is_subject) {
            // Whether it booted or not: a report says what was judged.
            match cluster.components().await {
                Ok(components) => recorder.components(components),
                Err(error) => recorder.note(format!("its components are not known: {error}")),
            }
        }
        match booted {
            Ok(()) => {
                if let Some(vigil) = &cluster.vigil {
                    vigil.begin();
                }
                Ok(cluster)
            }
            Err(error) => Err(cluster.boot_failed(error)),
        }
    }

    /// The logs of a scenario's cluster are kept with its evidence as the handle goes; those of a person's cluster are
    /// kept too, and the error says where.
    fn boot_failed(mut self, error: Error) -> Error {
        // A signal's handler removes containers from under the boot: that is no failure to keep logs of.
        interrupt::await_end();
        if self.recorder.is_some() || !error.kind().is_subjects_fault() {
            return error;
        }
        let recorder = Recorder::new(&place::run_directory(), &format!("{UP}.{}", self.name), 1);
        let error = error.evidence(format!("all logs are in {}", recorder.directory().display()));
        self.recorder = Some(Arc::new(recorder));
        error
    }

    /// ZooKeeper decides how long a boot takes: it is started first, and the agents' nodes are made while it comes up.
    /// Masters and agents themselves start only when it serves, since their ZooKeeper client waits seconds after a
    /// refused connection.
    async fn boot_nodes(&mut self) -> Result<()> {
        let Topology {
            masters,
            zookeepers,
            slaves,
            ..
        } = self.topology;
        let names = self.topology.master_nodes().chain((1..=slaves).map(NodeName::Slave));
        let names = names.chain(self.topology.service_nodes());
        let nodes: Vec<Node> = names.map(|name| self.node_at(name)).collect();
        tracing::info!("creating {} nodes on {}", nodes.len(), self.subnet);
        let (control, others): (Vec<_>, Vec<_>) = nodes
            .iter()
            .partition(|node| matches!(node.name(), NodeName::Master(_)));
        try_join_all(control.iter().map(|node| self.prepare(node))).await?;
        tracing::info!("waiting for ZooKeeper");
        let servers = control.iter().take(usize::from(zookeepers));
        tokio::try_join!(
            try_join_all(servers.map(|node| zookeeper::ready(node))),
            try_join_all(others.iter().map(async |node| {
                self.prepare(node).await?;
                self.await_docker(node).await
            })),
        )?;
        tracing::info!("starting masters: {masters}, agents: {slaves}");
        let components = nodes.iter().flat_map(|node| {
            let own = self.components_on(node.name()).into_iter();
            own.filter(|name| *name != zookeeper::NAME)
                .map(|name| node.container(name))
        });
        let components: Vec<String> = components.collect();
        try_join_all(components.iter().map(|name| container::start(&self.engine, name))).await?;

        let is_agents = |node: &&&Node| matches!(node.name(), NodeName::Slave(_));
        let agents: Vec<Node> = others.iter().filter(is_agents).map(|node| (*node).clone()).collect();
        self.nodes = nodes.iter().map(|node| (node.name(), node.clone())).collect();
        let masters: Vec<Node> = control.into_iter().take(usize::from(masters)).cloned().collect();
        tokio::try_join!(
            async {
                self.await_leader(&masters).await?;
                self.await_registries(&masters).await
            },
            self.await_agents(&agents),
            try_join_all(nodes.iter().map(|node| self.await_services(node))),
        )?;
        Ok(())
    }

    /// True where `node` has its Docker from the start.
    pub(super) fn has_docker(&self, node: NodeName) -> bool {
        self.topology.docker && matches!(node, NodeName::Slave(_))
    }

    /// What the nodes' own containers resolve names by.
    pub(super) fn names(&self) -> Names {
        let packaged = self.served.images.iter();
        let packaged = packaged.filter_map(|image| Some((image.name.clone()?, image.spec())));
        let app = (kafka_manager::image_name(), kafka_manager::image());
        Names {
            hosts: self.hosts(),
            servers: self.name_servers(),
            images: packaged.chain([app]).collect(),
        }
    }

    /// Creates and starts a slave that was not there; on failure nothing of it is left.
    pub(super) async fn boot_slave(&self, node: &Node) -> Result<()> {
        let claimed = self.admit_slave(node.name()).await?;
        self.expect_life(&node.container(mesos_agent::NAME));
        let started = async {
            self.prepare(node).await?;
            self.await_docker(node).await?;
            container::start(&self.engine, &node.container(mesos_agent::NAME)).await?;
            self.await_agents(std::slice::from_ref(node)).await
        };
        let Err(error) = started.await else { return Ok(()) };
        self.expect_death(&node.container(mesos_agent::NAME));
        if let Some(recorder) = &self.recorder {
            evidence::logs::collect(
                &self.engine,
                &Selection::node(&self.name, &node.name().to_string()),
                recorder,
            )
            .await;
        }
        let removed = removal::remove(&self.engine, &Selection::node(&self.name, &node.name().to_string())).await;
        if let Some(lease) = claimed.filter(|_| removed.leaked.is_empty()) {
            admission::give_back(&lease, Some(&node.name().to_string()));
        }
        if let Some(recorder) = &self.recorder {
            // Counted as made at the end, with everything else under this lease.
            recorder.cleanup(Cleanup {
                removed: removed.removed.len() as u64,
                ..Cleanup::default()
            });
        }
        Err(removed
            .leaked
            .iter()
            .fold(error, |error, leak| error.evidence(format!("also not removed: {leak}"))))
    }

    /// Waits until the machine has memory for a slave that the topology does not count. Returns the lease that it is
    /// taken under.
    async fn admit_slave(&self, name: NodeName) -> Result<Option<String>> {
        if matches!(name, NodeName::Slave(number) if number <= self.topology.slaves) {
            return Ok(None);
        }
        let labels = self.labels();
        let label = |key: &str| labels.get(key).map(String::as_str).unwrap_or_default();
        let claim = Claim {
            engine: &self.engine,
            lease: label(labels::LEASE),
            scenario: label(labels::SCENARIO),
            cluster: &self.name,
            node: Some(&name.to_string()),
            megabytes: self.topology.megabytes_of_slave(),
            recorder: self.recorder.as_deref(),
        };
        admission::admit(claim).await?;
        Ok(Some(label(labels::LEASE).to_owned()))
    }

    pub(super) fn node_at(&self, name: NodeName) -> Node {
        Node::new(&self.engine, &self.name, name, self.address(name))
    }

    pub(crate) fn recipe<'a>(&'a self, labels: &'a Labels) -> Recipe<'a> {
        Recipe {
            cluster: &self.name,
            labels,
            stack: &self.stack,
            images: &self.images,
        }
    }

    /// The labels for everything that is created for this cluster.
    pub(crate) fn labels(&self) -> Labels {
        match &self.lease {
            Some(lease) => lease.labels().clone(),
            // Made by a later command.
            None => {
                let mut labels = self.origin.clone();
                labels.insert(labels::CREATED.to_owned(), labels::now().to_string());
                labels
            }
        }
    }
}

/// What the Universe of the cluster serves: what the builder says, else what there is here.
fn universe(builder: &mut ClusterBuilder) -> Result<Universe> {
    match (
        builder.topology.services.contains(&Service::Universe),
        builder.universe.take(),
    ) {
        (false, _) => Ok(Universe::default()),
        (true, Some(universe)) => Ok(universe),
        (true, None) => Universe::ours(),
    }
}

async fn take_lease(
    engine: &Engine,
    recorder: Option<&Arc<Recorder>>,
    keep: Keep,
    aside: Option<&str>,
) -> Result<Arc<Lease>> {
    let Some(recorder) = recorder else {
        return Lease::take(engine, aside.unwrap_or(UP), aside.is_none()).await;
    };
    let lease = Lease::take(engine, &recorder.snapshot().test, keep != Keep::Never).await?;
    lease.record_into(recorder);
    Ok(lease)
}

async fn make_network(
    engine: &Engine,
    lease: &Arc<Lease>,
    name: &str,
    builder: &ClusterBuilder,
    served: &Served,
    stack: Option<StackFile>,
) -> Result<network::Subnet> {
    let mut labels = lease.labels().clone();
    labels.insert(labels::CLUSTER.to_owned(), name.to_owned());
    let topology = serde_json::to_string(&builder.topology).expect("three numbers serialise");
    labels.insert(TOPOLOGY.to_owned(), topology);
    labels.insert(labels::MEGABYTES.to_owned(), builder.cost().to_string());
    labels.insert(
        SERVED.to_owned(),
        serde_json::to_string(served).expect("texts serialise"),
    );
    if let Some(file) = &builder.topology_file {
        labels.insert(TOPOLOGY_TEXT.to_owned(), file.text.clone());
    }
    if let Some(stack) = stack {
        labels.insert(STACK.to_owned(), stack.path.display().to_string());
        labels.insert(STACK_TEXT.to_owned(), stack.text);
    }
    let seed = u16::from_str_radix(&lease.id()[..4], 16).expect("a lease's id is hex");
    network::create(engine, name, &labels, seed).await?.ok_or_else(|| {
        Error::usage(format!("a cluster or network called {name} is there already"))
            .ran(format!("docker network inspect {name}"))
            .hint(format!(
                "`harness down --name {name}` removes a cluster of ours; `--name` chooses another name"
            ))
    })
}
