//! `/state` and `/slaves` of a master, `/state` and `/containers` of an agent: the fields that scenarios use
//! (Mesos `src/master/readonly_handler.cpp`, `src/slave/http.cpp`, `src/common/http.cpp`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::task::{ContainerStatus, TaskState};
use crate::client::{AgentId, ContainerId, ExecutorId, FrameworkId, Resources, TaskId};
use crate::explain::AgentResources;

/// A master's `/state`.
#[derive(Clone, Debug, Deserialize)]
pub struct MasterState {
    /// Mesos' version.
    pub version: String,
    /// The commit it was built from.
    pub git_sha: Option<String>,
    /// The id of this run of the master.
    pub id: String,
    /// `master@<ip>:<port>`.
    pub pid: String,
    /// The name it is known by.
    pub hostname: String,
    /// The leader's pid, where one is elected.
    pub leader: Option<String>,
    /// More about the leader.
    pub leader_info: Option<LeaderInfo>,
    /// The cluster's name, where `--cluster` gives one.
    pub cluster: Option<String>,
    /// Seconds since the epoch.
    pub start_time: f64,
    /// Seconds since the epoch; only on the leader.
    pub elected_time: Option<f64>,
    /// How many agents are registered and connected.
    pub activated_slaves: f64,
    /// How many agents are registered but not connected.
    pub deactivated_slaves: f64,
    /// How many agents are unreachable.
    pub unreachable_slaves: f64,
    /// Every flag with its value.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
    /// Registered agents.
    pub slaves: Vec<Agent>,
    /// Registered frameworks.
    pub frameworks: Vec<FrameworkState>,
    /// Frameworks of the past.
    #[serde(default)]
    pub completed_frameworks: Vec<FrameworkState>,
}

impl MasterState {
    /// A framework, running or of the past.
    #[must_use]
    pub fn framework(&self, id: &FrameworkId) -> Option<&FrameworkState> {
        self.frameworks
            .iter()
            .chain(&self.completed_frameworks)
            .find(|framework| framework.id == *id)
    }

    /// The agent on `address`: its hostname or its IP address.
    #[must_use]
    pub fn agent_at(&self, address: &str) -> Option<&Agent> {
        self.slaves.iter().find(|agent| agent.is_at(address))
    }
}

/// The elected leader.
#[derive(Clone, Debug, Deserialize)]
pub struct LeaderInfo {
    /// The id of that run of the master.
    pub id: String,
    /// `master@<ip>:<port>`.
    pub pid: Option<String>,
    /// Its port.
    pub port: u16,
    /// The name it is known by.
    pub hostname: Option<String>,
}

/// `/slaves` of a master.
#[derive(Clone, Debug, Deserialize)]
pub struct Agents {
    /// Registered agents.
    pub slaves: Vec<Agent>,
    /// Agents that a new leader knows from its registry and that have not come back yet.
    #[serde(default)]
    pub recovered_slaves: Vec<RecoveredAgent>,
}

/// An agent that has not come back after a fail-over.
#[derive(Clone, Debug, Deserialize)]
pub struct RecoveredAgent {
    /// Its id.
    pub id: AgentId,
    /// The name it is known by.
    pub hostname: String,
}

/// A registered agent, in `/state` and `/slaves` of a master.
#[derive(Clone, Debug, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The name it is known by (`--hostname`).
    pub hostname: String,
    /// Its port.
    pub port: u16,
    /// `slave(1)@<ip>:<port>`.
    pub pid: String,
    /// True while it is connected and takes tasks.
    pub active: bool,
    /// True when an operator deactivated it.
    #[serde(default)]
    pub deactivated: bool,
    /// Mesos' version.
    pub version: String,
    /// Seconds since the epoch.
    pub registered_time: f64,
    /// Seconds since the epoch, once it has come back.
    pub reregistered_time: Option<f64>,
    /// Its attributes: numbers or text, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// Everything it has.
    pub resources: Resources,
    /// What tasks and executors hold.
    pub used_resources: Resources,
    /// What is offered to frameworks at this moment.
    pub offered_resources: Resources,
    /// What is reserved, by role.
    #[serde(default)]
    pub reserved_resources: BTreeMap<String, Resources>,
    /// What is not reserved.
    pub unreserved_resources: Resources,
}

