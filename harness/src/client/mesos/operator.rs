//! The v1 operator API: one POST of `{"type": "GET_…"}` to `/api/v1`, one document back (Mesos
//! `include/mesos/v1/master/master.proto`, `include/mesos/v1/agent/agent.proto`). Fields that scenarios use.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::task::{ContainerStatus, TaskState, TaskStatus};
use crate::Result;
use crate::client::ids::wrapped;
use crate::client::resources::RoleResources;
use crate::client::{AgentId, ContainerId, ExecutorId, FrameworkId, Http, TaskId};
use crate::deadlines::STARTING_LOOK;

/// `{"type": "TEARDOWN", "teardown": {…}}`.
pub(crate) fn call(kind: &str, body: Option<Value>) -> Value {
    let mut call = Map::new();
    call.insert("type".to_owned(), kind.into());
    if let Some(body) = body {
        call.insert(kind.to_ascii_lowercase(), body);
    }
    Value::Object(call)
}

/// Makes a call that answers with a document, and reads the part named after the call.
pub(crate) async fn ask<T: DeserializeOwned>(http: &Http, kind: &str, body: Option<Value>) -> Result<T> {
    let answer = http.post_json("api/v1", &call(kind, body)).send().await?;
    let document: Map<String, Value> = answer.clone().json()?;
    let field = kind.to_ascii_lowercase();
    // An answer without members is written as a type alone.
    let part = document.get(&field).cloned().unwrap_or_else(|| json!({}));
    if document.get("type").and_then(Value::as_str) != Some(kind) {
        return Err(answer.unexpected(format!("a document of the type {kind}")));
    }
    serde_json::from_value(part).map_err(|error| {
        answer
            .unexpected(format!("a document with a `{field}` of its shape"))
            .caused_by(error)
    })
}

/// Makes a call that is only accepted: 200 or 202.
pub(crate) async fn tell(http: &Http, kind: &str, body: Option<Value>) -> Result<()> {
    let answer = http.post_json("api/v1", &call(kind, body)).send().await?;
    answer
        .expect(&[reqwest::StatusCode::OK, reqwest::StatusCode::ACCEPTED])
        .map(drop)
}

/// Whether the gauge `name` of a process that may be starting is 1; `None` where it has no such gauge.
///
/// The metrics are asked for only when `/health` answers: libprocess takes requests before it has made what authenticates
/// them, and one for its metrics at that moment ends the process with SIGSEGV (Mesos 1.11.0,
/// 3rdparty/libprocess/src/process.cpp, `initialize`). `/health` is the master's or agent's own, which starts after that.
pub(crate) async fn is_set(http: &Http, name: &str) -> Result<Option<bool>> {
    // A request that arrives at that moment may never be answered: the caller had better ask again soon.
    let look = |path| http.get(path).within(STARTING_LOOK.limit()).send();
    look("health").await?.ok()?;
    let metrics: BTreeMap<String, Option<f64>> = look("metrics/snapshot").await?.json()?;
    Ok(metrics.get(name).map(|gauge| *gauge == Some(1.0)))
}

/// GET_VERSION.
#[derive(Clone, Debug, Deserialize)]
pub struct VersionInfo {
    /// Mesos' version.
    pub version: String,
    /// When it was built.
    pub build_date: Option<String>,
    /// By whom.
    pub build_user: Option<String>,
    /// The commit it was built from.
    pub git_sha: Option<String>,
    /// The tag it was built from.
    pub git_tag: Option<String>,
}

#[derive(Deserialize)]
struct GetVersion {
    version_info: VersionInfo,
}

pub(crate) async fn version(http: &Http) -> Result<VersionInfo> {
    ask::<GetVersion>(http, "GET_VERSION", None)
        .await
        .map(|answer| answer.version_info)
}

#[derive(Deserialize)]
struct GetHealth {
    healthy: bool,
}

pub(crate) async fn healthy(http: &Http) -> Result<bool> {
    ask::<GetHealth>(http, "GET_HEALTH", None)
        .await
        .map(|answer| answer.healthy)
}

