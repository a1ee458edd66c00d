//! What a package can leave behind: everything of a cluster that an install may add to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::checks::LiveCheck;
use crate::await_until::{Probe, Wait};
use crate::client::mesos::state::MasterState;
use crate::client::zookeeper::ZooKeeper;
use crate::component::mesos_dns;
use crate::deadlines::NAME_RESOLVED;
use crate::{Cluster, Error, Kind, Result};

/// The cluster's own nodes in ZooKeeper: they change by themselves.
const OWN_ZNODES: [&str; 3] = ["/marathon", "/mesos", "/zookeeper"];
/// More are not counted: something writes without end then.
const ZNODES: usize = 10_000;

/// What outlives the processes of a service.
const PERSISTENT: [LiveCheck; 2] = [LiveCheck::LeaveZnode, LiveCheck::LeaveReservation];

/// What a cluster has at one moment, each kind under the check that it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Traces {
    found: BTreeMap<LiveCheck, BTreeSet<String>>,
}

/// The checks, each of one kind of trace, and what it is called.
pub(super) const KINDS: [(LiveCheck, &str); 6] = [
    (LiveCheck::LeaveApp, "apps"),
    (LiveCheck::LeaveFramework, "frameworks"),
    (LiveCheck::LeaveTask, "tasks"),
    (LiveCheck::LeaveReservation, "reservations"),
    (LiveCheck::LeaveZnode, "nodes in ZooKeeper"),
    (LiveCheck::LeaveName, "names in DNS"),
];

impl Traces {
    /// All that `cluster` has now.
    pub(super) async fn of(cluster: &Cluster) -> Result<Self> {
        Ok(Traces::with_state(cluster).await?.0)
    }

    /// The same, and the master's state that it is from.
    pub(super) async fn with_state(cluster: &Cluster) -> Result<(Self, MasterState)> {
        let mut traces = Traces::default();
        let apps = cluster.marathon().apps().await?;
        traces.add(LiveCheck::LeaveApp, apps.into_iter().map(|app| app.id));
        let state = cluster.mesos().state().await?.typed;
        let frameworks = state.frameworks.iter().map(|one| format!("{} ({})", one.name, one.id));
        traces.add(LiveCheck::LeaveFramework, frameworks);
        let tasks = state.frameworks.iter().flat_map(|framework| &framework.tasks);
        let running = tasks
            .filter(|task| !task.state.is_terminal())
            .map(|task| format!("{} ({})", task.name, task.id));
        traces.add(LiveCheck::LeaveTask, running);
        let reserved = state.slaves.iter().flat_map(|agent| {
            let roles = agent.reserved_resources.iter();
            roles.map(move |(role, resources)| format!("{resources} for {role} on {}", agent.hostname))
        });
        traces.add(LiveCheck::LeaveReservation, reserved);
        traces.add(LiveCheck::LeaveZnode, znodes(&cluster.zookeeper().await?).await?);
        traces.add(LiveCheck::LeaveName, names(cluster).await?);
        Ok((traces, state))
    }

