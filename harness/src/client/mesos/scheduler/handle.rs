//! A task that was launched.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::shared::Shared;
use super::task_spec::kill_policy;
use crate::await_until::Probe;
use crate::client::mesos::task::{TaskState, TaskStatus};
use crate::client::{AgentId, ExecutorId, FrameworkId, TaskId};
use crate::deadlines::{Deadline, TASK_STATE};
use crate::{Error, Kind, Result};

/// A launched task: what became of it, and how to end it.
#[derive(Clone, Debug)]
pub struct TaskHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) id: TaskId,
    pub(super) executor: ExecutorId,
    pub(super) agent: AgentId,
    pub(super) hostname: String,
}

impl TaskHandle {
    /// The task's id.
    #[must_use]
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// The framework's id.
    #[must_use]
    pub fn framework_id(&self) -> &FrameworkId {
        &self.shared.id
    }

    /// The agent it was launched on.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.agent
    }

    /// That agent's name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Every update so far, the oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<TaskStatus> {
        self.shared.ledger().tasks.get(&self.id).cloned().unwrap_or_default()
    }

    /// Where it stands; TASK_STAGING before the first update.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.history()
            .last()
            .map_or(TaskState::TaskStaging, |status| status.state)
    }

    /// Waits for the task to be, or to have been, in `state`.
    ///
    /// # Errors
    /// [`Kind::Answer`] as soon as it can no longer be, [`Kind::Deadline`] after [`TASK_STATE`], and the error of a
    /// subscription that is over.
    pub async fn await_state(&self, state: TaskState) -> Result<TaskStatus> {
        self.await_status(&format!("is {state}"), |status| status.state == state)
            .await
    }

    /// Waits for the task to end.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`TASK_STATE`], and the error of a subscription that is over.
    pub async fn await_terminal(&self) -> Result<TaskStatus> {
        self.await_status("ends", |status| status.state.is_terminal()).await
    }

    /// Waits for the first update that `pick` takes, those already here included. `what` is what the task does: "is
    /// healthy".
    ///
    /// # Errors
    /// As [`TaskHandle::await_state`].
    pub async fn await_status(&self, what: &str, pick: impl Fn(&TaskStatus) -> bool) -> Result<TaskStatus> {
        self.await_within(what, TASK_STATE, pick).await
    }

    async fn await_within(
        &self,
        what: &str,
        deadline: Deadline,
        pick: impl Fn(&TaskStatus) -> bool,
    ) -> Result<TaskStatus> {
        self.shared
            .wait(format!("the task {} {what}", self.id), deadline)
            .explained_by(async { vec![self.told()] })
            .until(|| {
                let found = self.look(what, &pick);
                async move { found }
            })
            .await
    }

    fn look(&self, what: &str, pick: impl Fn(&TaskStatus) -> bool) -> Probe<TaskStatus> {
        let history = self.history();
        if let Some(found) = history.iter().find(|status| pick(status)) {
            return Probe::Ready(found.clone());
        }
        if let Some(error) = self.shared.over() {
            return Probe::Broken(error.evidence(self.told()));
        }
        match history.last() {
            Some(last) if last.state.is_terminal() => Probe::Broken(
                Error::new(Kind::Answer, format!("the task {} is over: {last}", self.id))
                    .expected(format!("that it {what}"))
                    .evidence(self.told()),
            ),
            Some(last) => Probe::NotYet(format!("it is {last}")),
            None => Probe::NotYet("there is no update of it yet".to_owned()),
        }
    }

    /// The history on lines of its own.
    fn told(&self) -> String {
        let history = self.history();
        let lines: Vec<String> = history.iter().map(ToString::to_string).collect();
        let lines = if lines.is_empty() {
            "none".to_owned()
        } else {
            lines.join("\n")
        };
        format!("updates of {} on {}:\n{lines}", self.id, self.hostname)
    }

    /// Asks for the end of the task, with the grace period of its own kill policy.
    ///
    /// # Errors
    /// The call's.
    pub async fn kill(&self) -> Result<()> {
        let body = json!({ "task_id": self.id.to_v1(), "agent_id": self.agent.to_v1() });
        self.shared.call("KILL", Some(body)).await
    }

    /// Asks for the end of the task, with this grace period instead.
    ///
    /// # Errors
    /// The call's.
    pub async fn kill_within(&self, grace: Duration) -> Result<()> {
        let body =
            json!({ "task_id": self.id.to_v1(), "agent_id": self.agent.to_v1(), "kill_policy": kill_policy(grace) });
        self.shared.call("KILL", Some(body)).await
    }

    /// Asks the master for the task's present state; it comes as one more update, with REASON_RECONCILIATION.
    ///
    /// # Errors
    /// The call's.
    pub async fn reconcile(&self) -> Result<()> {
        let body = json!({ "tasks": [{ "task_id": self.id.to_v1(), "agent_id": self.agent.to_v1() }] });
        self.shared.call("RECONCILE", Some(body)).await
    }
}
