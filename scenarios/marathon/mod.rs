//! Marathon.

mod agents;
mod apps;
mod artifacts;
mod callbacks;
mod clients;
mod constraints;
mod deployments;
mod docker;
mod documents;
mod errors;
mod groups;
mod health;
mod launch;
mod pages;
mod queue;
mod readiness;
mod recovery;

use std::collections::BTreeSet;

use harness::client::marathon::{App, Task};
use harness::client::mesos::agent::Sandbox;
use harness::{Cluster, Result};
use rstest::fixture;

/// The README's cluster with Marathon on its master.
#[fixture]
async fn cluster() -> Result<Cluster> {
    Cluster::builder().marathon().boot().await
}

const SLEEPS: &str = "sleep 1000";

/// The ids of an app's tasks.
fn ids(app: &App) -> BTreeSet<String> {
    app.tasks.iter().map(|task| task.id.clone()).collect()
}

/// The sandbox of a task on the first slave.
async fn sandbox(cluster: &Cluster, task: &Task) -> Result<Sandbox> {
    let framework = cluster.marathon().info().await?.framework_id.unwrap_or_default();
    let agent = cluster.slave(1)?.agent();
    agent
        .sandbox(&framework.as_str().into(), &task.id.as_str().into())
        .await
}