    /// All that a fresh `cluster` has, once Mesos-DNS has heard of it.
    pub(super) async fn before(cluster: &Cluster) -> Result<Self> {
        let own = ["marathon", "slave"].map(|name| format!("{name}.{}.", mesos_dns::DOMAIN));
        Wait::that("Mesos-DNS knows Marathon and the agents", NAME_RESOLVED)
            .until(async || match names(cluster).await {
                Ok(names) if own.iter().all(|own| names.contains(own)) => Probe::Ready(()),
                Ok(names) => Probe::NotYet(names.join(", ")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await?;
        Traces::of(cluster).await
    }

    fn add(&mut self, check: LiveCheck, found: impl IntoIterator<Item = String>) {
        self.found.entry(check).or_default().extend(found);
    }

    fn get(&self, check: LiveCheck) -> BTreeSet<&str> {
        self.found
            .get(&check)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    /// What is here and was not in `before`.
    pub(super) fn since(&self, before: &Traces, check: LiveCheck) -> Vec<String> {
        self.get(check)
            .difference(&before.get(check))
            .map(|one| (*one).to_owned())
            .collect()
    }

    pub(super) fn is_clean(&self, before: &Traces) -> bool {
        KINDS.iter().all(|(check, _)| self.since(before, *check).is_empty())
    }

    /// Takes out the nodes of ZooKeeper that are one of `paths` or below it.
    pub(super) fn without(mut self, paths: &[&str]) -> Self {
        let is_below = |node: &str, path: &str| {
            node.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(nodes) = self.found.get_mut(&LiveCheck::LeaveZnode) {
            nodes.retain(|node| !paths.iter().any(|path| is_below(node, path)));
        }
        self
    }

    /// What is left of one kind, which is called `what`.
    pub(super) fn verdict(&self, before: &Traces, check: LiveCheck, what: &str) -> Result<String> {
        verdict(&self.since(before, check), what)
    }

    /// What an update must keep, the framework's id aside: everything persistent that `self` has and `now` has not.
    pub(super) fn lost(&self, now: &Traces) -> Vec<String> {
        let kinds = PERSISTENT.iter();
        kinds.flat_map(|check| self.since(now, *check)).collect()
    }
}

fn verdict(left: &[String], what: &str) -> Result<String> {
    if left.is_empty() {
        return Ok(format!("no {what} beside those of before"));
    }
    Err(Error::new(Kind::Answer, format!("{what} are left: {}", left.join(", "))).expected(format!("no {what}")))
}

/// Every node of ZooKeeper that is not the cluster's own.
async fn znodes(zookeeper: &ZooKeeper) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = if folder.is_empty() { "/" } else { &folder };
        let children = match zookeeper.children(path).await {
            Ok(children) => children,
            // It went while the others were listed.
            Err(error) if error.kind() == Kind::Answer => continue,
            Err(error) => return Err(error),
        };
        for child in children {
            let path = format!("{folder}/{child}");
            if OWN_ZNODES.contains(&path.as_str()) {
                continue;
            }
            found.push(path.clone());
            folders.push(path);
        }
        if found.len() > ZNODES {
            return Err(Error::new(
                Kind::Answer,
                format!("ZooKeeper has more than {ZNODES} nodes"),
            ));
        }
    }
    Ok(found)
}

/// Every name that Mesos-DNS has.
async fn names(cluster: &Cluster) -> Result<Vec<String>> {
    let http = cluster.master().http(mesos_dns::HTTP_PORT);
    let all: Value = http.get("v1/axfr").send().await?.json()?;
    let records = ["As", "SRVs"].map(|kind| all["Records"][kind].as_object());
    Ok(records
        .into_iter()
        .flatten()
        .flat_map(|records| records.keys().cloned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(found: &[(LiveCheck, &str)]) -> Traces {
        let mut traces = Traces::default();
        for (check, one) in found {
            traces.add(*check, [(*one).to_owned()]);
        }
        traces
    }

    #[test]
    fn what_was_there_before_is_not_left_behind() {
        let before = traces(&[
            (LiveCheck::LeaveFramework, "marathon (1)"),
            (LiveCheck::LeaveZnode, "/kafka"),
        ]);
        let now = traces(&[
            (LiveCheck::LeaveFramework, "marathon (1)"),
            (LiveCheck::LeaveZnode, "/hello"),
        ]);
        assert!(!now.is_clean(&before) && before.is_clean(&before));
        assert_eq!(now.since(&before, LiveCheck::LeaveZnode), ["/hello"]);
        assert_eq!(now.since(&before, LiveCheck::LeaveFramework), [""; 0]);
        let error = verdict(&now.since(&before, LiveCheck::LeaveZnode), "nodes").expect_err("one is left");
        assert_eq!(error.to_string(), "nodes are left: /hello");
    }

    #[test]
    fn what_the_notes_tell_of_may_stay() {
        let left = |told: &[&str]| {
            let now = traces(&[
                (LiveCheck::LeaveZnode, "/hello/state"),
                (LiveCheck::LeaveZnode, "/hello-2"),
            ]);
            now.without(told).since(&Traces::default(), LiveCheck::LeaveZnode)
        };
        assert_eq!(left(&["/hello"]), ["/hello-2"]);
        assert_eq!(left(&["/hello", "/hello-2"]), [""; 0]);
        assert_eq!(left(&[]).len(), 2);
    }

    #[test]
    fn an_update_may_add_and_must_not_lose() {
        let before = traces(&[(LiveCheck::LeaveZnode, "/hello"), (LiveCheck::LeaveName, "a.mesos.")]);
        let more = traces(&[(LiveCheck::LeaveZnode, "/hello"), (LiveCheck::LeaveZnode, "/hello/2")]);
        assert_eq!(before.lost(&more), [""; 0], "names change with tasks");
        assert_eq!(before.lost(&traces(&[])), ["/hello"]);
    }
}
