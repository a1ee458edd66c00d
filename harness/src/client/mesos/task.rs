//! The states of a task and the updates that report them (Mesos `include/mesos/v1/mesos.proto`).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::client::ids::wrapped;
use crate::client::{AgentId, ContainerId, ExecutorId, TaskId};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    /// Known to the master, not yet with an executor.
    TaskStaging,
    /// The executor is launching it.
    TaskStarting,
    /// It runs.
    TaskRunning,
    /// The executor is ending it; only for frameworks with TASK_KILLING_STATE.
    TaskKilling,
    /// It ended by itself with success.
    TaskFinished,
    /// It ended by itself without success.
    TaskFailed,
    /// It was ended on request.
    TaskKilled,
    /// Its description is wrong.
    TaskError,
    /// It is gone, for frameworks that are not partition-aware.
    TaskLost,
    /// It never got to its agent.
    TaskDropped,
    /// Its agent cannot be reached.
    TaskUnreachable,
    /// It is gone, with its agent known to be back without it.
    TaskGone,
    /// An operator marked its agent gone.
    TaskGoneByOperator,
    /// The master does not know it.
    TaskUnknown,
}

impl TaskState {
    /// True for states that a task never leaves. A lost task counts: without partition awareness nothing follows.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        use TaskState as S;
        match self {
            S::TaskFinished | S::TaskFailed | S::TaskKilled | S::TaskError | S::TaskLost => true,
            S::TaskDropped | S::TaskGone | S::TaskGoneByOperator => true,
            S::TaskStaging | S::TaskStarting | S::TaskRunning | S::TaskKilling => false,
            S::TaskUnreachable | S::TaskUnknown => false,
        }
    }

    /// The name in Mesos' documents: `TASK_RUNNING`.
    #[must_use]
    pub fn name(self) -> &'static str {
        use TaskState as S;
        match self {
            S::TaskStaging => "TASK_STAGING",
            S::TaskStarting => "TASK_STARTING",
            S::TaskRunning => "TASK_RUNNING",
            S::TaskKilling => "TASK_KILLING",
            S::TaskFinished => "TASK_FINISHED",
            S::TaskFailed => "TASK_FAILED",
            S::TaskKilled => "TASK_KILLED",
            S::TaskError => "TASK_ERROR",
            S::TaskLost => "TASK_LOST",
            S::TaskDropped => "TASK_DROPPED",
            S::TaskUnreachable => "TASK_UNREACHABLE",
            S::TaskGone => "TASK_GONE",
            S::TaskGoneByOperator => "TASK_GONE_BY_OPERATOR",
            S::TaskUnknown => "TASK_UNKNOWN",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who reports a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StatusSource {
    /// The master.
    SourceMaster,
    /// The agent.
    SourceAgent,
    /// The executor.
    SourceExecutor,
}

macro_rules! reasons {
    ($($name:ident = $wire:literal,)+) => {
        /// Why a task is in its state, where Mesos says so. Names as in `TaskStatus.Reason`, without `REASON_`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(
                #[doc = concat!("`REASON_", $wire, "`.")]
                $name,
            )+
            /// A reason of a Mesos newer than this table, by its full name.
            Other(String),
        }

        impl Reason {
            /// The full name: `REASON_TASK_INVALID`.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Reason::$name => concat!("REASON_", $wire),)+
                    Reason::Other(name) => name,
                }
            }
        }

        impl From<String> for Reason {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $(concat!("REASON_", $wire) => Reason::$name,)+
                    _ => Reason::Other(name),
                }
            }
        }
    };
}