impl Agent {
    /// The address in its pid.
    #[must_use]
    pub fn ip(&self) -> Option<&str> {
        Some(self.pid.split_once('@')?.1.rsplit_once(':')?.0)
    }

    /// `host:port` as its pid has it.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        Some(self.pid.split_once('@')?.1)
    }

    /// True when `address` is its hostname or its IP address.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        self.hostname == address || self.ip() == Some(address)
    }

    /// What no task holds, offered or not.
    #[must_use]
    pub fn free(&self) -> Resources {
        self.resources.minus(&self.used_resources)
    }

    /// What the arithmetic of [`explain`](crate::explain) takes, for tasks of `role`.
    ///
    /// `/state` does not say which used resources were reserved ones, so with reservations the free amount is the
    /// upper bound: no more than is free at all, and no more than the role may use.
    #[must_use]
    pub fn for_role(&self, role: &str) -> AgentResources {
        let reserved = self.reserved_resources.get(role).cloned().unwrap_or_default();
        let total = self.unreserved_resources.clone() + reserved;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        AgentResources {
            id: self.id.to_string(),
            name: self.hostname.clone(),
            free: self.free().common(&total),
            total,
            attributes: self
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            unusable: match (self.deactivated, self.active) {
                (true, _) => Some("an operator deactivated it".to_owned()),
                (false, false) => Some("it is not connected to the master".to_owned()),
                (false, true) => None,
            },
        }
    }
}

/// A framework, in a master's `/state`.
#[derive(Clone, Debug, Deserialize)]
pub struct FrameworkState {
    /// Its id.
    pub id: FrameworkId,
    /// Its name.
    pub name: String,
    /// The user its tasks run as, unless they say otherwise.
    pub user: String,
    /// True while it gets offers.
    pub active: bool,
    /// True while its scheduler is connected.
    pub connected: bool,
    /// Its roles; empty for a framework without MULTI_ROLE.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Its role, for a framework without MULTI_ROLE.
    pub role: Option<String>,
    /// Whether its executors survive the agent.
    pub checkpoint: bool,
    /// Seconds that its tasks survive it.
    pub failover_timeout: f64,
    /// Names of its capabilities.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What its tasks hold.
    pub used_resources: Resources,
    /// What it is offered at this moment.
    pub offered_resources: Resources,
    /// Tasks that are not over.
    pub tasks: Vec<TaskEntry>,
    /// Tasks on unreachable agents.
    #[serde(default)]
    pub unreachable_tasks: Vec<TaskEntry>,
    /// Tasks that are over.
    #[serde(default)]
    pub completed_tasks: Vec<TaskEntry>,
}

/// A task, in `/state` of a master or an agent.
#[derive(Clone, Debug, Deserialize)]
pub struct TaskEntry {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Its framework.
    pub framework_id: FrameworkId,
    /// Its executor; empty for a command task on a master.
    #[serde(default)]
    pub executor_id: ExecutorId,
    /// The agent it is on.
    pub slave_id: AgentId,
    /// Where it stands.
    pub state: TaskState,
    /// What it holds.
    pub resources: Resources,
    /// The states it has been in, the oldest first.
    #[serde(default)]
    pub statuses: Vec<StatusEntry>,
}

/// One state a task has been in.
#[derive(Clone, Debug, Deserialize)]
pub struct StatusEntry {
    /// The state.
    pub state: TaskState,
    /// Seconds since the epoch.
    pub timestamp: f64,
    /// What the health check said.
    pub healthy: Option<bool>,
    /// The container.
    pub container_status: Option<ContainerStatus>,
}

