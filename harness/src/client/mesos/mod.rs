//! Clients of Apache Mesos 1.9 to 1.11: master, agents, their files, and a small scheduler.

pub mod agent;
pub mod events;
pub mod files;
pub mod master;
pub mod operator;
pub mod scheduler;
pub mod session;
pub mod shares;
pub mod state;
pub mod task;

mod claims;
mod stream;
#[cfg(test)]
mod tests;

pub use agent::AgentClient;
pub use events::{OperatorEvent, OperatorEvents};
pub use files::FilesClient;
pub use master::MasterClient;
pub use scheduler::{
    Capability, Check, Discovery, DockerSpec, ExecutorMessage, ExecutorSpec, Failure, Framework, FrameworkSpec,
    HealthCheck, Offer, Operation, TaskGroupSpec, TaskHandle, TaskSpec, Uri,
};
pub use task::{Reason, StatusSource, TaskState, TaskStatus};
