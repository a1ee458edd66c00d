//! One node: its holder, its volumes, and a container for each component on it.

use std::net::IpAddr;

use super::Cluster;
use crate::component::service::{Service, Surroundings};
use crate::component::{Recipe, holder, mesos_agent, mesos_dns, mesos_master, node_docker, task_cgroups, zookeeper};
use crate::docker::{ContainerSpec, Content, container, volume};
use crate::node::{Node, NodeName};
use crate::package::artefacts::PackagedImage;
use crate::{Error, Result};

/// Slaves whose names resolve everywhere from the start, whether they run or not: those of the README.
const KNOWN_SLAVES: u8 = 5;

impl Cluster {
    /// Creates a node with everything on it. Only its holder and ZooKeeper are started.
    pub(super) async fn prepare(&self, node: &Node) -> Result<()> {
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
                    images: &self.packaged(),
                };
                Box::pin(service.container(recipe, name, &around)).await
            }
        }
    }

    /// The images of what is served. Those that packages run are of a cluster whose slaves run any: else nobody asks for
    /// what is in them either.
    pub(super) fn packaged(&self) -> Vec<PackagedImage> {
        let images = self.served.images.iter();
        let needed = images.filter(|image| self.topology.docker || image.name.is_none());
        needed.cloned().collect()
    }

    /// An agent on whose node lies what packages expect there: the images themselves, and files of them.
    async fn with_packaged(&self, recipe: &Recipe<'_>, mut agent: ContainerSpec) -> Result<ContainerSpec> {
        for image in self.packaged().iter().filter(|image| image.name.is_some()) {
            recipe.images.ensure(&image.spec()).await?;
            for (there, path) in &image.on_slaves {
                let file = recipe.images.export(&image.spec(), path).await?;
                agent = agent.file(there, Content::File(file));
            }
        }
        Ok(agent)
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
