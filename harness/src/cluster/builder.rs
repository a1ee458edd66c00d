//! The description of a cluster that is not there yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Cluster, Topology};
use crate::component::mesos_agent;
use crate::component::service::{Service, Services};
use crate::docker::Engine;
use crate::image::ImageSpec;
use crate::node::NodeName;
use crate::package::Universe;
use crate::stack::{self, AgentSpec, Attributes, Resources, Stack, StackFile, TopologyFile};
use crate::{Error, Result};

/// Which nodes a cluster has and what its agents offer. [`ClusterBuilder::boot`] makes it.
///
/// ```no_run
/// # async fn example() -> harness::Result<()> {
/// let cluster = harness::Cluster::builder().masters(3).slaves(2).resources(2, "cpus:1;mem:512")?.boot().await?;
/// cluster.down().await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClusterBuilder {
    pub(super) name: Option<String>,
    pub(super) stack_file: Option<PathBuf>,
    pub(super) topology: Topology,
    pub(super) services: Services,
    pub(super) topology_file: Option<TopologyFile>,
    pub(super) agents: BTreeMap<NodeName, AgentOverride>,
    pub(super) env: Vec<(String, String, String)>,
    pub(super) files: Vec<(String, String, String)>,
    pub(super) kept: bool,
    pub(super) aside: Option<&'static str>,
    pub(super) megabytes: Option<u64>,
    /// What runs beside it, in megabytes.
    pub(super) beside: u64,
    pub(super) universe: Option<Universe>,
    pub(super) agent_image: Option<Box<ImageSpec>>,
}

/// What a builder says of one agent; the stack says the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct AgentOverride {
    resources: Option<Resources>,
    attributes: Option<Attributes>,
    role: Option<String>,
}

impl AgentOverride {
    pub(super) fn over(&self, stack: &AgentSpec) -> AgentSpec {
        AgentSpec {
            resources: self.resources.clone().unwrap_or_else(|| stack.resources.clone()),
            attributes: self.attributes.clone().unwrap_or_else(|| stack.attributes.clone()),
            role: self.role.clone().or_else(|| stack.role.clone()),
        }
    }
}

impl Default for ClusterBuilder {
    fn default() -> Self {
        ClusterBuilder {
            name: None,
            stack_file: None,
            topology: Topology {
                masters: 1,
                zookeepers: 1,
                slaves: 1,
                services: BTreeSet::new(),
                docker: false,
            },
            services: Services::Some(BTreeSet::new()),
            topology_file: None,
            agents: BTreeMap::new(),
            env: Vec::new(),
            files: Vec::new(),
            kept: false,
            aside: None,
            megabytes: None,
            beside: 0,
            universe: None,
            agent_image: None,
        }
    }
}

impl ClusterBuilder {
    /// Outside any scenario, for a person: nothing records evidence, and no sweep takes it for a leftover. It is still
    /// removed when the boot fails, and when the handle goes without [`Cluster::leave_running`].
    #[must_use]
    pub fn for_a_person(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Outside any scenario, for a program that does `what` and removes it: nothing records evidence, and a sweep takes
    /// what a killed one leaves.
    #[must_use]
    pub fn aside(mut self, what: &'static str) -> Self {
        self.aside = Some(what);
        self
    }

    /// Its name; random where none is given. Lower-case letters, digits and hyphens.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A stack file over the default one, in the place of the one that `HARNESS_STACK` may name for the run. What such
    /// a cluster is made of does not stand among the components that the report judges.
    #[must_use]
    pub fn stack_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.stack_file = Some(path.into());
        self
    }

    /// Masters, each with a ZooKeeper server unless [`ClusterBuilder::zookeepers`] says otherwise later.
    #[must_use]
    pub fn masters(mut self, count: u8) -> Self {
        self.topology.masters = count;
        self.topology.zookeepers = count;
        self
    }

    /// Servers of the ZooKeeper ensemble.
    #[must_use]
    pub fn zookeepers(mut self, count: u8) -> Self {
        self.topology.zookeepers = count;
        self
    }

    /// Agents that are started at boot.
    #[must_use]
    pub fn slaves(mut self, count: u8) -> Self {
        self.topology.slaves = count;
        self
    }

