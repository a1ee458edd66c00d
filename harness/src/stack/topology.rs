//! The topology file: how many nodes of each kind a cluster has, and what its agents offer.
//!
//! ```toml
//! masters = 3             # 1 to 9; 1 where it is not said
//! zookeepers = 3          # 1 to 9; as many as masters
//! slaves = 2              # 0 to 99; 1
//! services = ["marathon"] # beside ZooKeeper and Mesos; or "all", or "none"
//! docker = true           # slaves have a Docker of their own from the start; false
//!
//! [agent]                 # every agent
//! attributes = "rack:a"
//!
//! [node.mesos-slave2]     # one of them; also one that is started later
//! resources = "cpus:8;mem:8192"
//! role = "ads"
//! ```
//!
//! The tables are those of a [stack file](super::Stack), over which they are laid key by key.

use std::collections::BTreeMap;
use std::path::Path;

use super::layer::{self, AgentLayer, Layer};
use super::reader::{Reader, Value};
use crate::component::service::Services;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The topology file that `harness up` takes where it stands in the working folder and none is named.
pub const TOPOLOGY_FILE: &str = "harness.toml";

const TOP: [&str; 7] = ["masters", "zookeepers", "slaves", "services", "docker", "agent", "node"];

/// A checked topology file.
#[derive(Clone, Debug)]
pub struct TopologyFile {
    /// How messages call it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Masters, 1 to 9.
    pub masters: Option<u8>,
    /// Servers of the ZooKeeper ensemble, 1 to 9.
    pub zookeepers: Option<u8>,
    /// Agents that are started at boot, up to 99.
    pub slaves: Option<u8>,
    /// The services of the full stack that it has.
    pub services: Option<Services>,
    /// Whether slaves have a Docker of their own from the start.
    pub docker: Option<bool>,
    agent: AgentLayer,
    nodes: BTreeMap<String, AgentLayer>,
}

impl TopologyFile {
    /// Reads `path`.
    ///
    /// # Errors
    /// [`Kind::Usage`] naming file, line and key of every mistake, and what is allowed there.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).context(Kind::Usage, || {
            format!("the topology file {} cannot be read", path.display())
        })?;
        TopologyFile::parse(&path.display().to_string(), &text)
    }

    /// Reads a file's text; `file` is how messages call it.
    ///
    /// # Errors
    /// As [`TopologyFile::load`].
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut reader = Reader::new(file, text, Path::new(""));
        let document = reader.document()?;
        let table = document.get_ref();
        reader.only_keys("", table, &TOP);
        let mut layer = Layer::default();
        layer::agents(&mut reader, table, &mut layer);
        let topology = TopologyFile {
            file: file.to_owned(),
            text: text.to_owned(),
            masters: reader.count("masters", table.get("masters"), 1..=9),
            zookeepers: reader.count("zookeepers", table.get("zookeepers"), 1..=9),
            slaves: reader.count("slaves", table.get("slaves"), 0..=99),
            services: services(&mut reader, table.get("services")),
            docker: reader.flag("docker", table.get("docker")),
            agent: layer.agent,
            nodes: layer.nodes,
        };
        reader.finish()?;
        Ok(topology)
    }

    /// True where both say the same of agents; `None` says nothing of them.
    #[must_use]
    pub fn same_agents(one: Option<&Self>, other: Option<&Self>) -> bool {
        let nothing = (AgentLayer::default(), BTreeMap::new());
        let said = |file: Option<&Self>| file.map(|file| (file.agent.clone(), file.nodes.clone()));
        said(one).unwrap_or_else(|| nothing.clone()) == said(other).unwrap_or(nothing)
    }

    pub(super) fn layer(&self) -> Layer {
        Layer {
            file: self.file.clone(),
            agent: self.agent.clone(),
            nodes: self.nodes.clone(),
            ..Layer::default()
        }
    }
}

fn services(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Services> {
    let value = value?;
    let names = match value.get_ref().as_str() {
        Some(name) => vec![name.to_owned()],
        None => reader.strings("services", value)?,
    };
    let services = Services::parse(names.iter().map(String::as_str));
    let mistaken = |error: Error| {
        let expected = error.expected_text().unwrap_or_default();
        reader.mistake(value.span().start, "services", &error.to_string(), expected);
    };
    services.map_err(mistaken).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::component::Service;
    use crate::stack::Stack;

    fn parse(text: &str) -> Result<TopologyFile> {
        TopologyFile::parse("harness.toml", text)
    }

    #[test]
    fn what_it_does_not_say_is_left_to_others() {
        let topology = parse("slaves = 0\n").expect("it is right");
        let counts = (topology.masters, topology.zookeepers, topology.slaves);
        assert_eq!(counts, (None, None, Some(0)));
        assert!(TopologyFile::same_agents(Some(&topology), None));
    }

    #[test]
    fn services_are_named_or_all_or_none() {
        let services = |text| parse(text).expect("it is right").services;
        assert_eq!(services(""), None);
        assert_eq!(services("services = \"all\"\n"), Some(Services::All));
        let marathon = Services::Some(BTreeSet::from([Service::Marathon]));
        assert_eq!(services("services = [\"marathon\"]\n"), Some(marathon));
        assert_eq!(services("services = \"none\"\n"), Some(Services::Some(BTreeSet::new())));
        let said = parse("services = [\"chronos\"]\n")
            .expect_err("no such service")
            .explain();
        assert!(
            said.contains("harness.toml:1: services: \"chronos\" is no service"),
            "{said}"
        );
    }

    #[test]
    fn docker_is_true_or_false() {
        assert_eq!(parse("docker = true\n").expect("it is right").docker, Some(true));
        assert_eq!(parse("").expect("it is right").docker, None);
        let said = parse("docker = \"yes\"\n").expect_err("a text").explain();
        for part in ["harness.toml:1: docker: is a string", "true or false"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn its_agents_are_laid_over_those_of_the_stack() {
        let topology = parse("[agent]\nattributes = \"rack:a\"\n[node.mesos-slave2]\nrole = \"ads\"\n");
        let topology = topology.expect("it is right");
        assert!(!TopologyFile::same_agents(Some(&topology), None));
        let plain = Stack::load(None).expect("the default stack is good");
        let stack = Stack::load_for(None, Some(&topology)).expect("both are good");
        let second = stack.agent_on("mesos-slave2");
        assert_eq!(second.role.as_deref(), Some("ads"));
        assert_eq!(second.attributes.to_string(), "rack:a");
        assert_eq!(second.resources, plain.agent_on("mesos-slave2").resources);
        assert_eq!(stack.agent_on("mesos-slave1").role, None);
    }

    #[test]
    fn every_mistake_has_its_line_its_key_and_what_is_allowed() {
        let text = "masters = 0\nagents = 2\nslaves = \"two\"\n[node.mesos-master1]\n[agent]\nresources = \"cpus=1\"\n";
        let error = parse(text).expect_err("nothing is right");
        assert_eq!(error.kind(), Kind::Usage);
        let said = error.explain();
        for part in [
            "harness.toml:1: masters: is 0",
            "expected: 1 to 9",
            "harness.toml:2: agents: unknown key",
            "did you mean `slaves`?",
            "harness.toml:3: slaves: is a string; expected a number, 0 to 99",
            "harness.toml:4: node.mesos-master1: not a node with an agent",
            "harness.toml:6: agent.resources",
        ] {
            assert!(said.contains(part), "{part:?} stands in {said}");
        }
    }
}