reasons! {
    CommandExecutorFailed = "COMMAND_EXECUTOR_FAILED",
    ContainerLaunchFailed = "CONTAINER_LAUNCH_FAILED",
    ContainerLimitation = "CONTAINER_LIMITATION",
    ContainerLimitationDisk = "CONTAINER_LIMITATION_DISK",
    ContainerLimitationMemory = "CONTAINER_LIMITATION_MEMORY",
    ContainerPreempted = "CONTAINER_PREEMPTED",
    ContainerUpdateFailed = "CONTAINER_UPDATE_FAILED",
    MaxCompletionTimeReached = "MAX_COMPLETION_TIME_REACHED",
    ExecutorRegistrationTimeout = "EXECUTOR_REGISTRATION_TIMEOUT",
    ExecutorReregistrationTimeout = "EXECUTOR_REREGISTRATION_TIMEOUT",
    ExecutorTerminated = "EXECUTOR_TERMINATED",
    ExecutorUnregistered = "EXECUTOR_UNREGISTERED",
    FrameworkRemoved = "FRAMEWORK_REMOVED",
    GcError = "GC_ERROR",
    InvalidFrameworkid = "INVALID_FRAMEWORKID",
    InvalidOffers = "INVALID_OFFERS",
    IoSwitchboardExited = "IO_SWITCHBOARD_EXITED",
    MasterDisconnected = "MASTER_DISCONNECTED",
    Reconciliation = "RECONCILIATION",
    ResourcesUnknown = "RESOURCES_UNKNOWN",
    AgentDisconnected = "AGENT_DISCONNECTED",
    AgentDraining = "AGENT_DRAINING",
    AgentRemoved = "AGENT_REMOVED",
    AgentRemovedByOperator = "AGENT_REMOVED_BY_OPERATOR",
    AgentReregistered = "AGENT_REREGISTERED",
    AgentRestarted = "AGENT_RESTARTED",
    AgentUnknown = "AGENT_UNKNOWN",
    TaskKilledDuringLaunch = "TASK_KILLED_DURING_LAUNCH",
    TaskCheckStatusUpdated = "TASK_CHECK_STATUS_UPDATED",
    TaskHealthCheckStatusUpdated = "TASK_HEALTH_CHECK_STATUS_UPDATED",
    TaskGroupInvalid = "TASK_GROUP_INVALID",
    TaskGroupUnauthorized = "TASK_GROUP_UNAUTHORIZED",
    TaskInvalid = "TASK_INVALID",
    TaskUnauthorized = "TASK_UNAUTHORIZED",
    TaskUnknown = "TASK_UNKNOWN",
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Reason::from)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One report on a task, as the v1 API writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TaskStatus {
    /// The task.
    #[serde(with = "wrapped")]
    pub task_id: TaskId,
    /// Where it stands.
    pub state: TaskState,
    /// More, for people: the exit status, what went wrong.
    #[serde(default)]
    pub message: Option<String>,
    /// Who says so.
    pub source: Option<StatusSource>,
    /// Why.
    pub reason: Option<Reason>,
    /// The agent it is on.
    #[serde(default, with = "wrapped::option")]
    pub agent_id: Option<AgentId>,
    /// Its executor.
    #[serde(default, with = "wrapped::option")]
    pub executor_id: Option<ExecutorId>,
    /// Seconds since the epoch.
    pub timestamp: Option<f64>,
    /// Base64; present exactly on updates that want an acknowledgement.
    pub uuid: Option<String>,
    /// What the health check says, where there is one.
    pub healthy: Option<bool>,
    /// What the check says, where there is one.
    pub check_status: Option<CheckStatus>,
    /// The container, once there is one.
    pub container_status: Option<ContainerStatus>,
    /// The executor's own payload, base64.
    pub data: Option<String>,
}

impl TaskStatus {
    /// The first address of the task's container.
    #[must_use]
    pub fn ip_address(&self) -> Option<&str> {
        let networks = self.container_status.iter().flat_map(|status| &status.network_infos);
        networks
            .flat_map(|network| &network.ip_addresses)
            .find_map(|address| address.ip_address.as_deref())
    }
}