    /// Adds a service of the full stack.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        if let Services::Some(some) = &mut self.services {
            some.insert(service);
        }
        self
    }

    /// Marathon, on every master node.
    #[must_use]
    pub fn marathon(self) -> Self {
        self.service(Service::Marathon)
    }

    /// Admin Router, on every master node.
    #[must_use]
    pub fn admin_router(self) -> Self {
        self.service(Service::AdminRouter)
    }

    /// HAProxy with its bridge from Marathon, on a node of its own.
    #[must_use]
    pub fn haproxy(self) -> Self {
        self.service(Service::Haproxy)
    }

    /// Mesos-DNS, on every master node; every node then resolves names by it.
    #[must_use]
    pub fn mesos_dns(self) -> Self {
        self.service(Service::MesosDns)
    }

    /// A Docker of its own on every slave from the start, by which its agent runs Docker tasks: containers that are made
    /// with it are the node's, are seen there alone and go with the cluster. Without it a node has one when somebody
    /// enters it, and its agent has Mesos' own containers only.
    #[must_use]
    pub fn docker(mut self) -> Self {
        self.topology.docker = true;
        self
    }

    /// Packages for its dcos CLI and what they download, on a node of its own: those of this checkout
    /// ([`Universe::ours`]).
    #[must_use]
    pub fn universe(self) -> Self {
        self.service(Service::Universe)
    }

    /// As [`ClusterBuilder::universe`], of other packages.
    #[must_use]
    pub fn universe_of(mut self, universe: Universe) -> Self {
        self.universe = Some(universe);
        self.universe()
    }

    /// Every service that the stack has: what the README's cluster is.
    #[must_use]
    pub fn full_stack(self) -> Self {
        self.services(Services::All)
    }

    /// These services, and no others.
    #[must_use]
    pub fn services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// The nodes and agents that a [topology file](TopologyFile) describes: what `harness up --topology` takes. What this
    /// builder is told of a node or, later, of a number beats the file.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] naming file, line and key of every mistake, and what is allowed there.
    pub fn topology_file(self, path: impl AsRef<Path>) -> Result<Self> {
        Ok(self.topology(TopologyFile::load(path.as_ref())?))
    }

    /// As [`ClusterBuilder::topology_file`], of a file that was read.
    #[must_use]
    pub fn topology(mut self, file: TopologyFile) -> Self {
        if let Some(masters) = file.masters {
            self = self.masters(masters);
        }
        self.topology.zookeepers = file.zookeepers.unwrap_or(self.topology.zookeepers);
        self.topology.slaves = file.slaves.unwrap_or(self.topology.slaves);
        self.topology.docker = file.docker.unwrap_or(self.topology.docker);
        self.services = file.services.clone().unwrap_or(self.services);
        self.topology_file = Some(file);
        self
    }

    /// What `mesos-slave<number>` offers, in Mesos' own syntax: `cpus:4;mem:2929;ports:[31000-32000]`.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where Mesos would not read it.
    pub fn resources(mut self, number: u8, resources: &str) -> Result<Self> {
        let resources = Resources::parse(resources)
            .map_err(|what| Error::usage(format!("resources of mesos-slave{number}: {what}")))?;
        self.agents.entry(NodeName::Slave(number)).or_default().resources = Some(resources);
        Ok(self)
    }

    /// The attributes of `mesos-slave<number>`: `rack:a;level:10`.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where Mesos would not read it.
    pub fn attributes(mut self, number: u8, attributes: &str) -> Result<Self> {
        let attributes = Attributes::parse(attributes)
            .map_err(|what| Error::usage(format!("attributes of mesos-slave{number}: {what}")))?;
        self.agents.entry(NodeName::Slave(number)).or_default().attributes = Some(attributes);
        Ok(self)
    }

    /// The role that `mesos-slave<number>` reserves its resources for.
    #[must_use]
    pub fn role(mut self, number: u8, role: impl Into<String>) -> Self {
        self.agents.entry(NodeName::Slave(number)).or_default().role = Some(role.into());
        self
    }

    /// An environment variable of every container of `component`, over what the stack says: how a flag is set.
    #[must_use]
    pub fn env(mut self, component: &str, name: &str, value: &str) -> Self {
        self.env.push((component.to_owned(), name.to_owned(), value.to_owned()));
        self
    }

    /// Agents that let a task have no more than it asked for: a task that takes more memory is ended, one that takes
    /// more CPU is slowed. They run with the linux launcher, whose cgroups lie beneath that of the agent's node. It
    /// needs the ability `cgroup-limits` of the engine's machine; without it, agents only measure.
    #[must_use]
    pub fn enforced_limits(self) -> Self {
        let agent = mesos_agent::NAME;
        self.env(agent, "MESOS_LAUNCHER", "linux")
            .env(agent, "MESOS_ISOLATION", "cgroups/cpu,cgroups/mem")
            .env(agent, "MESOS_CGROUPS_ENABLE_CFS", "true")
    }

    /// A file of every container of `component`, over what the stack says: its absolute path there and its content.
    #[must_use]
    pub fn file(mut self, component: &str, path: &str, content: &str) -> Self {
        self.files
            .push((component.to_owned(), path.to_owned(), content.to_owned()));
        self
    }

    /// Agents of this image, which has one of them and what tasks need beside it. As of a stack file's, the report judges
    /// nothing of such a cluster's components.
    #[must_use]
    pub fn agent_image(mut self, image: ImageSpec) -> Self {
        self.agent_image = Some(Box::new(image));
        self
    }

    /// What it takes with its tasks, in megabytes, where [`Topology::megabytes`] is not enough: it boots when the
    /// machine has so much.
    #[must_use]
    pub fn memory(mut self, megabytes: u64) -> Self {
        self.megabytes = Some(megabytes);
        self
    }

    /// What it is admitted with, in megabytes.
    pub(super) fn cost(&self) -> u64 {
        self.megabytes.unwrap_or_else(|| self.topology.megabytes()) + self.beside
    }

    /// What is to run beside it, as a [browser](crate::client::browser::MEGABYTES) does, in megabytes: added to what is
    /// said or follows from the topology.
    #[must_use]
    pub fn beside(mut self, megabytes: u64) -> Self {
        self.beside += megabytes;
        self
    }

    /// Boots the cluster and waits until a master leads and every agent is registered.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] for a wrong description or stack file, [`crate::Kind::Environment`] and
    /// [`crate::Kind::Image`] where there is nothing to boot with, [`crate::Kind::Component`] and
    /// [`crate::Kind::Deadline`] where a component fails. Nothing is left behind.
    pub async fn boot(self) -> Result<Cluster> {
        self.check()?;
        let engine = Engine::connect().await?;
        // On the heap: unoptimised, the whole of a boot is too much for the stack of a test's thread.
        Box::pin(Cluster::boot(engine, self)).await
    }

    pub(super) fn stack(&self) -> Result<(Stack, Option<StackFile>)> {
        let file = stack::user_file(self.stack_file.as_deref());
        // Kept absolute: a later command may start from another folder.
        let file = file.map(|path| StackFile::read(std::path::absolute(&path).unwrap_or(path)));
        let file = file.transpose()?;
        let mut stack = Stack::of_file(file.as_ref(), self.topology_file.as_ref())?;
        for (component, name, value) in &self.env {
            stack.set_env(component, name, value)?;
        }
        for (component, path, content) in &self.files {
            stack.set_file(component, path, content)?;
        }
        Ok((stack, file))
    }

    fn check(&self) -> Result<()> {
        let Topology {
            masters,
            zookeepers,
            slaves,
            ..
        } = self.topology;
        if !(1..=9).contains(&masters) || !(1..=9).contains(&zookeepers) || slaves > 99 {
            return Err(Error::usage(format!(
                "{masters} masters, {zookeepers} ZooKeeper servers, {slaves} slaves"
            ))
            .expected("1 to 9 masters, 1 to 9 ZooKeeper servers and up to 99 slaves"));
        }
        if masters % 2 == 0 {
            // The replicated log initialises itself when 2 × quorum − 1 replicas are there, and a quorum of an even number
            // needs one more than there are.
            return Err(Error::usage(format!("{masters} masters"))
                .expected("1, 3, 5, 7 or 9 masters: an even number of them never agrees on its first registry"));
        }
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        Ok(())
    }
}

