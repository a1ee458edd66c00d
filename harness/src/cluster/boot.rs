//! From nothing to registered agents, with as much at once as the parts allow.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::try_join_all;

use super::builder::ClusterBuilder;
use super::{Cluster, Topology};
use crate::await_until::{Probe, Wait};
use crate::component::node_docker::{self, Names};
use crate::component::service::{Service, Surroundings};
use crate::component::{Recipe, holder, mesos_agent, mesos_dns, mesos_master, task_cgroups, zookeeper};
use crate::docker::{ContainerSpec, Engine, Selection, container, network, removal, room, volume};
use crate::evidence::{self, Cleanup, Recorder, place};
use crate::image::Images;
use crate::keep::Keep;
use crate::labels::{self, Labels};
use crate::lease::Lease;
use crate::node::{Node, NodeName};
use crate::package::artefacts::PackagedImage;
use crate::package::universe::{Served, Universe};
use crate::stack::StackFile;
use crate::{Error, Result, deadlines, interrupt};

/// Slaves whose names resolve everywhere from the start, whether they run or not: those of the README.
const KNOWN_SLAVES: u8 = 5;
/// Of so many agents that do not register the logs are shown.
const DIAGNOSED: usize = 3;
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
        let megabytes = builder.megabytes.unwrap_or_else(|| builder.topology.megabytes()) + builder.beside;
        lease.admit(&name, megabytes).await?;
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
            universe,
            served,
        };
        if let Some(recorder) = &cluster.recorder {
            recorder.cluster(&cluster.name);
        }
        let booted = cluster.boot_nodes().await;
        if let Some(recorder) = cluster.recorder.as_ref().filter(|_| cluster.is_subject) {
            // Whether it booted or not: a report says what was judged.
            match cluster.components().await {
                Ok(components) => recorder.components(components),
                Err(error) => recorder.note(format!("its components are not known: {error}")),
            }
        }
        match booted {
            Ok(()) => Ok(cluster),
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
            self.await_leader(&masters),
            self.await_agents(&agents),
            try_join_all(nodes.iter().map(|node| self.await_services(node))),
        )?;
        Ok(())
    }

    /// True where `node` has its Docker from the start.
    fn has_docker(&self, node: NodeName) -> bool {
        self.topology.docker && matches!(node, NodeName::Slave(_))
    }

    /// Waits until the Docker of `node` serves, where it has one from the start: its agent looks for it once.
    async fn await_docker(&self, node: &Node) -> Result<()> {
        match self.has_docker(node.name()) {
            true => node_docker::ready(&self.engine, node).await,
            false => Ok(()),
        }
    }

    /// What the nodes' own containers resolve names by.
    pub(super) fn names(&self) -> Names {
        Names {
            hosts: self.hosts(),
            servers: self.name_servers(),
            images: self
                .served
                .images
                .iter()
                .map(|image| (image.name.clone(), image.spec()))
                .collect(),
        }
    }

    /// Waits until every service of `node` serves.
    pub(super) async fn await_services(&self, node: &Node) -> Result<()> {
        let services = self.topology.services_on(node.name());
        try_join_all(services.map(|service| service.ready(node)))
            .await
            .map(drop)
    }

    /// Creates and starts a slave that was not there; on failure nothing of it is left.
    pub(super) async fn boot_slave(&self, node: &Node) -> Result<()> {
        let started = async {
            self.prepare(node).await?;
            self.await_docker(node).await?;
            container::start(&self.engine, &node.container(mesos_agent::NAME)).await?;
            self.await_agents(std::slice::from_ref(node)).await
        };
        let Err(error) = started.await else { return Ok(()) };
        if let Some(recorder) = &self.recorder {
            evidence::logs::collect(
                &self.engine,
                &Selection::node(&self.name, &node.name().to_string()),
                recorder,
            )
            .await;
        }
        let removed = removal::remove(&self.engine, &Selection::node(&self.name, &node.name().to_string())).await;
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

    pub(super) fn node_at(&self, name: NodeName) -> Node {
        Node::new(&self.engine, &self.name, name, self.address(name))
    }

    /// Creates a node with everything on it. Only its holder and ZooKeeper are started.
    async fn prepare(&self, node: &Node) -> Result<()> {
        let name = node.name();
        let labels = self.labels();
        let recipe = self.recipe(&labels);
        let holder = holder::container(&recipe, name, node.address(), self.hosts(), self.name_servers()).await?;
        let volumes = async {
            if let NodeName::Slave(_) = name {
                for path in [mesos_agent::WORK_DIR, mesos_agent::RUNTIME_DIR] {
                    let labels = recipe.labels_of(name, mesos_agent::NAME);
                    volume::create(&self.engine, &mesos_agent::volume(&self.name, name, path), labels).await?;
                }
            }
            if self.has_docker(name) {
                node_docker::ensure(&self.engine, &recipe, name, &self.names()).await?;
            }
            Ok(())
        };
        tokio::try_join!(volumes, holder.create(&self.engine))?;
        let components = self.components_on(name);
        // A container can be created for a holder that does not run yet; starting one takes the engine longest.
        let ((), last) = tokio::try_join!(container::start(&self.engine, holder.name()), async {
            let mut last = None;
            for component in &components {
                let container = self.container_of(&recipe, node, component).await?;
                match task_cgroups::needs_root(&container) {
                    false => container.create(&self.engine).await?,
                    true => last = Some(container),
                }
            }
            Ok(last)
        })?;
        if let Some(agent) = last {
            // Only a holder that runs has the cgroup that this one is told.
            let agent = task_cgroups::with_root(&self.engine, node, agent).await?;
            agent.create(&self.engine).await?;
        }
        if components.contains(&zookeeper::NAME) {
            container::start(&self.engine, &node.container(zookeeper::NAME)).await?;
        }
        Ok(())
    }

    async fn container_of(&self, recipe: &Recipe<'_>, node: &Node, component: &str) -> Result<ContainerSpec> {
        let (name, address, ensemble) = (node.name(), node.address(), self.ensemble());
        match component {
            zookeeper::NAME => zookeeper::container(recipe, name, usize::from(name.number()), &ensemble).await,
            mesos_master::NAME => {
                let masters = usize::from(self.topology.masters);
                mesos_master::container(recipe, name, address, &ensemble, masters).await
            }
            mesos_agent::NAME => {
                let (spec, docker) = (self.agent_spec(name), self.has_docker(name));
                let agent = mesos_agent::container(recipe, name, address, &ensemble, &spec, docker).await?;
                match docker {
                    true => {
                        self.with_packaged(recipe, node_docker::given(agent, &self.name, name))
                            .await
                    }
                    false => Ok(agent),
                }
            }
            other => {
                let service = Service::named(other);
                let service = service.ok_or_else(|| Error::internal(format!("no recipe for the component {other}")))?;
                let around = Surroundings {
                    address,
                    ensemble: &ensemble,
                    masters: &self.masters(),
                    services: &self.topology.services,
                    universe: &self.universe,
                    images: self.packaged(),
                };
                Box::pin(service.container(recipe, name, &around)).await
            }
        }
    }

    /// The images that packages run: of a cluster whose slaves run any.
    pub(super) fn packaged(&self) -> &[PackagedImage] {
        match self.topology.docker {
            true => &self.served.images,
            false => &[],
        }
    }

    /// An agent on whose node lies what packages expect there: the images themselves, and files of them.
    async fn with_packaged(&self, recipe: &Recipe<'_>, mut agent: ContainerSpec) -> Result<ContainerSpec> {
        for image in self.packaged() {
            recipe.images.ensure(&image.spec()).await?;
            for (there, path) in &image.on_slaves {
                agent = agent.file(there, recipe.images.export(&image.spec(), path).await?);
            }
        }
        Ok(agent)
    }

    /// Waits until the first of `masters` knows which master leads; the others must live on meanwhile.
    pub(super) async fn await_leader(&self, masters: &[Node]) -> Result<()> {
        let Some(node) = masters.first() else { return Ok(()) };
        let containers: Vec<String> = masters.iter().map(|node| node.container(mesos_master::NAME)).collect();
        Wait::that("a Mesos master leads", deadlines::MASTER_LEADING)
            .look_at_most(deadlines::STARTING_LOOK)
            .unless(container::death(&self.engine, &containers))
            .explained_by(async {
                let mut tails = node.diagnosis(mesos_master::NAME).await;
                tails.extend(node.diagnosis(zookeeper::NAME).await);
                tails
            })
            .until(async || {
                Probe::from_passing(
                    node.master().leader().await,
                    "the master answers, but knows of no leader yet",
                )
            })
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

    /// Any master that runs: each knows the leader, and passes on what only the leader answers.
    pub(super) fn running_master(&self) -> Result<&Node> {
        let masters = NodeName::Master(1)..=NodeName::Master(self.topology.masters);
        let running = self.nodes.range(masters).map(|(_, node)| node).next();
        running.ok_or_else(|| {
            Error::usage(format!("no master runs in the cluster {}", self.name))
                .expected("a master that agents can register with")
                .hint(format!("harness start --name {} mesos-master1", self.name))
        })
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

    pub(crate) fn hosts(&self) -> Vec<String> {
        let slaves = self.topology.slaves.max(KNOWN_SLAVES);
        let names = self.topology.master_nodes().chain((1..=slaves).map(NodeName::Slave));
        let names = names.chain(self.topology.service_nodes());
        let nodes = names.map(|name| format!("{name}:{}", self.address(name)));
        let universe = self.address(NodeName::Universe(1));
        let hosts = self.served.hosts.iter().map(|host| format!("{host}:{universe}"));
        nodes.chain(hosts).collect()
    }

    /// Where nodes resolve the names that `hosts` does not have; none where the engine does it alone.
    pub(crate) fn name_servers(&self) -> Vec<IpAddr> {
        let topology = &self.topology;
        let serves = |name: &NodeName| topology.services_on(*name).any(|service| service == Service::MesosDns);
        let masters: Vec<_> = topology.master_nodes().filter(serves).collect();
        match masters.is_empty() {
            true => Vec::new(),
            false => mesos_dns::name_servers(masters.into_iter().map(|name| self.address(name))),
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
