//! A node: one hostname, one address, and the components on it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::await_until::Wait;
use crate::client::http::Http;
use crate::client::marathon::MarathonClient;
use crate::client::mesos::{AgentClient, MasterClient};
use crate::client::zookeeper::ZooKeeperServer;
use crate::component::{container_name, marathon, mesos_agent, mesos_master, zookeeper};
use crate::deadlines::{self, Deadline};
use crate::docker::exec::{ExecOutput, ExecSpec, exec};
use crate::docker::{Engine, container, logs};
use crate::suggest::closest;
use crate::{Error, Result};

/// The name of a node, as on the original VMs: `mesos-master1`, `mesos-slave1` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeName {
    /// A node with ZooKeeper and a Mesos master, from 1.
    Master(u8),
    /// A node with a Mesos agent, from 1.
    Slave(u8),
    /// A node with an HAProxy instance, from 1: `haproxy1` has an address that is well known.
    Haproxy(u8),
    /// A node with a server of packages and of what they download, from 1.
    Universe(u8),
}

impl NodeName {
    /// The last octet of its address: .11 to .19 for masters, .21 to .29 for HAProxy, .31 for packages, .101 to .199 for slaves.
    #[must_use]
    pub fn host_octet(self) -> u8 {
        match self {
            NodeName::Master(number) => 10 + number,
            NodeName::Haproxy(number) => 20 + number,
            NodeName::Universe(number) => 30 + number,
            NodeName::Slave(number) => 100 + number,
        }
    }

    /// Its number among the nodes of its kind, from 1.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            NodeName::Master(number)
            | NodeName::Slave(number)
            | NodeName::Haproxy(number)
            | NodeName::Universe(number) => number,
        }
    }

    /// The largest number of a kind of node.
    const MASTERS: u8 = 9;
    const SLAVES: u8 = 99;
    const HAPROXIES: u8 = 1;
    const UNIVERSES: u8 = 1;
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeName::Master(number) => f.pad(&format!("mesos-master{number}")),
            NodeName::Slave(number) => f.pad(&format!("mesos-slave{number}")),
            NodeName::Haproxy(number) => f.pad(&format!("haproxy{number}")),
            NodeName::Universe(number) => f.pad(&format!("universe{number}")),
        }
    }
}

impl FromStr for NodeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbered = |prefix: &str, most: u8| {
            let digits = text.strip_prefix(prefix)?;
            // `parse` alone would take "+1" and "01".
            let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            digits
                .parse()
                .ok()
                .filter(|number| canonical && (1..=most).contains(number))
        };
        numbered("mesos-master", NodeName::MASTERS)
            .map(NodeName::Master)
            .or_else(|| numbered("mesos-slave", NodeName::SLAVES).map(NodeName::Slave))
            .or_else(|| numbered("haproxy", NodeName::HAPROXIES).map(NodeName::Haproxy))
            .or_else(|| numbered("universe", NodeName::UNIVERSES).map(NodeName::Universe))
            .ok_or_else(|| {
                let error = Error::usage(format!("{text:?} is no name of a node"))
                    .expected("mesos-master1 to mesos-master9, mesos-slave1 to mesos-slave99, haproxy1 or universe1");
                match meant(text) {
                    Some(name) => error.hint(format!("did you mean {name}?")),
                    None => error,
                }
            })
    }
}

/// The node that a mistyped name was meant to be: its kind by what stands before the number, `mesos-` or not.
fn meant(text: &str) -> Option<NodeName> {
    let kind = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: u8 = match &text[kind.len()..] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    let kind = kind.trim_end_matches(['-', '_']).to_ascii_lowercase();
    let kinds = [
        "mesos-master",
        "mesos-slave",
        "mesos-agent",
        "master",
        "slave",
        "agent",
        "haproxy",
        "universe",
    ];
    match closest(&kind, &kinds)?.trim_start_matches("mesos-") {
        "master" if (1..=NodeName::MASTERS).contains(&number) => Some(NodeName::Master(number)),
        "slave" | "agent" if (1..=NodeName::SLAVES).contains(&number) => Some(NodeName::Slave(number)),
        "haproxy" if (1..=NodeName::HAPROXIES).contains(&number) => Some(NodeName::Haproxy(number)),
        "universe" if (1..=NodeName::UNIVERSES).contains(&number) => Some(NodeName::Universe(number)),
        _ => None,
    }
}

/// A handle on one node of a running cluster.
#[derive(Clone, Debug)]
pub struct Node {
    engine: Engine,
    cluster: String,
    name: NodeName,
    address: Ipv4Addr,
}

impl Node {
    pub(crate) fn new(engine: &Engine, cluster: &str, name: NodeName, address: Ipv4Addr) -> Self {
        Node {
            engine: engine.clone(),
            cluster: cluster.to_owned(),
            name,
            address,
        }
    }

