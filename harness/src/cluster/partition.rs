//! Partitions: nodes that run, and do not hear each other.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Cluster;
use crate::component::packet_filter::{self, Direction};
use crate::docker::Engine;
use crate::evidence::Recorder;
use crate::node::Node;
use crate::{Error, Result, apart, interrupt};

/// Names of packet filters' tables; partitions may overlap.
static NUMBER: AtomicU32 = AtomicU32::new(1);

impl Cluster {
    /// Drops every packet between `node` and `peers`, established connections included, until the partition heals. The
    /// machine that the tests run on still reaches all of them. Needs the ability `net-admin` of the engine's machine,
    /// as `harness doctor` tells.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] where `peers` is empty or has `node` in it; [`crate::Kind::Environment`] where the node's
    /// packet filter cannot be changed.
    pub async fn partition(&self, node: &Node, peers: &[&Node]) -> Result<Partition> {
        self.cut(node, peers, Direction::Both).await
    }

    /// Drops what `peers` send to `node`, and nothing that it sends to them: a partition of one direction. It is
    /// otherwise as [`Cluster::partition`].
    ///
    /// # Errors
    /// As [`Cluster::partition`].
    pub async fn deafen(&self, node: &Node, peers: &[&Node]) -> Result<Partition> {
        self.cut(node, peers, Direction::FromPeers).await
    }

    async fn cut(&self, node: &Node, peers: &[&Node], direction: Direction) -> Result<Partition> {
        if peers.is_empty() || peers.iter().any(|peer| peer.name() == node.name()) {
            return Err(Error::usage(format!("{} cannot be cut from these peers", node.name()))
                .expected("one other node at least, and not the node itself"));
        }
        // A master that is cut off from ZooKeeper ends itself, and so may others.
        self.expect_deaths();
        let labels = self.labels();
        let filter = packet_filter::ensure(&self.engine, &self.recipe(&labels), node).await?;
        let names: Vec<String> = peers.iter().map(|peer| peer.name().to_string()).collect();
        let what = match direction {
            Direction::Both => format!("{} is cut from {}", node.name(), names.join(", ")),
            Direction::FromPeers => format!("{} does not hear {}", node.name(), names.join(", ")),
        };
        // Before the rules are there: where their loading is broken off, they are removed all the same.
        let partition = Partition {
            engine: self.engine.clone(),
            filter,
            table: format!("partition-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
            what,
            recorder: self.recorder.clone(),
            healed: false,
        };
        let addresses: Vec<Ipv4Addr> = peers.iter().map(|peer| peer.address()).collect();
        packet_filter::drop_packets(&self.engine, &partition.filter, &partition.table, &addresses, direction).await?;
        partition.note(&partition.what);
        Ok(partition)
    }
}

/// Packets that are dropped until [`Partition::heal`]. One that is let go of heals too, so that a cluster which is kept
/// for a person to look at is whole; the rules live in the node's network and go with it however the owner ended.
#[derive(Debug)]
#[must_use = "a partition heals when it is dropped"]
pub struct Partition {
    engine: Engine,
    filter: String,
    table: String,
    what: String,
    recorder: Option<Arc<Recorder>>,
    healed: bool,
}

impl Partition {
    /// Lets the packets pass again, and reads back from the node's packet filter that it does.
    ///
    /// # Errors
    /// [`crate::Kind::Environment`] where the packet filter cannot be changed.
    pub async fn heal(mut self) -> Result<()> {
        packet_filter::pass_packets(&self.engine, &self.filter, &self.table).await?;
        self.healed = true;
        self.note(&format!("healed: {}", self.what));
        Ok(())
    }

    /// What a reader of the evidence must know to read the logs.
    fn note(&self, text: &str) {
        if let Some(recorder) = &self.recorder {
            recorder.note(text);
        }
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        if self.healed {
            return;
        }
        // A signal's handler removes the cluster, and ends the process.
        interrupt::await_end();
        let (filter, table) = (self.filter.clone(), self.table.clone());
        let healed = apart::run("heal", async move || {
            let engine = Engine::connect().await?;
            packet_filter::pass_packets(&engine, &filter, &table).await
        });
        match healed {
            Ok(()) => self.note(&format!("healed at its end: {}", self.what)),
            // Not `eprintln!`, whose panic in a drop would be the end: nobody may read it any more.
            Err(error) => drop(writeln!(
                std::io::stderr(),
                "not healed: {}: {}",
                self.what,
                error.explain()
            )),
        }
    }
}
