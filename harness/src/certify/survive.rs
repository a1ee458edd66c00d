//! What a service outlives: a killed task, a killed scheduler, an agent that is gone.

use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::await_until::{Probe, Wait};
use crate::client::mesos::state::{AgentState, TaskEntry};
use crate::client::mesos::task::TaskState;
use crate::client::{AgentId, FrameworkId, TaskId};
use crate::component::mesos_agent;
use crate::deadlines::APP_STATE;
use crate::docker::exec::ExecSpec;
use crate::node::Node;
use crate::{Error, Result};

/// Kills whatever works in the sandbox `$1` or below it, and says how many processes there were.
const KILL: &str = "count=0\nfor process in /proc/[0-9]*; do\n  case \"$(readlink \"$process/cwd\" 2>/dev/null)\" in\n  \
                    \"$1\"|\"$1\"/*) kill -9 \"${process#/proc/}\" && count=$((count + 1)) ;;\n  esac\ndone\n\
                    echo \"$count\"";

impl Stage<'_> {
    /// Kills a task on its agent as a crash does: of a framework one of its own, else one of the app.
    pub(super) async fn outlives_a_task(&mut self, release: &Release) -> Result<Seen> {
        let Some(framework) = release.framework() else {
            return self.outlives_an_app_task(release).await;
        };
        let before = self.framework_tasks(&framework).await?;
        let runs = |task: &&TaskEntry| task.state == TaskState::TaskRunning;
        let Some(task) = before.iter().find(runs) else {
            return Ok(Seen::NotApplicable(format!(
                "the framework {framework} has no task that runs"
            )));
        };
        let (killed, with) = self.kill(task).await?;
        let now = self.framework_has(&framework, before.len(), &with).await?;
        Ok(Seen::Held(vec![killed, now]))
    }

    async fn outlives_an_app_task(&mut self, release: &Release) -> Result<Seen> {
        let tasks = self.tasks(release).await?;
        let Some(task) = tasks.first() else {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        };
        self.killed.insert(task.id.clone());
        let (killed, _) = self.kill(&self.entry(&task.id).await?).await?;
        let mut seen = vec![killed];
        seen.extend(self.healthy_again(release).await?);
        Ok(Seen::Held(seen))
    }

    /// Kills the scheduler: the app's task, of a framework.
    pub(super) async fn outlives_its_scheduler(&mut self, release: &Release) -> Result<Seen> {
        let Some(framework) = release.framework() else {
            return Ok(Seen::NotApplicable("it is no framework".to_owned()));
        };
        let before = self.framework_tasks(&framework).await?.len();
        let Seen::Held(mut seen) = self.outlives_an_app_task(release).await? else {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        };
        let id = self.framework_id(&framework).await?;
        seen.push(format!("the framework {framework} is back as {id}"));
        seen.push(self.framework_has(&framework, before, &[]).await?);
        Ok(Seen::Held(seen))
    }

    /// Stops the node of the app's first task, with everything on it, and says that it is gone for good, as an operator
    /// does: else Marathon waits five minutes for it.
    pub(super) async fn outlives_its_agent(&mut self, release: &Release) -> Result<Seen> {
        let tasks = self.tasks(release).await?;
        let Some(first) = tasks.first() else {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        };
        let framework = release.framework();
        let before = match &framework {
            Some(name) => self.framework_tasks(name).await?.len(),
            None => 0,
        };
        let gone = tasks.iter().filter(|task| task.host == first.host);
        self.killed.extend(gone.map(|task| task.id.clone()));
        self.lost.insert(first.host.clone());
        let node = self.cluster.node_of(&first.host)?.name();
        self.cluster.stop(node).await?;
        let agent = AgentId::from(first.slave_id.as_deref().unwrap_or_default());
        self.cluster.mesos().mark_agent_gone(&agent).await?;
        let mut seen = vec![format!("{node} was stopped, and its agent {agent} marked as gone")];
        seen.extend(self.healthy_again(release).await?);
        if let Some(name) = framework {
            seen.push(self.framework_has(&name, before, &[]).await?);
        }
        Ok(Seen::Held(seen))
    }

    /// The tasks of the framework of a name that run.
    async fn framework_tasks(&self, name: &str) -> Result<Vec<TaskEntry>> {
        let state = self.cluster.mesos().state().await?;
        let own = state
            .typed
            .frameworks
            .into_iter()
            .filter(|framework| framework.name == name && framework.active);
        Ok(own
            .flat_map(|framework| framework.tasks)
            .filter(|task| !task.state.is_terminal())
            .collect())
    }

    /// Waits until a framework has that many tasks again, and none of `without`.
    async fn framework_has(&self, name: &str, count: usize, without: &[TaskId]) -> Result<String> {
        Wait::that(format!("the framework {name} has {count} tasks"), self.back(APP_STATE))
            .until(async || match self.framework_tasks(name).await {
                Ok(tasks) => {
                    let old = tasks.iter().any(|task| without.contains(&task.id));
                    match !old && tasks.len() >= count {
                        true => Probe::Ready(format!("the framework {name} has {} tasks", tasks.len())),
                        false => Probe::NotYet(format!("it has {}", tasks.len())),
                    }
                }
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// A task of Marathon as Mesos has it.
    async fn entry(&self, task: &str) -> Result<TaskEntry> {
        let state = self.cluster.mesos().state().await?.typed;
        let mut all = state.frameworks.into_iter().flat_map(|framework| framework.tasks);
        let entry = all.find(|entry| entry.id.as_str() == task);
        entry.ok_or_else(|| Error::internal(format!("Mesos has no task {task}, and Marathon has")))
    }

    /// Kills a task with SIGKILL: its container where Docker runs it, else every process of its executor. Says what was
    /// killed, and which tasks ended with it.
    async fn kill(&self, task: &TaskEntry) -> Result<(String, Vec<TaskId>)> {
        let agents = self.cluster.mesos().agents().await?;
        let agent = agents.iter().find(|one| one.id == task.slave_id);
        let agent =
            agent.ok_or_else(|| Error::internal(format!("the task {} is on no agent that is here", task.id)))?;
        let node = self.cluster.node_of(&agent.hostname)?;
        let state = node.agent().state().await?.typed;
        let victim = victim(&state, &task.framework_id, &task.id)
            .ok_or_else(|| Error::internal(format!("the agent on {} has no executor of {}", node.name(), task.id)))?;
        if has_docker(&state)
            && let Some(container) = self.killed_container(node, &victim).await?
        {
            return Ok((
                told(task, &victim, node, &format!("the container {container}")),
                victim.tasks,
            ));
        }
        let kill = ExecSpec::new(["sh", "-c", KILL, "sh", &victim.sandbox]);
        let output = node.exec(mesos_agent::NAME, kill).await?.success()?;
        match output.stdout.trim() {
            "" | "0" => Err(Error::internal(format!(
                "the task {} has no process in its sandbox on {}",
                task.id,
                node.name()
            ))
            .ran(output.ran)),
            count => Ok((told(task, &victim, node, &format!("{count} processes")), victim.tasks)),
        }
    }

    /// Kills the container that the node's Docker has for an executor, if it has one, and says its name. Its processes
    /// are in no sandbox that the agent sees: those that are there only wait for it.
    async fn killed_container(&self, node: &Node, victim: &Victim) -> Result<Option<String>> {
        let shell = self.cluster.shell(node).await?;
        let list = ExecSpec::new(["sudo", "docker", "ps", "--format", "{{.Names}}"]);
        let names = shell.run(list).await?.success()?.stdout;
        let Some(name) = container_of(&names, &victim.container) else {
            return Ok(None);
        };
        let kill = ExecSpec::new(["sudo", "docker", "kill", "--signal", "KILL", name]);
        shell.run(kill).await?.success()?;
        Ok(Some(name.to_owned()))
    }
}

/// What runs a task on its agent.
#[derive(Debug, PartialEq)]
struct Victim {
    /// Where its processes work.
    sandbox: String,
    /// Its container's id.
    container: String,
    /// The executor's name where the framework brought it: it need not be called as the task is.
    own: Option<String>,
    /// Every task that it has.
    tasks: Vec<TaskId>,
}

fn victim(state: &AgentState, framework: &FrameworkId, task: &TaskId) -> Option<Victim> {
    let of_framework = state.frameworks.iter().filter(|entry| entry.id == *framework);
    let mut running = of_framework.flat_map(|entry| &entry.executors);
    let executor = running.find(|executor| executor.tasks.iter().any(|one| one.id == *task))?;
    let own = executor.id.as_str() != task.as_str();
    Some(Victim {
        sandbox: executor.directory.clone(),
        container: executor.container.value.clone(),
        own: own.then(|| executor.id.to_string()),
        tasks: executor.tasks.iter().map(|one| one.id.clone()).collect(),
    })
}

/// Whether tasks of the agent may be Docker's.
fn has_docker(state: &AgentState) -> bool {
    let flag = state.flags.get("containerizers");
    flag.is_some_and(|all| all.split(',').any(|one| one.trim() == "docker"))
}

/// The name of the container with Mesos' id `id`, out of those that `docker ps` says: `mesos-<id>`, of old with the
/// agent's id between (Mesos `src/slave/containerizer/docker.cpp`).
fn container_of<'n>(names: &'n str, id: &str) -> Option<&'n str> {
    let is_it = |name: &&str| {
        let rest = name.strip_prefix("mesos-").and_then(|rest| rest.strip_suffix(id));
        rest.is_some_and(|agent| agent.is_empty() || agent.ends_with('.'))
    };
    names.lines().find(is_it)
}