/// The name is a part of container names, hostnames and labels.
pub(super) fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 40 || !name.bytes().all(allowed) || name.starts_with('-') {
        return Err(Error::usage(format!("{name:?} is no name for a cluster"))
            .expected("1 to 40 lower-case letters, digits and hyphens, a hyphen not first"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_description_is_refused_before_anything_is_made() {
        let two_words = ClusterBuilder::default().name("two words");
        for (builder, part) in [
            (ClusterBuilder::default().masters(0), "1 to 9 masters"),
            (ClusterBuilder::default().slaves(100), "up to 99 slaves"),
            (ClusterBuilder::default().masters(2), "1, 3, 5, 7 or 9 masters"),
            (two_words, "lower-case"),
        ] {
            let error = builder.check().expect_err(part);
            assert!(error.explain().contains(part), "{error:?}");
        }
    }

    #[test]
    fn a_topology_file_says_what_it_says_and_what_comes_later_wins() {
        let file = |text| TopologyFile::parse("harness.toml", text).expect("it is right");
        let counts = |builder: ClusterBuilder| {
            let Topology {
                masters,
                zookeepers,
                slaves,
                ..
            } = builder.topology;
            (masters, zookeepers, slaves)
        };
        let builder = ClusterBuilder::default;
        assert_eq!(counts(builder().topology(file("masters = 3\nslaves = 0\n"))), (3, 3, 0));
        assert_eq!(
            counts(builder().topology(file("masters = 3\nzookeepers = 1\n"))),
            (3, 1, 1)
        );
        assert_eq!(counts(builder().topology(file("zookeepers = 3\n"))), (1, 3, 1));
        assert_eq!(
            counts(builder().topology(file("masters = 3\n")).masters(2).slaves(4)),
            (2, 2, 4)
        );
    }

    #[test]
    fn a_resource_string_that_mesos_refuses_is_refused_here() {
        let error = ClusterBuilder::default()
            .resources(2, "cpus=4")
            .expect_err("not Mesos' syntax");
        assert!(error.to_string().contains("mesos-slave2"), "{error}");
    }
}
