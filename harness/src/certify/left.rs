//! What an uninstall leaves, once the cluster has come to rest.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::checks::LiveCheck;
use super::traces::{KINDS, Traces};
use crate::await_until::{Probe, Wait};
use crate::client::marathon::Deployment;
use crate::client::mesos::state::{FrameworkState, MasterState};
use crate::client::mesos::task::TaskState;
use crate::component::mesos_dns;
use crate::deadlines::{AT_REST, NOTHING_LEFT};
use crate::{Cluster, Error, Result};

/// So many views of Mesos-DNS belong to a rest, each of which is a look at the master: it was asking when the rest began,
/// and the second look after that saw all of it. A loaded machine takes longer for them.
const GENERATIONS: usize = 3;

/// How long something has looked the same.
#[derive(Debug)]
pub(super) struct Rest<T> {
    looks: T,
    since: Option<Instant>,
    generations: BTreeSet<u64>,
}

impl<T: Default + PartialEq> Rest<T> {
    pub(super) fn new() -> Self {
        Rest {
            looks: T::default(),
            since: None,
            generations: BTreeSet::new(),
        }
    }

    /// Notes that it looks like `now` at `at`, with `generation` the newest of Mesos-DNS, and says whether that is final.
    /// While something is `under_way`, nothing is.
    pub(super) fn look(&mut self, at: Instant, now: T, generation: u64, under_way: bool) -> bool {
        if under_way || self.since.is_none() || self.looks != now {
            self.looks = now;
            self.since = (!under_way).then_some(at);
            self.generations.clear();
        }
        self.generations.insert(generation);
        let rested = self
            .since
            .is_some_and(|since| at.duration_since(since) >= AT_REST.limit());
        rested && self.generations.len() >= GENERATIONS
    }
}

/// The number of Mesos-DNS' newest view of the cluster: it grows by every look at the master.
pub(super) async fn generation(cluster: &Cluster) -> Result<u64> {
    let http = cluster.master().http(mesos_dns::HTTP_PORT);
    let all: serde_json::Value = http.get("v1/axfr").send().await?.json()?;
    Ok(all["Serial"].as_u64().unwrap_or_default())
}

/// Waits until `cluster` has nothing that it had not in `before`, but for nodes of ZooKeeper at and below the paths
/// `told`, or until what it has is final; and says of each kind what there is at the end.
///
/// # Errors
/// Where the cluster does not answer at all.
pub(super) async fn left(
    cluster: &Cluster,
    before: &Traces,
    told: &[&str],
) -> Result<Vec<(LiveCheck, Result<String>)>> {
    let last = Mutex::new(None);
    let rest = Mutex::new(Rest::<Traces>::new());
    let clean = Wait::that("nothing of the package is left", NOTHING_LEFT)
        .until(async || {
            let look = async {
                let (now, state) = Traces::with_state(cluster).await?;
                let now = now.without(told);
                let clean = now.is_clean(before);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.clone());
                if clean {
                    return Ok::<_, Error>(None);
                }
                let under_way = under_way(cluster, &state, &now, before).await?;
                let generation = generation(cluster).await?;
                let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
                let is_final = rest.look(Instant::now(), now, generation, under_way.is_some());
                Ok((!is_final).then(|| under_way.unwrap_or_else(|| "something is".to_owned())))
            };
            match look.await {
                Ok(None) => Probe::Ready(()),
                Ok(Some(why)) => Probe::NotYet(why),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await;
    let now = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    let now = match (now, clean) {
        (Some(now), _) => now,
        (None, Err(error)) => return Err(error),
        (None, Ok(())) => return Err(Error::internal("nothing was looked at")),
    };
    Ok(KINDS
        .iter()
        .map(|(check, what)| (*check, now.verdict(before, *check, what)))
        .collect())
}

/// What may yet change what there is `now`, without anybody doing anything.
async fn under_way(cluster: &Cluster, state: &MasterState, now: &Traces, before: &Traces) -> Result<Option<String>> {
    let deployments = cluster.marathon().deployments().await?;
    if let Some(why) = of_marathon(&deployments).or_else(|| of_mesos(state)) {
        return Ok(Some(why));
    }
    for agent in &state.slaves {
        let Ok(node) = cluster.node_of(&agent.hostname) else {
            continue;
        };
        let frameworks = node.agent().state().await?.typed.frameworks;
        let known = |id| state.frameworks.iter().any(|framework| framework.id == id);
        let mut ending = frameworks
            .into_iter()
            .filter(|one| !one.executors.is_empty() && !known(one.id.clone()));
        if let Some(one) = ending.next() {
            return Ok(Some(format!("an executor of {} ends on {}", one.name, node.name())));
        }
    }
    // Its session may end by itself.
    let zookeeper = cluster.zookeeper().await?;
    for path in now.since(before, LiveCheck::LeaveZnode) {
        if zookeeper.is_ephemeral(&path).await? {
            return Ok(Some(format!("{path} in ZooKeeper is ephemeral")));
        }
    }
    Ok(None)
}

fn of_marathon(deployments: &[Deployment]) -> Option<String> {
    let one = deployments.first()?;
    Some(format!("Marathon deploys {}", one.affected_apps.join(", ")))
}

fn of_mesos(state: &MasterState) -> Option<String> {
    let limit = NOTHING_LEFT.limit().as_secs_f64();
    let waits = |one: &&FrameworkState| !one.connected && one.failover_timeout < limit;
    if let Some(one) = state.frameworks.iter().find(waits) {
        return Some(format!(
            "the framework {} has {} s to come back",
            one.name, one.failover_timeout
        ));
    }
    let mut tasks = state.frameworks.iter().flat_map(|framework| &framework.tasks);
    let task = tasks.find(|task| task.state == TaskState::TaskKilling)?;
    Some(format!("the task {} is being killed", task.id))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_changes_or_is_under_way_is_not_final() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rest = Rest::new();
        assert!(!rest.look(at(0), "a", 1, true));
        assert!(!rest.look(at(9), "a", 9, true), "something is under way");
        assert!(!rest.look(at(10), "a", 10, false), "the rest begins here");
        assert!(!rest.look(at(14), "a", 14, false));
        assert!(!rest.look(at(15), "b", 15, false), "it changed");
        assert!(!rest.look(at(20), "b", 15, false), "Mesos-DNS has not looked since");
        assert!(!rest.look(at(21), "b", 16, false));
        assert!(rest.look(at(21), "b", 17, false));
    }
}
