//! The master's operator events: SUBSCRIBE of the v1 operator API.

use serde::Deserialize;
use serde_json::Value;

use super::operator::{AgentEntry, FrameworkEntry, FrameworkInfo, State, Task, call};
use super::stream::EventStream;
use super::task::{TaskState, TaskStatus};
use crate::await_until::Wait;
use crate::client::ids::wrapped;
use crate::client::{AgentId, FrameworkId, Http};
use crate::deadlines::{Deadline, TASK_STATE};
use crate::{Error, Kind, Result};

/// What happened in the cluster.
#[derive(Clone, Debug)]
pub enum OperatorEvent {
    /// The first event: what there is at this moment.
    Subscribed(Box<State>),
    /// A task is known to the master.
    TaskAdded(Box<Task>),
    /// A task changed its state, or got an update.
    TaskUpdated {
        /// Its framework.
        framework_id: FrameworkId,
        /// The update.
        status: Box<TaskStatus>,
        /// The task's state, which may be ahead of the update's.
        state: TaskState,
    },
    /// An agent registered.
    AgentAdded(Box<AgentEntry>),
    /// An agent is gone, unreachable included.
    AgentRemoved(AgentId),
    /// A framework subscribed.
    FrameworkAdded(Box<FrameworkEntry>),
    /// A framework came back, or changed.
    FrameworkUpdated(Box<FrameworkEntry>),
    /// A framework is over.
    FrameworkRemoved(Box<FrameworkInfo>),
    /// Nothing happened.
    Heartbeat,
    /// An event of a Mesos newer than this table.
    Other(String),
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    subscribed: Option<WireSubscribed>,
    task_added: Option<WireTaskAdded>,
    task_updated: Option<WireTaskUpdated>,
    agent_added: Option<WireAgentAdded>,
    agent_removed: Option<WireAgentRemoved>,
    framework_added: Option<WireFramework>,
    framework_updated: Option<WireFramework>,
    framework_removed: Option<WireFrameworkRemoved>,
}

#[derive(Deserialize)]
struct WireSubscribed {
    #[serde(default)]
    get_state: State,
    heartbeat_interval_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct WireTaskAdded {
    task: Task,
}

#[derive(Deserialize)]
struct WireTaskUpdated {
    #[serde(with = "wrapped")]
    framework_id: FrameworkId,
    status: TaskStatus,
    state: TaskState,
}

#[derive(Deserialize)]
struct WireAgentAdded {
    agent: AgentEntry,
}

#[derive(Deserialize)]
struct WireAgentRemoved {
    #[serde(with = "wrapped")]
    agent_id: AgentId,
}

#[derive(Deserialize)]
struct WireFramework {
    framework: FrameworkEntry,
}

#[derive(Deserialize)]
struct WireFrameworkRemoved {
    framework_info: FrameworkInfo,
}

impl Wire {
    /// The event, or the name of the part that its type promises and that is not there.
    fn event(self) -> std::result::Result<OperatorEvent, &'static str> {
        Ok(match self.kind.as_str() {
            "SUBSCRIBED" => OperatorEvent::Subscribed(Box::new(self.subscribed.ok_or("subscribed")?.get_state)),
            "TASK_ADDED" => OperatorEvent::TaskAdded(Box::new(self.task_added.ok_or("task_added")?.task)),
            "TASK_UPDATED" => {
                let updated = self.task_updated.ok_or("task_updated")?;
                OperatorEvent::TaskUpdated {
                    framework_id: updated.framework_id,
                    status: Box::new(updated.status),
                    state: updated.state,
                }
            }
            "AGENT_ADDED" => OperatorEvent::AgentAdded(Box::new(self.agent_added.ok_or("agent_added")?.agent)),
            "AGENT_REMOVED" => OperatorEvent::AgentRemoved(self.agent_removed.ok_or("agent_removed")?.agent_id),
            "FRAMEWORK_ADDED" => {
                let added = self.framework_added.ok_or("framework_added")?;
                OperatorEvent::FrameworkAdded(Box::new(added.framework))
            }
            "FRAMEWORK_UPDATED" => {
                let updated = self.framework_updated.ok_or("framework_updated")?;
                OperatorEvent::FrameworkUpdated(Box::new(updated.framework))
            }
            "FRAMEWORK_REMOVED" => {
                let removed = self.framework_removed.ok_or("framework_removed")?;
                OperatorEvent::FrameworkRemoved(Box::new(removed.framework_info))
            }
            "HEARTBEAT" => OperatorEvent::Heartbeat,
            _ => OperatorEvent::Other(self.kind),
        })
    }
}

/// A subscription to a master's operator events.
#[derive(Debug)]
pub struct OperatorEvents {
    stream: EventStream,
}

impl OperatorEvents {
    pub(crate) async fn subscribe(http: &Http) -> Result<Self> {
        let stream = EventStream::subscribe(http, "api/v1", &call("SUBSCRIBE", None)).await?;
        Ok(OperatorEvents { stream })
    }

    /// The next event, heartbeats included; the first is [`OperatorEvent::Subscribed`].
    ///
    /// # Errors
    /// [`Kind::Deadline`] after three missed heartbeats, [`Kind::Answer`] when the stream ends or is not sound.
    pub async fn next(&mut self) -> Result<OperatorEvent> {
        let value: Option<Value> = self.stream.next().await?;
        let ended = || Error::new(Kind::Answer, "the master ended the event stream").ran(self.stream.ran());
        let value = value.ok_or_else(ended)?;
        let unreadable = |cause: String| {
            Error::new(Kind::Answer, format!("an operator event could not be read: {cause}"))
                .ran(self.stream.ran())
                .evidence(value.to_string())
        };
        let wire: Wire = serde_json::from_value(value.clone()).map_err(|error| unreadable(error.to_string()))?;
        let heartbeat = wire
            .subscribed
            .as_ref()
            .and_then(|subscribed| subscribed.heartbeat_interval_seconds);
        let event = wire
            .event()
            .map_err(|part| unreadable(format!("`{part}` is missing")))?;
        if let Some(interval) = heartbeat {
            self.stream.expect_heartbeat(interval);
        }
        Ok(event)
    }

    /// Reads on until the master has removed `framework`.
    ///
    /// # Errors
    /// As [`OperatorEvents::await_event`], after [`TASK_STATE`].
    pub async fn await_framework_removed(&mut self, framework: &FrameworkId) -> Result<()> {
        self.await_event(
            &format!("the framework {framework} is removed"),
            TASK_STATE,
            |event| match event {
                OperatorEvent::FrameworkRemoved(gone) if gone.id.as_ref() == Some(framework) => Some(()),
                _ => None,
            },
        )
        .await
    }

    /// Reads on until `pick` takes an event. `what` is a sentence: "mesos-slave2 registers".
    ///
    /// # Errors
    /// [`Kind::Deadline`] when no such event comes in time, otherwise as [`OperatorEvents::next`].
    pub async fn await_event<T>(
        &mut self,
        what: &str,
        deadline: Deadline,
        mut pick: impl FnMut(OperatorEvent) -> Option<T>,
    ) -> Result<T> {
        let picked = async {
            loop {
                if let Some(found) = pick(self.next().await?) {
                    return Ok(found);
                }
            }
        };
        Wait::that(what, deadline).for_future(picked).await
    }
}
