//! What goes wrong with a task of Spark's.

use super::Spark;
use crate::client::mesos::state::TaskEntry;
use crate::docker::exec::ExecSpec;
use crate::node::Node;
use crate::{Error, Kind, Result};

impl Spark<'_> {
    /// Kills the Docker container of a task with SIGKILL, from its slave's shell, and gives the container's id in Mesos.
    ///
    /// # Errors
    /// [`Kind::Answer`] where the task has no container; those of [`Spark::node`], the agent's and Docker's.
    pub async fn crash(&self, task: &TaskEntry) -> Result<String> {
        let node = self.node(task).await?;
        let containers = node.agent().containers().await?;
        let of_task = containers
            .iter()
            .find(|one| one.executor_id.as_str() == task.id.as_str() && one.framework_id == task.framework_id);
        let of_task = of_task.ok_or_else(|| Error::new(Kind::Answer, format!("{} has no container", task.id)))?;
        let id = of_task.container_id.to_string();
        let shell = self.cluster.shell(&node).await?;
        let kill = ExecSpec::new(["sudo", "docker", "kill", &format!("mesos-{id}")]);
        shell.run(kill).await?.success()?;
        Ok(id)
    }

    /// The node that a task is on.
    ///
    /// # Errors
    /// [`Kind::Answer`] where its agent is none of this cluster; as the master answers else.
    pub async fn node(&self, task: &TaskEntry) -> Result<Node> {
        let state = self.cluster.mesos().state().await?.typed;
        let agent = state.slaves.iter().find(|agent| agent.id == task.slave_id);
        let is_it = |address: String| agent.is_some_and(|agent| agent.is_at(&address));
        let mut nodes = self.cluster.nodes();
        let node = nodes.find(|node| is_it(node.address().to_string()));
        node.cloned()
            .ok_or_else(|| Error::new(Kind::Answer, format!("{} is on no node here", task.id)))
    }
}