#[derive(Deserialize)]
struct GetFlags {
    #[serde(default)]
    flags: Vec<Flag>,
}

#[derive(Deserialize)]
struct Flag {
    name: String,
    #[serde(default)]
    value: String,
}

pub(crate) async fn flags(http: &Http) -> Result<BTreeMap<String, String>> {
    let answer: GetFlags = ask(http, "GET_FLAGS", None).await?;
    Ok(answer.flags.into_iter().map(|flag| (flag.name, flag.value)).collect())
}

/// `/metrics/snapshot`: every metric with its number.
pub(crate) async fn metrics(http: &Http) -> Result<BTreeMap<String, f64>> {
    let all: BTreeMap<String, Option<f64>> = http.get("metrics/snapshot").send().await?.json()?;
    // A metric that could not be computed is null.
    Ok(all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

/// What a framework says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct FrameworkInfo {
    /// Its id.
    #[serde(default, with = "wrapped::option")]
    pub id: Option<FrameworkId>,
    /// Its name.
    pub name: String,
    /// The user its tasks run as.
    pub user: String,
    /// Its roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Whether its executors survive the agent.
    #[serde(default)]
    pub checkpoint: bool,
    /// Seconds that its tasks survive it.
    #[serde(default)]
    pub failover_timeout: f64,
}

/// A framework, as the master knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct FrameworkEntry {
    /// What it says of itself.
    pub framework_info: FrameworkInfo,
    /// True while it gets offers.
    #[serde(default)]
    pub active: bool,
    /// True while its scheduler is connected.
    #[serde(default)]
    pub connected: bool,
    /// True after a fail-over of the master, until it comes back.
    #[serde(default)]
    pub recovered: bool,
    /// What its tasks hold.
    #[serde(default)]
    pub allocated_resources: RoleResources,
    /// What it is offered at this moment.
    #[serde(default)]
    pub offered_resources: RoleResources,
}

/// GET_FRAMEWORKS.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Frameworks {
    /// Registered frameworks.
    #[serde(default)]
    pub frameworks: Vec<FrameworkEntry>,
    /// Frameworks of the past.
    #[serde(default)]
    pub completed_frameworks: Vec<FrameworkEntry>,
}

/// What an agent says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentInfo {
    /// Its id.
    #[serde(default, with = "wrapped::option")]
    pub id: Option<AgentId>,
    /// The name it is known by.
    pub hostname: String,
    /// Its port.
    pub port: Option<u16>,
    /// Everything it has.
    #[serde(default)]
    pub resources: RoleResources,
}

/// An agent, as the master knows it.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentEntry {
    /// What it says of itself.
    pub agent_info: AgentInfo,
    /// True while it is connected and takes tasks.
    pub active: bool,
    /// True when an operator deactivated it.
    #[serde(default)]
    pub deactivated: bool,
    /// Mesos' version.
    pub version: String,
    /// `slave(1)@<ip>:<port>`.
    pub pid: Option<String>,
    /// Everything it has.
    #[serde(default)]
    pub total_resources: RoleResources,
    /// What tasks and executors hold.
    #[serde(default)]
    pub allocated_resources: RoleResources,
    /// What is offered at this moment.
    #[serde(default)]
    pub offered_resources: RoleResources,
}

/// GET_AGENTS of a master.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AgentList {
    /// Registered agents.
    #[serde(default)]
    pub agents: Vec<AgentEntry>,
    /// Agents that a new leader knows from its registry and that have not come back yet.
    #[serde(default)]
    pub recovered_agents: Vec<AgentInfo>,
}

/// A task, as the v1 API writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// Its id.
    #[serde(with = "wrapped")]
    pub task_id: TaskId,
    /// Its name.
    pub name: String,
    /// Its framework.
    #[serde(with = "wrapped")]
    pub framework_id: FrameworkId,
    /// The agent it is on.
    #[serde(with = "wrapped")]
    pub agent_id: AgentId,
    /// Its executor; absent for a command task on a master.
    #[serde(default, with = "wrapped::option")]
    pub executor_id: Option<ExecutorId>,
    /// Where it stands.
    pub state: TaskState,
    /// What it holds.
    #[serde(default)]
    pub resources: RoleResources,
    /// The updates so far, the oldest first.
    #[serde(default)]
    pub statuses: Vec<TaskStatus>,
}

