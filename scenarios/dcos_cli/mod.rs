//! The real dcos CLI, in the toolbox, against the cluster: through Admin Router, as the README's reader used it.

mod config;
mod input;
mod install;
mod logs;
mod marathon;
mod output;
mod service;
mod task;

use harness::component::{Service, admin_router};
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::error::Context;
use harness::{Cluster, Kind, Result};
use rstest::fixture;
use serde_json::Value;

/// The README's cluster as far as these commands reach: Mesos, and the router in front of it.
#[fixture]
async fn routed() -> Result<Cluster> {
    Cluster::builder().service(Service::AdminRouter).boot().await
}

/// What the router of `cluster` is called in messages.
fn router(cluster: &Cluster) -> String {
    const { assert!(admin_router::PORT == 80, "a URL without a port") };
    format!("http://{}", cluster.master().address())
}

/// Runs `dcos` in a toolbox beside `cluster`.
pub(crate) async fn dcos(cluster: &Cluster, args: &[&str]) -> Result<ExecOutput> {
    cluster.toolbox().await?.dcos(args).await
}

/// `dcos package ARGS…` by the sub-command's own program, for all that it writes to its standard error: dcos 0.3.6 loses
/// what comes after the first line, where the program ends before that is read (`dcoscli/analytics.py`,
/// `wait_and_capture`).
pub(crate) async fn dcos_package(cluster: &Cluster, args: &[&str]) -> Result<ExecOutput> {
    let words = ["dcos-package", "package"].iter().chain(args).copied();
    cluster.toolbox().await?.run(ExecSpec::new(words)).await
}

/// The document that `dcos` prints.
pub(crate) async fn document(cluster: &Cluster, args: &[&str]) -> Result<Value> {
    let output = dcos(cluster, args).await?.success()?;
    let document = serde_json::from_str(&output.stdout);
    document
        .context(Kind::Answer, || "dcos printed something else than JSON".to_owned())
        .map_err(|error| error.ran(output.ran).evidence(output.stdout))
}

/// The cells of a table, row by row. No cell of the tables here has a blank in it.
pub(crate) fn cells(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}
