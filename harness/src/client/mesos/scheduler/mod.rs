//! A small scheduler, so that a scenario runs command tasks itself (Mesos `docs/scheduler-http-api.md`,
//! `include/mesos/v1/scheduler/scheduler.proto`).
//!
//! A [`Framework`] keeps the offers it is sent until its first task is launched. From then on it declines what nobody
//! waits for, and asks for offers again as soon as somebody does. It acknowledges every update.

mod checks;
mod discovery;
mod docker;
mod executor;
mod framework;
mod group;
mod handle;
mod launch;
mod ledger;
mod offer;
mod operations;
mod reader;
mod shared;
mod spec;
mod subscribe;
mod task_spec;
#[cfg(test)]
mod tests;
mod uri;

pub use checks::{Check, HealthCheck};
pub use discovery::Discovery;
pub use docker::DockerSpec;
pub use executor::{ExecutorMessage, ExecutorSpec, Failure};
pub use framework::Framework;
pub use group::TaskGroupSpec;
pub use handle::TaskHandle;
pub use offer::{Attribute, Offer};
pub use operations::Operation;
pub use spec::{Capability, FrameworkSpec};
pub use task_spec::TaskSpec;
pub use uri::Uri;
