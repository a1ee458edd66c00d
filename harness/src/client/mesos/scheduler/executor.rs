//! Executors of a framework's own, and what passes between them and the framework.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::framework::Framework;
use super::handle::TaskHandle;
use super::uri::Uri;
use crate::Result;
use crate::client::ids::wrapped;
use crate::client::{AgentId, ExecutorId, FrameworkId, Resources};
use crate::deadlines::TASK_STATE;

/// A program that runs tasks and speaks the v1 executor API (Mesos `docs/executor-http-api.md`). Besides its tasks it
/// has 0.1 CPUs and 32 MB of memory.
#[derive(Clone, Debug)]
#[must_use]
pub struct ExecutorSpec {
    pub(super) id: ExecutorId,
    command: String,
    uris: Vec<Uri>,
    pub(super) resources: Resources,
}

impl ExecutorSpec {
    /// An executor that `/bin/sh` starts with `command`, in its sandbox. Tasks of one framework that name the same
    /// executor on one agent share it.
    pub fn command(id: impl Into<ExecutorId>, command: impl Into<String>) -> Self {
        ExecutorSpec {
            id: id.into(),
            command: command.into(),
            uris: Vec::new(),
            resources: Resources::new(0.1, 32.0),
        }
    }

    /// One more thing to fetch before it starts.
    pub fn uri(mut self, uri: Uri) -> Self {
        self.uris.push(uri);
        self
    }

    /// The v1 `ExecutorInfo`.
    pub(super) fn to_v1(&self, framework: &FrameworkId) -> Value {
        let uris: Vec<Value> = self.uris.iter().map(Uri::to_v1).collect();
        json!({
            "type": "CUSTOM",
            "executor_id": self.id.to_v1(),
            "framework_id": framework.to_v1(),
            "command": { "value": self.command, "shell": true, "uris": uris },
            "resources": self.resources.to_v1(),
        })
    }
}

/// What an executor sent to its framework.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExecutorMessage {
    /// Where it runs.
    #[serde(with = "wrapped")]
    pub agent_id: AgentId,
    /// Who sent it.
    #[serde(with = "wrapped")]
    pub executor_id: ExecutorId,
    /// What it sent.
    #[serde(deserialize_with = "bytes")]
    pub data: Vec<u8>,
}

/// An executor that is over, or an agent that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// Where.
    #[serde(default, with = "wrapped::option")]
    pub agent_id: Option<AgentId>,
    /// Which executor; absent when the agent was removed.
    #[serde(default, with = "wrapped::option")]
    pub executor_id: Option<ExecutorId>,
    /// How it ended, as `wait` has it: 768 is the exit code 3.
    pub status: Option<i32>,
}

/// Reads base64, as JSON has the `bytes` of the v1 API.
fn bytes<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<u8>, D::Error> {
    STANDARD
        .decode(String::deserialize(from)?)
        .map_err(serde::de::Error::custom)
}

impl TaskHandle {
    /// Sends `data` to the task's executor. Mesos promises no delivery.
    ///
    /// # Errors
    /// The call's.
    pub async fn send_to_executor(&self, data: &[u8]) -> Result<()> {
        let body = json!({
            "agent_id": self.agent.to_v1(),
            "executor_id": self.executor.to_v1(),
            "data": STANDARD.encode(data),
        });
        self.shared.call("MESSAGE", Some(body)).await
    }

    /// Waits for the first message of the task's executor that `pick` takes, those already here included.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`TASK_STATE`], and the error of a subscription that is over.
    pub async fn await_message(&self, what: &str, pick: impl Fn(&[u8]) -> bool) -> Result<ExecutorMessage> {
        let wait = self
            .shared
            .wait(format!("the executor {} {what}", self.executor), TASK_STATE);
        let look = || {
            let ledger = self.shared.ledger();
            let own = |message: &&ExecutorMessage| message.executor_id == self.executor;
            let mut all = ledger.messages.iter().filter(own);
            if let Some(found) = all.clone().find(|message| pick(&message.data)) {
                return Ok(found.clone());
            }
            Err(match all.next_back() {
                Some(last) => format!("it sent {:?}", String::from_utf8_lossy(&last.data)),
                None => "it has sent nothing".to_owned(),
            })
        };
        self.shared.until(wait, look).await
    }
}

impl Framework {
    /// Waits until the master has told of the end of the task's executor.
    ///
    /// # Errors
    /// As [`TaskHandle::await_message`].
    pub async fn await_executor_failure(&self, task: &TaskHandle) -> Result<Failure> {
        let wait = self
            .shared
            .wait(format!("the executor {} is said to be over", task.executor), TASK_STATE);
        let look = || {
            let ledger = self.shared.ledger();
            let own = |failure: &&Failure| failure.executor_id.as_ref() == Some(&task.executor);
            let found = ledger.failures.iter().find(own).cloned();
            found.ok_or_else(|| "there is no FAILURE of it yet".to_owned())
        };
        self.shared.until(wait, look).await
    }
}