    /// As in `mesos-slave1`; also its hostname.
    #[must_use]
    pub fn name(&self) -> NodeName {
        self.name
    }

    /// Its address on the cluster's network.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The cluster it belongs to.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The engine it is on.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The full name of a component's container, for `docker`.
    #[must_use]
    pub fn container(&self, component: &str) -> String {
        container_name(&self.cluster, self.name, component)
    }

    /// The ZooKeeper server on this node.
    #[must_use]
    pub fn zookeeper(&self) -> ZooKeeperServer {
        ZooKeeperServer::new(format!("{}:{}", self.address, zookeeper::PORT))
    }

    /// Plain HTTP to whatever listens on `port` of this node.
    #[must_use]
    pub fn http(&self, port: u16) -> Http {
        Http::new(&format!("http://{}:{port}", self.address)).expect("an address makes a URL")
    }

    /// A client of the master on this node.
    #[must_use]
    pub fn master(&self) -> MasterClient {
        MasterClient::new(&format!("http://{}:{}", self.address, mesos_master::PORT)).expect("an address makes a URL")
    }

    /// A client of the agent on this node.
    #[must_use]
    pub fn agent(&self) -> AgentClient {
        AgentClient::new(&format!("http://{}:{}", self.address, mesos_agent::PORT)).expect("an address makes a URL")
    }

    /// A client of the Marathon on this node.
    #[must_use]
    pub fn marathon(&self) -> MarathonClient {
        MarathonClient::new(&format!("http://{}:{}", self.address, marathon::PORT)).expect("an address makes a URL")
    }

    /// The last `lines` lines of a component's output: what `docker logs` shows.
    ///
    /// # Errors
    /// As [`logs::tail`].
    pub async fn logs(&self, component: &str, lines: usize) -> Result<String> {
        logs::tail(&self.engine, &self.container(component), lines).await
    }

    /// Runs a command in a component's container.
    ///
    /// # Errors
    /// [`crate::Kind::Deadline`] where it does not end in time, [`crate::Kind::Environment`] where the engine refuses.
    /// A non-zero exit is no error: see [`ExecOutput::exit_code`].
    pub async fn exec(&self, component: &str, spec: ExecSpec) -> Result<ExecOutput> {
        exec(&self.engine, &self.container(component), spec).await
    }

    /// A wait for `component`, which people call `title`, to do `what` after its start: its death ends the wait, and its
    /// log's end explains one that expires.
    pub(crate) fn starting(&self, component: &'static str, title: &str, what: &str, deadline: Deadline) -> Wait<'_> {
        let name = self.container(component);
        Wait::that(format!("{title} on {} {what}", self.name), deadline)
            .look_at_most(deadlines::STARTING_LOOK)
            .unless(async move { container::death(&self.engine, &[name]).await })
            .explained_by(self.diagnosis(component))
    }

    /// What explains a wait for this component that expired: the tail of its log.
    pub(crate) async fn diagnosis(&self, component: &str) -> Vec<String> {
        let name = self.container(component);
        vec![format!(
            "last lines of {name}:\n{}",
            logs::evidence(&self.engine, &name, 30).await
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_original_machines() {
        for (text, octet) in [
            ("mesos-master1", 11),
            ("haproxy1", 21),
            ("universe1", 31),
            ("mesos-slave1", 101),
            ("mesos-slave5", 105),
        ] {
            let name: NodeName = text.parse().expect(text);
            assert_eq!((name.to_string().as_str(), name.host_octet()), (text, octet));
        }
    }

    #[test]
    fn a_mistyped_name_is_told_what_it_may_have_been() {
        for (text, meant) in [
            ("slave2", Some("mesos-slave2")),
            ("mesos-agent3", Some("mesos-slave3")),
            ("mesos-slave-1", Some("mesos-slave1")),
            ("mesos-mastre1", Some("mesos-master1")),
            ("Master", Some("mesos-master1")),
            ("mesos-master12", None),
            ("haproxy", Some("haproxy1")),
            ("univers1", Some("universe1")),
            ("kafka1", None),
        ] {
            let error = text.parse::<NodeName>().expect_err(text);
            let hint = meant.map(|name| format!("did you mean {name}?"));
            assert_eq!(error.hint_text(), hint.as_deref(), "{text}");
        }
    }

    #[test]
    fn other_names_say_what_is_allowed() {
        for text in [
            "",
            "mesos-slave",
            "mesos-slave0",
            "mesos-slave01",
            "mesos-slave+1",
            "mesos-slave100",
            "haproxy2",
            "slave1",
        ] {
            let error = text.parse::<NodeName>().expect_err(text);
            assert!(error.explain().contains("mesos-slave99"), "{error:?}");
        }
    }
}
