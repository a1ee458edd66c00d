//! The services that the README's cluster has beside ZooKeeper and Mesos. A cluster has those that its description asks
//! for, since most scenarios need none or one.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Recipe, admin_router, haproxy, marathon, mesos_dns, record_of_stand_in, universe};
use crate::docker::ContainerSpec;
use crate::image::Images;
use crate::node::{Node, NodeName};
use crate::package::Universe;
use crate::package::artefacts::PackagedImage;
use crate::provenance::ComponentRecord;
use crate::stack::{ComponentSpec, Stack};
use crate::suggest::hinted;
use crate::workload::kafka;
use crate::{Error, Result};

/// A service of the full stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Service {
    /// Marathon, on every master node.
    Marathon,
    /// Admin Router, on every master node.
    AdminRouter,
    /// HAProxy with its bridge from Marathon, on `haproxy1`.
    Haproxy,
    /// Mesos-DNS, on every master node; every node resolves names by it.
    MesosDns,
    /// Packages and what they download, on `universe1`, under every host name that they use.
    Universe,
}

/// Which services a cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Services {
    /// Every one that its stack gives an image: the full stack.
    All,
    /// These.
    Some(BTreeSet<Service>),
}

impl Services {
    /// How a topology file and the command line say [`Services::All`].
    pub const EVERY: &str = "all";
    /// How they say that there is none: ZooKeeper and Mesos alone.
    pub const NONE: &str = "none";

    /// Reads their names; [`Services::EVERY`] alone is all of them, [`Services::NONE`] alone is none.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) for a name that is none, with the one that was meant.
    pub fn parse<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        if names == [Services::EVERY] {
            return Ok(Services::All);
        }
        if names == [Services::NONE] {
            return Ok(Services::Some(BTreeSet::new()));
        }
        names
            .into_iter()
            .map(str::parse)
            .collect::<Result<_>>()
            .map(Services::Some)
    }

    /// Those of a cluster of `stack`.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) where the stack says nothing of one that is asked for.
    pub fn of(&self, stack: &Stack) -> Result<BTreeSet<Service>> {
        match self {
            Services::All => Ok(Service::ALL
                .into_iter()
                .filter(|service| stack.component(service.name()).is_ok())
                .collect()),
            Services::Some(some) => {
                for service in some {
                    stack.component(service.name())?;
                }
                Ok(some.clone())
            }
        }
    }
}

/// The cluster around a service, as its configuration needs it.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The address of the node that the service is on.
    pub(crate) address: Ipv4Addr,
    /// The servers of the ZooKeeper ensemble.
    pub(crate) ensemble: &'a [Ipv4Addr],
    /// The nodes that carry masters, and with them the services that have no node of their own.
    pub(crate) masters: &'a [Ipv4Addr],
    /// The services that the cluster has.
    pub(crate) services: &'a BTreeSet<Service>,
    /// What the Universe serves.
    pub(crate) universe: &'a Universe,
    /// The images that nodes run for packages.
    pub(crate) images: &'a [PackagedImage],
}

impl Surroundings<'_> {
    /// Where `service` is asked, as [`Surroundings::masters_at`]; empty where the cluster has none.
    pub(crate) fn of(&self, service: Service) -> String {
        match self.services.contains(&service) {
            true => self.masters_at(service.port()),
            false => String::new(),
        }
    }

    /// `address:port` of every master node with commas between, this service's own node first.
    pub(crate) fn masters_at(&self, port: u16) -> String {
        let mut addresses = self.masters.to_vec();
        addresses.sort_by_key(|address| *address != self.address);
        let servers: Vec<String> = addresses.iter().map(|address| format!("{address}:{port}")).collect();
        servers.join(",")
    }
}

impl Service {
    /// Every service, in the order they are listed.
    pub const ALL: [Service; 5] = [
        Service::Marathon,
        Service::MesosDns,
        Service::AdminRouter,
        Service::Haproxy,
        Service::Universe,
    ];