impl fmt::Display for TaskStatus {
    /// `TASK_FAILED (REASON_COMMAND_EXECUTOR_FAILED): Command exited with status 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if let Some(reason) = &self.reason {
            write!(f, " ({reason})")?;
        }
        if let Some(message) = self.message.as_deref().filter(|message| !message.is_empty()) {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

/// What a (not health) check last found; a field is absent until its check has run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct CheckStatus {
    /// Of a command check.
    pub command: Option<CommandCheckStatus>,
    /// Of an HTTP check.
    pub http: Option<HttpCheckStatus>,
    /// Of a TCP check.
    pub tcp: Option<TcpCheckStatus>,
}

/// What a command check found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct CommandCheckStatus {
    /// The command's exit code.
    pub exit_code: Option<i32>,
}

/// What an HTTP check found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HttpCheckStatus {
    /// The status code of the answer.
    pub status_code: Option<u32>,
}

/// What a TCP check found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TcpCheckStatus {
    /// Whether the connection could be made.
    pub succeeded: Option<bool>,
}

/// The container of a task.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ContainerStatus {
    /// Its id.
    pub container_id: Option<ContainerId>,
    /// Its networks.
    #[serde(default)]
    pub network_infos: Vec<NetworkInfo>,
    /// The executor's process, in the agent's PID namespace.
    pub executor_pid: Option<u32>,
}

/// One network of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct NetworkInfo {
    /// The network's name.
    pub name: Option<String>,
    /// The container's addresses there.
    #[serde(default)]
    pub ip_addresses: Vec<IpAddress>,
}

/// One address of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct IpAddress {
    /// `IPv4` or `IPv6`.
    pub protocol: Option<String>,
    /// The address as text.
    pub ip_address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_the_name_it_is_written_with() {
        for name in [
            "TASK_STAGING",
            "TASK_STARTING",
            "TASK_RUNNING",
            "TASK_KILLING",
            "TASK_FINISHED",
            "TASK_FAILED",
            "TASK_KILLED",
            "TASK_ERROR",
            "TASK_LOST",
            "TASK_DROPPED",
            "TASK_UNREACHABLE",
            "TASK_GONE",
            "TASK_GONE_BY_OPERATOR",
            "TASK_UNKNOWN",
        ] {
            let state: TaskState = serde_json::from_value(name.into()).expect(name);
            assert_eq!(state.name(), name);
        }
        serde_json::from_str::<TaskState>("\"TASK_SLEEPING\"").expect_err("no such state");
    }

    #[test]
    fn an_unknown_reason_is_kept_by_name() {
        let read = |name: &str| serde_json::from_value::<Reason>(name.into()).expect("any text");
        assert_eq!(read("REASON_TASK_INVALID"), Reason::TaskInvalid);
        assert_eq!(read("REASON_NEW"), Reason::Other("REASON_NEW".to_owned()));
        assert_eq!(read("REASON_NEW").name(), "REASON_NEW");
    }

    #[test]
    fn an_update_of_the_v1_api_reads() {
        let status: TaskStatus = serde_json::from_str(
            r#"{"task_id":{"value":"t"},"state":"TASK_FAILED","message":"Command exited with status 3",
                "source":"SOURCE_EXECUTOR","reason":"REASON_COMMAND_EXECUTOR_FAILED","agent_id":{"value":"a-S0"},
                "executor_id":{"value":"t"},"timestamp":1.5,"uuid":"AAEC","healthy":false,
                "check_status":{"type":"COMMAND","command":{"exit_code":2}},
                "container_status":{"container_id":{"value":"c"},"executor_pid":7,
                    "network_infos":[{"ip_addresses":[{"ip_address":"10.1.2.101","protocol":"IPv4"}]}]}}"#,
        )
        .expect("an update");
        assert_eq!(
            status.to_string(),
            "TASK_FAILED (REASON_COMMAND_EXECUTOR_FAILED): Command exited with status 3"
        );
        assert_eq!(status.source, Some(StatusSource::SourceExecutor));
        assert_eq!(status.ip_address(), Some("10.1.2.101"));
        assert_eq!(status.check_status.and_then(|check| check.command?.exit_code), Some(2));
        assert!(status.state.is_terminal());
    }
}