/// What was killed, and what else went with it.
fn told(task: &TaskEntry, victim: &Victim, node: &Node, what: &str) -> String {
    let with = match &victim.own {
        Some(executor) => format!(", of its executor {executor} with {} tasks,", victim.tasks.len()),
        None => String::new(),
    };
    format!("{what} of {}{with} on {} got SIGKILL", task.id, node.name())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use serde_json::{Value, json};
    use tokio::process::Command;

    use super::*;

    fn agent(containerizers: &str, executors: &Value) -> AgentState {
        let state = json!({
            "version": "1.11.0", "id": "S0", "pid": "slave(1)@10.0.0.101:5051", "hostname": "10.0.0.101",
            "start_time": 1.0, "resources": {}, "flags": {"containerizers": containerizers},
            "frameworks": [{"id": "F", "name": "kafka", "executors": executors}]});
        serde_json::from_value(state).expect("an agent's state")
    }

    fn executor(id: &str, tasks: &[&str]) -> Value {
        let task = |id: &&str| {
            json!({"id": id, "name": "t", "framework_id": "F", "slave_id": "S0", "state": "TASK_RUNNING",
                   "resources": {}})
        };
        json!({"id": id, "container": format!("uuid-{id}"), "directory": format!("/work/F/executors/{id}/runs/uuid-{id}"),
               "tasks": tasks.iter().map(task).collect::<Vec<Value>>()})
    }

    #[test]
    fn what_is_killed_is_the_executor_of_the_task_whatever_it_is_called() {
        let state = agent(
            "mesos",
            &json!([executor("t-0", &["t-0"]), executor("broker-0-b", &["t-1", "t-2"])]),
        );
        let of = |task: &str| victim(&state, &"F".into(), &task.into());
        let plain = of("t-0").expect("it runs");
        assert_eq!(
            (plain.sandbox.as_str(), plain.own),
            ("/work/F/executors/t-0/runs/uuid-t-0", None)
        );
        let own = of("t-2").expect("it runs");
        assert_eq!(own.sandbox, "/work/F/executors/broker-0-b/runs/uuid-broker-0-b");
        assert_eq!(own.own.as_deref(), Some("broker-0-b"));
        assert_eq!(own.tasks, ["t-1", "t-2"].map(TaskId::from));
        assert_eq!(of("t-3"), None);
        assert_eq!(victim(&state, &"G".into(), &"t-0".into()), None);
    }

    #[test]
    fn a_container_is_found_by_its_id_alone() {
        let names = "mesos-agent\nmesos-uuid-12\nmesos-S0.uuid-2\nmesos-uuid-1\nuuid-3\n";
        assert_eq!(container_of(names, "uuid-1"), Some("mesos-uuid-1"));
        assert_eq!(container_of(names, "uuid-2"), Some("mesos-S0.uuid-2"));
        assert_eq!(container_of(names, "uuid-3"), None);
        assert!(has_docker(&agent("docker,mesos", &json!([]))) && !has_docker(&agent("mesos", &json!([]))));
    }

    /// The script on this machine: whatever works in the sandbox or below it, and nothing beside it.
    #[tokio::test]
    async fn every_process_in_the_sandbox_is_killed_and_no_other() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).expect("it is made");
            path.canonicalize().expect("it is there")
        };
        let sandbox = folder("executors/broker-0-b/runs/1");
        let sleeper = |folder: &std::path::Path| {
            let mut command = Command::new("sleep");
            command
                .arg("600")
                .current_dir(folder)
                .stdin(Stdio::null())
                .kill_on_drop(true);
            command.spawn().expect("sleep is there")
        };
        let mut inside = [sleeper(&sandbox), sleeper(&folder("executors/broker-0-b/runs/1/data"))];
        let mut beside = sleeper(&folder("executors/broker-0-b/runs/12"));
        let path = sandbox.display().to_string();
        let output = Command::new("sh")
            .args(["-c", KILL, "sh", &path])
            .output()
            .await
            .expect("sh is there");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "2");
        for child in &mut inside {
            assert!(!child.wait().await.expect("it ends").success());
        }
        assert_eq!(beside.try_wait().expect("it can be asked"), None);
    }
}
