//! What a service outlives: a killed task, a killed scheduler, an agent that is gone.

use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::await_until::{Probe, Wait};
use crate::client::AgentId;
use crate::client::mesos::state::TaskEntry;
use crate::component::mesos_agent;
use crate::deadlines::APP_STATE;
use crate::docker::exec::ExecSpec;
use crate::{Error, Result};

/// Kills whatever works in a sandbox of the executor `$1`, and says how many processes there were.
const KILL: &str = "count=0\nfor process in /proc/[0-9]*; do\n  case \"$(readlink \"$process/cwd\" 2>/dev/null)\" in\n  \
                    */executors/\"$1\"/runs/*) kill -9 \"${process#/proc/}\" && count=$((count + 1)) ;;\n  esac\ndone\n\
                    echo \"$count\"";

impl Stage<'_> {
    /// Kills a task on its agent as a crash does: of a framework one of its own, else one of the app.
    pub(super) async fn outlives_a_task(&mut self, release: &Release) -> Result<Seen> {
        let Some(framework) = release.framework() else {
            return self.outlives_an_app_task(release).await;
        };
        let before = self.framework_tasks(&framework).await?;
        let Some(task) = before.first() else {
            return Ok(Seen::NotApplicable(format!("the framework {framework} has no task")));
        };
        let killed = self.kill(task.slave_id.as_ref(), task.id.as_str()).await?;
        let now = self
            .framework_has(&framework, before.len(), &[task.id.as_str()])
            .await?;
        Ok(Seen::Held(vec![killed, now]))
    }

    async fn outlives_an_app_task(&mut self, release: &Release) -> Result<Seen> {
        let tasks = self.tasks(release).await?;
        let Some(task) = tasks.first() else {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        };
        self.killed.insert(task.id.clone());
        let mut seen = vec![
            self.kill(task.slave_id.as_deref().unwrap_or_default(), &task.id)
                .await?,
        ];
        seen.extend(self.healthy(release).await?);
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
        let node = self.node_of(&first.host)?.name();
        self.cluster.stop(node).await?;
        let agent = AgentId::from(first.slave_id.as_deref().unwrap_or_default());
        self.cluster.mesos().mark_agent_gone(&agent).await?;
        let mut seen = vec![format!("{node} was stopped, and its agent {agent} marked as gone")];
        seen.extend(self.healthy(release).await?);
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
    async fn framework_has(&self, name: &str, count: usize, without: &[&str]) -> Result<String> {
        Wait::that(format!("the framework {name} has {count} tasks"), APP_STATE)
            .until(async || match self.framework_tasks(name).await {
                Ok(tasks) => {
                    let old = tasks.iter().any(|task| without.contains(&task.id.as_str()));
                    match !old && tasks.len() >= count {
                        true => Probe::Ready(format!("the framework {name} has {} tasks", tasks.len())),
                        false => Probe::NotYet(format!("it has {}", tasks.len())),
                    }
                }
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Kills the processes of a task with SIGKILL.
    async fn kill(&self, agent: &str, task: &str) -> Result<String> {
        let agents = self.cluster.mesos().agents().await?;
        let agent = agents.iter().find(|one| one.id.as_str() == agent);
        let agent = agent.ok_or_else(|| Error::internal(format!("the task {task} is on no agent that is here")))?;
        let node = self.node_of(&agent.hostname)?;
        let kill = ExecSpec::new(["sh", "-c", KILL, "sh", task]);
        let output = node.exec(mesos_agent::NAME, kill).await?.success()?;
        match output.stdout.trim() {
            "" | "0" => {
                Err(Error::internal(format!("the task {task} has no process on {}", node.name())).ran(output.ran))
            }
            count => Ok(format!("{count} processes of {task} on {} were killed", node.name())),
        }
    }
}
