//! A task before it is launched.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::checks::{Check, HealthCheck};
use super::discovery::Discovery;
use super::docker::DockerSpec;
use super::executor::ExecutorSpec;
use super::ledger::Wanted;
use super::uri::Uri;
use crate::client::resources::Volume;
use crate::client::{AgentId, Demand, ExecutorId, FrameworkId, PortRanges, Resources, TaskId};
use crate::explain::Constraint;

/// A command task. Unless it says otherwise it asks for 0.1 CPUs and 32 MB.
#[derive(Clone, Debug)]
#[must_use]
pub struct TaskSpec {
    pub(crate) name: String,
    pub(crate) id: Option<TaskId>,
    pub(crate) agent: Option<AgentId>,
    demand: Demand,
    command: String,
    arguments: Option<Vec<String>>,
    uris: Vec<Uri>,
    environment: Vec<(String, String)>,
    user: Option<String>,
    kill_grace: Option<Duration>,
    max_completion_time: Option<Duration>,
    health_check: Option<HealthCheck>,
    check: Option<Check>,
    labels: Vec<(String, String)>,
    executor: Option<ExecutorSpec>,
    volumes: Vec<Volume>,
    discovery: Option<Discovery>,
    docker: Option<DockerSpec>,
    terminal: bool,
}

impl TaskSpec {
    /// A task that gives `command` to `/bin/sh`.
    pub fn command(name: impl Into<String>, command: impl Into<String>) -> Self {
        TaskSpec {
            name: name.into(),
            id: None,
            agent: None,
            demand: Resources::new(0.1, 32.0).into(),
            command: command.into(),
            arguments: None,
            uris: Vec::new(),
            environment: Vec::new(),
            user: None,
            kill_grace: None,
            max_completion_time: None,
            health_check: None,
            check: None,
            labels: Vec::new(),
            executor: None,
            volumes: Vec::new(),
            discovery: None,
            docker: None,
            terminal: false,
        }
    }

    /// Runs the command as a program, without a shell. `argv[0]` is the name the program gets.
    pub fn argv<A: Into<String>>(mut self, argv: impl IntoIterator<Item = A>) -> Self {
        self.arguments = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// The task's id, instead of its name and a random part.
    pub fn id(mut self, id: impl Into<TaskId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// CPUs in cores and memory in MB.
    pub fn resources(mut self, cpus: f64, mem_mb: f64) -> Self {
        self.demand.resources.cpus = cpus.into();
        self.demand.resources.mem_mb = mem_mb.into();
        self
    }

    /// Disk in MB.
    pub fn disk(mut self, disk_mb: f64) -> Self {
        self.demand.resources.disk_mb = disk_mb.into();
        self
    }

    /// That many ports, whichever the agent has: the command finds the first as `PORT0`, the next as `PORT1` …
    pub fn ports(mut self, count: u32) -> Self {
        self.demand.any_ports = count;
        self
    }

    /// These ports, by number.
    pub fn named_ports(mut self, ports: PortRanges) -> Self {
        self.demand.resources.ports = ports;
        self
    }

    /// One more thing to fetch.
    pub fn uri(mut self, uri: Uri) -> Self {
        self.uris.push(uri);
        self
    }

    /// One more environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The user it runs as, instead of the framework's.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// How long it may take to end after SIGTERM, before SIGKILL.
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = Some(grace);
        self
    }

    /// How long it may run.
    pub fn max_completion_time(mut self, time: Duration) -> Self {
        self.max_completion_time = Some(time);
        self
    }

    /// A check that kills it when it fails too often.
    pub fn health_check(mut self, check: HealthCheck) -> Self {
        self.health_check = Some(check);
        self
    }

    /// A check that only reports.
    pub fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// One more label.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Is run by this executor, which is asked for besides the task, and not by Mesos' own: the task's command is then
    /// the executor's to read.
    pub fn executor(mut self, executor: ExecutorSpec) -> Self {
        self.demand.resources = self.demand.resources + executor.resources.clone();
        self.executor = Some(executor);
        self
    }

    /// With this persistent volume, which the offer that it is launched on must have: see
    /// [`Framework::launch`](super::Framework::launch).
    pub fn volume(mut self, volume: Volume) -> Self {
        self.volumes.push(volume);
        self
    }

    /// In a container of Docker's.
    pub fn docker(mut self, docker: DockerSpec) -> Self {
        self.docker = Some(docker);
        self
    }

    /// On a terminal: then stdout and stderr are one. See
    /// [`AgentClient::attach_terminal`](crate::client::mesos::AgentClient::attach_terminal).
    pub fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    /// Only on this agent.
    pub fn on_agent(mut self, agent: AgentId) -> Self {
        self.agent = Some(agent);
        self
    }

    /// What it asks for.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// How it is found by others.
    pub fn discovery(mut self, discovery: Discovery) -> Self {
        self.discovery = Some(discovery);
        self
    }

    /// What an agent must be, besides having the resources.
    #[must_use]
    pub fn constraints(&self) -> Vec<Constraint> {
        self.agent
            .iter()
            .map(|agent| Constraint::Agent(agent.to_string()))
            .collect()
    }

    /// The executor that runs it: a command task has one of its own, with its id.
    pub(super) fn executor_id(&self, id: &TaskId) -> ExecutorId {
        let own = self.executor.as_ref().map(|executor| executor.id.clone());
        own.unwrap_or_else(|| id.as_str().into())
    }

    /// [`TaskSpec::to_v1`] for a LAUNCH, where an executor of the framework's own has its share of `resources`.
    pub(super) fn launch_info(
        &self,
        framework: &FrameworkId,
        id: &TaskId,
        agent: &AgentId,
        resources: &Resources,
    ) -> Value {
        let Some(executor) = &self.executor else {
            return self.to_v1(id, agent, resources);
        };
        let mut info = self.to_v1(id, agent, &resources.minus(&executor.resources));
        info["executor"] = executor.to_v1(framework);
        // A task has one or the other: the command is the executor's to run.
        if let Some(task) = info.as_object_mut() {
            let command = task.remove("command").unwrap_or_default();
            let value = command["value"].as_str().unwrap_or_default();
            task.insert("data".to_owned(), STANDARD.encode(value).into());
        }
        info
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            name: self.name.clone(),
            demand: self.demand.clone(),
            constraints: self.constraints(),
        }
    }