/// GET_TASKS of a master.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tasks {
    /// Tasks that are not over.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// Tasks on unreachable agents.
    #[serde(default)]
    pub unreachable_tasks: Vec<Task>,
    /// Tasks that are over.
    #[serde(default)]
    pub completed_tasks: Vec<Task>,
}

impl Tasks {
    /// Every task of that name, whether over or not.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Task> {
        let all = self
            .tasks
            .iter()
            .chain(&self.unreachable_tasks)
            .chain(&self.completed_tasks);
        all.filter(move |task| task.name == name)
    }
}

/// GET_TASKS of an agent.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AgentTasks {
    /// Tasks that wait for their executor.
    #[serde(default)]
    pub queued_tasks: Vec<Task>,
    /// Tasks with their executor.
    #[serde(default)]
    pub launched_tasks: Vec<Task>,
    /// Tasks that are over, their last update not yet acknowledged.
    #[serde(default)]
    pub terminated_tasks: Vec<Task>,
    /// Tasks that are over.
    #[serde(default)]
    pub completed_tasks: Vec<Task>,
}

/// GET_STATE of a master.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct State {
    /// As GET_TASKS.
    #[serde(default)]
    pub get_tasks: Tasks,
    /// As GET_FRAMEWORKS.
    #[serde(default)]
    pub get_frameworks: Frameworks,
    /// As GET_AGENTS.
    #[serde(default)]
    pub get_agents: AgentList,
}

/// A master, as it says itself and as ZooKeeper has it.
#[derive(Clone, Debug, Deserialize)]
pub struct MasterInfo {
    /// The id of this run of the master.
    pub id: String,
    /// `master@<ip>:<port>`.
    pub pid: Option<String>,
    /// The name it is known by.
    pub hostname: Option<String>,
    /// Its port.
    pub port: u16,
    /// Mesos' version.
    pub version: Option<String>,
    /// Its address.
    pub address: Option<Address>,
}

/// Where a server listens.
#[derive(Clone, Debug, Deserialize)]
pub struct Address {
    /// Its name.
    pub hostname: Option<String>,
    /// Its IP address.
    pub ip: Option<String>,
    /// Its port.
    pub port: u16,
}

/// GET_MASTER.
#[derive(Clone, Debug, Deserialize)]
pub struct MasterEntry {
    /// The leading master.
    pub master_info: MasterInfo,
    /// Seconds since the epoch.
    pub start_time: Option<f64>,
    /// Seconds since the epoch.
    pub elected_time: Option<f64>,
}

/// A role with members, resources or a weight.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its weight; 1 unless set.
    pub weight: f64,
    /// The frameworks in it.
    #[serde(default, with = "wrapped::list")]
    pub frameworks: Vec<FrameworkId>,
    /// What its frameworks hold or are offered.
    #[serde(default)]
    pub resources: RoleResources,
}

/// GET_ROLES.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Roles {
    /// Every role.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// A container of an agent.
#[derive(Clone, Debug, Deserialize)]
pub struct Container {
    /// Its id.
    pub container_id: ContainerId,
    /// The framework it belongs to; absent for a stand-alone container.
    #[serde(default, with = "wrapped::option")]
    pub framework_id: Option<FrameworkId>,
    /// Its executor; absent for a stand-alone container.
    #[serde(default, with = "wrapped::option")]
    pub executor_id: Option<ExecutorId>,
    /// Its processes and networks, where its containerizer could tell.
    pub container_status: Option<ContainerStatus>,
    /// What it uses, by the names in `ResourceStatistics`.
    pub resource_statistics: Option<Value>,
}

/// GET_CONTAINERS.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Containers {
    /// Every container.
    #[serde(default)]
    pub containers: Vec<Container>,
}
