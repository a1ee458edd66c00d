//! The masters among themselves: who leads, and whether each has its copy of the registry.

use futures_util::future::try_join_all;

use super::Cluster;
use crate::await_until::{Probe, Wait};
use crate::component::{mesos_master, zookeeper};
use crate::deadlines::{MASTER_LEADING, REGISTRY_REPLICATED, STARTING_LOOK};
use crate::docker::container;
use crate::node::{Node, NodeName};
use crate::{Error, Result};

impl Cluster {
    /// The nodes with a master that run.
    pub fn master_nodes(&self) -> impl Iterator<Item = &Node> {
        let masters = NodeName::Master(1)..=NodeName::Master(self.topology.masters);
        self.nodes.range(masters).map(|(_, node)| node)
    }

    /// The node whose master leads.
    ///
    /// # Errors
    /// [`crate::Kind::Deadline`] where the masters that run agree on none.
    pub async fn leading_master(&self) -> Result<&Node> {
        self.leader_among("a master leads", |_| true).await
    }

    /// The node whose master leads after that of `former`, which is not asked: it may be dead, or cut off.
    ///
    /// # Errors
    /// As [`Cluster::leading_master`].
    pub async fn next_leading_master(&self, former: &Node) -> Result<&Node> {
        let what = format!("another master than that of {} leads", former.name());
        self.leader_among(&what, |node| node.name() != former.name()).await
    }

    /// The node among those that `counts` which all of them take for the leader's.
    async fn leader_among(&self, what: &str, counts: impl Fn(&Node) -> bool) -> Result<&Node> {
        let masters: Vec<&Node> = self.master_nodes().filter(|node| counts(node)).collect();
        Wait::that(what, MASTER_LEADING)
            .look_at_most(STARTING_LOOK)
            .until(async || {
                let mut agreed = None;
                for node in &masters {
                    let leader = match node.master().leader().await {
                        Ok(Some(leader)) => leader,
                        Ok(None) => return Probe::NotYet(format!("the master of {} knows of none", node.name())),
                        Err(error) => return Probe::NotYet(error.to_string()),
                    };
                    if *agreed.get_or_insert_with(|| leader.clone()) != leader {
                        return Probe::NotYet(format!("the master of {} says {leader}", node.name()));
                    }
                }
                let of = |leader: &String| {
                    let address =
                        |node: &&&Node| *leader == format!("http://{}:{}", node.address(), mesos_master::PORT);
                    masters.iter().find(address).copied()
                };
                match agreed.as_ref().and_then(of) {
                    Some(node) => Probe::Ready(node),
                    None => Probe::NotYet(format!("they say {agreed:?}")),
                }
            })
            .await
    }

    /// Waits until the first of `masters` knows which master leads; the others must live on meanwhile.
    pub(super) async fn await_leader(&self, masters: &[Node]) -> Result<()> {
        let Some(node) = masters.first() else { return Ok(()) };
        let containers: Vec<String> = masters.iter().map(|node| node.container(mesos_master::NAME)).collect();
        Wait::that("a Mesos master leads", MASTER_LEADING)
            .look_at_most(STARTING_LOOK)
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

    /// Waits until each of `masters` has its replica of the registry. A replica that is new learns what was written from
    /// a quorum of those that vote: before that, an ensemble of three that loses a voter can neither write nor learn,
    /// and its next leader takes no agent. One that leads alone has it already.
    pub(super) async fn await_registries(&self, masters: &[Node]) -> Result<()> {
        if masters.len() < 2 {
            return Ok(());
        }
        let waits = masters.iter().map(async |node| {
            let master = node.master();
            let containers = [node.container(mesos_master::NAME)];
            Wait::that(
                format!("the master of {} has a replica of the registry", node.name()),
                REGISTRY_REPLICATED,
            )
            .look_at_most(STARTING_LOOK)
            .unless(container::death(&self.engine, &containers))
            .explained_by(node.diagnosis(mesos_master::NAME))
            .until(async || {
                let voting = master.has_registry().await;
                let voting = voting.map(|votes| votes.unwrap_or(true).then_some(()));
                Probe::from_passing(voting, "its replica does not vote yet")
            })
            .await
        });
        try_join_all(waits).await.map(drop)
    }

    /// Any master that runs: each knows the leader, and passes on what only the leader answers.
    pub(super) fn running_master(&self) -> Result<&Node> {
        self.master_nodes().next().ok_or_else(|| {
            Error::usage(format!("no master runs in the cluster {}", self.name))
                .expected("a master that agents can register with")
                .hint(format!("harness start --name {} mesos-master1", self.name))
        })
    }
}
