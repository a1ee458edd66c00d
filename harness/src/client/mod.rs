//! Typed clients of what runs in a cluster.
//!
//! Every client is made from an address, never from a container, so that a scenario can run against a cluster that
//! the harness did not boot; the [browser] alone, which reads the web pages, is a container beside the cluster. Every request is bounded by [`HTTP_REQUEST`](crate::deadlines::HTTP_REQUEST) and every
//! error carries the `curl` line that repeats it.

pub mod browser;
pub mod http;
pub mod ids;
pub mod marathon;
pub mod mesos;
pub mod recordio;
pub mod resources;
pub mod zookeeper;

#[cfg(test)]
pub(crate) mod testing;

pub use browser::Browser;
pub use http::{Answer, Document, Http, Request};
pub use ids::{AgentId, ContainerId, ExecutorId, FrameworkId, OfferId, TaskId};
pub use resources::{Demand, PortRanges, Resources, Scalar};