    /// The id that it has, or one of its name and a random part.
    pub(super) fn new_id(&self) -> TaskId {
        let random = || TaskId::from(format!("{}-{}", self.name, Uuid::new_v4()));
        self.id.clone().unwrap_or_else(random)
    }

    /// The v1 `TaskInfo` (Mesos `include/mesos/v1/mesos.proto`), with these resources of that agent.
    #[must_use]
    pub fn to_v1(&self, id: &TaskId, agent: &AgentId, resources: &Resources) -> Value {
        let volumes = self.volumes.iter().map(Volume::to_v1);
        let mut info = json!({
            "name": self.name,
            "task_id": id.to_v1(),
            "agent_id": agent.to_v1(),
            "resources": resources.to_v1().into_iter().chain(volumes).collect::<Vec<_>>(),
            "command": self.command_info(resources),
        });
        if let Some(grace) = self.kill_grace {
            info["kill_policy"] = kill_policy(grace);
        }
        if let Some(time) = self.max_completion_time {
            info["max_completion_time"] = duration(time);
        }
        if let Some(check) = &self.health_check {
            info["health_check"] = check.to_v1();
        }
        if let Some(check) = &self.check {
            info["check"] = check.to_v1();
        }
        if !self.labels.is_empty() {
            let labels = self
                .labels
                .iter()
                .map(|(key, value)| json!({"key": key, "value": value}));
            info["labels"] = json!({ "labels": labels.collect::<Vec<_>>() });
        }
        if let Some(discovery) = &self.discovery {
            info["discovery"] = discovery.to_v1();
        }
        if let Some(docker) = &self.docker {
            info["container"] = docker.to_v1(&self.chosen_ports(resources));
        }
        if self.terminal {
            info["container"] = json!({ "type": "MESOS", "tty_info": {} });
        }
        info
    }