/// An agent's `/state`.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentState {
    /// Mesos' version.
    pub version: String,
    /// Its id; empty until a master has registered it.
    pub id: AgentId,
    /// `slave(1)@<ip>:<port>`.
    pub pid: String,
    /// The name it is known by.
    pub hostname: String,
    /// The leader's name, where it knows one.
    pub master_hostname: Option<String>,
    /// Seconds since the epoch.
    pub start_time: f64,
    /// Everything it has.
    pub resources: Resources,
    /// Its attributes: numbers or text, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// Every flag with its value.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
    /// Frameworks with something on this agent.
    pub frameworks: Vec<AgentFramework>,
    /// Frameworks that had something on this agent.
    #[serde(default)]
    pub completed_frameworks: Vec<AgentFramework>,
}

impl AgentState {
    /// Every executor of `framework`, running ones first.
    pub fn executors(&self, framework: &FrameworkId) -> impl Iterator<Item = &ExecutorState> {
        let frameworks = self.frameworks.iter().chain(&self.completed_frameworks);
        frameworks
            .filter(move |entry| entry.id == *framework)
            .flat_map(|entry| entry.executors.iter().chain(&entry.completed_executors))
    }

    /// The sandbox of a task: the directory of the executor that has or had it. It is a path of the agent, and at
    /// the same time what the agent's files endpoints take.
    ///
    /// A command task's executor has the task's id, so it is found even after the task's own record is gone.
    #[must_use]
    pub fn sandbox(&self, framework: &FrameworkId, task: &TaskId) -> Option<&str> {
        let of_task = self.executors(framework).find(|executor| executor.has(task));
        let by_name = || {
            self.executors(framework)
                .find(|executor| executor.id.as_str() == task.as_str())
        };
        of_task.or_else(by_name).map(|executor| executor.directory.as_str())
    }
}

/// A framework, in an agent's `/state`.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentFramework {
    /// Its id.
    pub id: FrameworkId,
    /// Its name.
    pub name: String,
    /// Executors that run.
    #[serde(default)]
    pub executors: Vec<ExecutorState>,
    /// Executors that are over and whose sandboxes are still there.
    #[serde(default)]
    pub completed_executors: Vec<ExecutorState>,
}

/// An executor, in an agent's `/state`.
#[derive(Clone, Debug, Deserialize)]
pub struct ExecutorState {
    /// Its id.
    pub id: ExecutorId,
    /// Its container, as plain text.
    #[serde(deserialize_with = "root_container")]
    pub container: ContainerId,
    /// Its sandbox.
    pub directory: String,
    /// Tasks that run.
    #[serde(default)]
    pub tasks: Vec<TaskEntry>,
    /// Tasks that wait for the executor; they have no state yet.
    #[serde(default)]
    pub queued_tasks: Vec<QueuedTask>,
    /// Tasks that are over.
    #[serde(default)]
    pub completed_tasks: Vec<TaskEntry>,
}

impl ExecutorState {
    fn has(&self, task: &TaskId) -> bool {
        let known = self.tasks.iter().chain(&self.completed_tasks).map(|task| &task.id);
        known
            .chain(self.queued_tasks.iter().map(|task| &task.id))
            .any(|id| id == task)
    }
}

/// A task that waits for its executor.
#[derive(Clone, Debug, Deserialize)]
pub struct QueuedTask {
    /// Its id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
}

/// A container, in an agent's `/containers`.
#[derive(Clone, Debug, Deserialize)]
pub struct ContainerEntry {
    /// Its id.
    #[serde(deserialize_with = "root_container")]
    pub container_id: ContainerId,
    /// The framework it belongs to.
    pub framework_id: FrameworkId,
    /// Its executor.
    pub executor_id: ExecutorId,
    /// Its processes and networks, where its containerizer could tell.
    pub status: Option<ContainerStatus>,
    /// What it uses: `cpus_limit`, `mem_rss_bytes` and many more, by their names in `ResourceStatistics`.
    pub statistics: Option<Value>,
}

/// `/state` and `/containers` write a container's id as plain text; only root containers stand there.
fn root_container<'de, D: serde::Deserializer<'de>>(from: D) -> Result<ContainerId, D::Error> {
    String::deserialize(from).map(ContainerId::root)
}
