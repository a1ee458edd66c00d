//! Admin Router: one address for everything.

mod answers;
mod gateway;
mod mesos;
mod routes;
mod service;

use harness::client::Http;
use harness::component::admin_router;
use harness::{Cluster, Result};
use rstest::fixture;

/// The README's cluster with Admin Router and no other service.
#[fixture]
async fn routed() -> Result<Cluster> {
    Cluster::builder().admin_router().boot().await
}

/// The router of the first master node.
fn router(cluster: &Cluster) -> Http {
    cluster.master().http(admin_router::PORT)
}

/// The base address of a route of that router, for a client.
fn route(cluster: &Cluster, path: &str) -> String {
    format!("{}{path}", router(cluster).base())
}