    fn command_info(&self, resources: &Resources) -> Value {
        let mut command = Map::new();
        command.insert("value".to_owned(), self.command.as_str().into());
        command.insert("shell".to_owned(), self.arguments.is_none().into());
        if let Some(arguments) = &self.arguments {
            command.insert("arguments".to_owned(), arguments.clone().into());
        }
        if !self.uris.is_empty() {
            command.insert("uris".to_owned(), self.uris.iter().map(Uri::to_v1).collect());
        }
        let mut variables: Vec<Value> = Vec::new();
        for (number, port) in self.chosen_ports(resources).into_iter().enumerate() {
            variables.push(json!({"name": format!("PORT{number}"), "value": port.to_string()}));
        }
        // The spec's own come last: of two with one name, the later wins.
        variables.extend(
            self.environment
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value})),
        );
        if !variables.is_empty() {
            command.insert("environment".to_owned(), json!({ "variables": variables }));
        }
        if let Some(user) = &self.user {
            command.insert("user".to_owned(), user.as_str().into());
        }
        Value::Object(command)
    }

    /// The ports that were not asked for by number.
    fn chosen_ports(&self, resources: &Resources) -> Vec<u16> {
        resources.ports.minus(&self.demand.resources.ports).ports().collect()
    }
}

/// A v1 `DurationInfo`.
fn duration(duration: Duration) -> Value {
    let nanoseconds = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    json!({ "nanoseconds": nanoseconds })
}

/// A v1 `KillPolicy`.
pub(crate) fn kill_policy(grace: Duration) -> Value {
    json!({ "grace_period": duration(grace) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(spec: &TaskSpec) -> Value {
        let free = Resources::new(4.0, 2929.0)
            .with_disk(100.0)
            .with_ports(PortRanges::range(31000, 32000));
        let resources = spec.demand().allot(&free).expect("it fits");
        spec.to_v1(&"t-1".into(), &"a-S0".into(), &resources)
    }

    #[test]
    fn a_plain_command_is_a_small_task_of_the_shell() {
        assert_eq!(
            rendered(&TaskSpec::command("hello", "echo hi")),
            json!({
                "name": "hello", "task_id": {"value": "t-1"}, "agent_id": {"value": "a-S0"},
                "resources": [
                    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
                    {"name": "mem", "type": "SCALAR", "scalar": {"value": 32.0}},
                ],
                "command": {"value": "echo hi", "shell": true},
            })
        );
    }

    #[test]
    fn everything_that_can_be_said_is_rendered() {
        let spec = TaskSpec::command("full", "/bin/echo")
            .argv(["echo", "a b"])
            .resources(1.0, 64.0)
            .disk(10.0)
            .ports(1)
            .named_ports(PortRanges::one(31000))
            .uri(Uri::new("http://10.1.2.11/a.tgz"))
            .uri(Uri::new("/tmp/b").executable().no_extract().cache().output_file("c"))
            .env("A", "1")
            .user("nobody")
            .kill_grace(Duration::from_millis(1500))
            .max_completion_time(Duration::from_secs(60))
            .health_check(HealthCheck::command("true"))
            .check(Check::tcp(31000))
            .label("k", "v");
        let info = rendered(&spec);
        assert_eq!(
            info["command"],
            json!({
                "value": "/bin/echo", "shell": false, "arguments": ["echo", "a b"],
                "uris": [
                    {"value": "http://10.1.2.11/a.tgz", "executable": false, "extract": true, "cache": false},
                    {"value": "/tmp/b", "executable": true, "extract": false, "cache": true, "output_file": "c"},
                ],
                "environment": {"variables": [{"name": "PORT0", "value": "31001"}, {"name": "A", "value": "1"}]},
                "user": "nobody",
            })
        );
        assert_eq!(
            info["kill_policy"],
            json!({"grace_period": {"nanoseconds": 1_500_000_000}})
        );
        assert_eq!(info["max_completion_time"], json!({"nanoseconds": 60_000_000_000_i64}));
        assert_eq!(info["health_check"]["type"], "COMMAND");
        assert_eq!(info["check"]["tcp"], json!({"port": 31000}));
        assert_eq!(info["labels"], json!({"labels": [{"key": "k", "value": "v"}]}));
        assert_eq!(
            info["resources"][3]["ranges"],
            json!({"range": [{"begin": 31000, "end": 31001}]})
        );
    }
}