    /// As it stands in the stack file and the component label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::Marathon => marathon::NAME,
            Service::AdminRouter => admin_router::NAME,
            Service::Haproxy => haproxy::NAME,
            Service::MesosDns => mesos_dns::NAME,
            Service::Universe => universe::NAME,
        }
    }

    /// The service of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The port that its node is asked on.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Service::Marathon => marathon::PORT,
            Service::AdminRouter => admin_router::PORT,
            Service::Haproxy => haproxy::PORT,
            Service::MesosDns => mesos_dns::HTTP_PORT,
            Service::Universe => universe::PORT,
        }
    }

    /// The node that a cluster has for this service alone; `None` where every master node carries it.
    #[must_use]
    pub fn own_node(self) -> Option<NodeName> {
        match self {
            Service::Marathon | Service::MesosDns | Service::AdminRouter => None,
            Service::Haproxy => Some(NodeName::Haproxy(1)),
            Service::Universe => Some(NodeName::Universe(1)),
        }
    }

    /// What one of it takes, in megabytes.
    pub(crate) fn megabytes(self) -> u64 {
        match self {
            Service::Marathon => 48,
            Service::AdminRouter => 24,
            // A worker that is being replaced counts beside its successor.
            Service::Haproxy => 48,
            Service::MesosDns | Service::Universe => 16,
        }
    }

    pub(crate) async fn container(
        self,
        recipe: &Recipe<'_>,
        node: NodeName,
        around: &Surroundings<'_>,
    ) -> Result<ContainerSpec> {
        match self {
            Service::Marathon => marathon::container(recipe, node, around).await,
            Service::AdminRouter => admin_router::container(recipe, node, around).await,
            Service::Haproxy => haproxy::container(recipe, node, around).await,
            Service::MesosDns => mesos_dns::container(recipe, node, around).await,
            Service::Universe => universe::container(recipe, node, around).await,
        }
    }

    /// Waits until the one on `node` serves.
    pub(crate) async fn ready(self, node: &Node) -> Result<()> {
        match self {
            Service::Marathon => marathon::ready(node).await,
            Service::AdminRouter => admin_router::ready(node).await,
            Service::Haproxy => haproxy::ready(node).await,
            Service::MesosDns => mesos_dns::ready(node).await,
            Service::Universe => universe::ready(node).await,
        }
    }

    /// What our image of `version` holds, for the report.
    pub(crate) async fn records(
        self,
        images: &Images,
        spec: &ComponentSpec,
        version: &str,
    ) -> Result<Vec<ComponentRecord>> {
        debug_assert!(super::is_ours(spec));
        match self {
            Service::Marathon => {
                record_of_stand_in(images, marathon::NAME, "Marathon", version).map(|record| vec![record])
            }
            Service::AdminRouter => Ok(vec![admin_router::record(images, version).await?]),
            Service::Haproxy => haproxy::records(images, version).await,
            Service::MesosDns => {
                record_of_stand_in(images, mesos_dns::NAME, "Mesos-DNS", version).map(|record| vec![record])
            }
            Service::Universe => {
                let mut records = vec![universe::record(images, version).await?];
                records.extend(kafka::records(images, &records[0].image)?);
                Ok(records)
            }
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Service {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Service::named(text).ok_or_else(|| {
            let names = Service::ALL.map(Service::name);
            let error = Error::usage(format!("{text:?} is no service"));
            let expected = format!(
                "one of {}; or {} or {} alone",
                names.join(", "),
                Services::EVERY,
                Services::NONE
            );
            hinted(error.expected(expected), text, &names)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_alike_everywhere() {
        for service in Service::ALL {
            assert_eq!(service.name().parse::<Service>().expect("its own name"), service);
            let label = serde_json::to_value(service).expect("a name");
            assert_eq!(label, service.name());
        }
    }

    #[test]
    fn a_service_asks_its_own_node_first() {
        let masters = [11, 12, 13].map(|octet| Ipv4Addr::new(10, 64, 0, octet));
        let around = Surroundings {
            address: masters[1],
            ensemble: &[],
            masters: &masters,
            services: &BTreeSet::new(),
            universe: &Universe::default(),
            images: &[],
        };
        assert_eq!(around.masters_at(80), "10.64.0.12:80,10.64.0.11:80,10.64.0.13:80");
    }

    #[test]
    fn a_mistyped_name_is_told_what_it_may_have_been() {
        let error = "marathn".parse::<Service>().expect_err("no such service");
        assert_eq!(error.hint_text(), Some("did you mean marathon?"));
    }
}
