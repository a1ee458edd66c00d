//! Spark: real, in cluster mode, installed by its package, used through the real dcos CLI.

mod cli;
mod docker_image;
mod example;
mod package;
mod resources;
mod rest;
mod shuffle_service;

use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::workload::spark;
use harness::{Cluster, Result};
use rstest::fixture;

/// What the package needs, with the README's one slave.
#[fixture]
async fn packaged() -> Result<Cluster> {
    let builder = Cluster::builder().docker().marathon().mesos_dns();
    builder.admin_router().universe().beside(spark::MEGABYTES).boot().await
}

/// The same, with the package installed, its sub-command too: the dispatcher takes submissions.
#[fixture]
async fn installed() -> Result<Cluster> {
    let cluster = packaged().await?;
    cluster.spark().install().await?;
    Ok(cluster)
}

/// The same, without the sub-command.
#[fixture]
async fn dispatched() -> Result<Cluster> {
    let cluster = packaged().await?;
    cluster.spark().install_app().await?;
    Ok(cluster)
}

/// README "Example App": runs `run-example.sh` of the reader's checkout where the dcos CLI is, after `edit`.
async fn run_example(cluster: &Cluster, edit: impl FnOnce(&str) -> String) -> Result<ExecOutput> {
    let script = edit(include_str!("../../fixtures/vagrant/spark/bin/run-example.sh"));
    let tools = cluster.toolbox().await?;
    tools.run(ExecSpec::new(["sh", "-s"]).stdin(script)).await
}

/// The id of the driver that `dcos spark run` says it has submitted.
fn submission(output: &ExecOutput) -> Result<String> {
    let line = output
        .stdout
        .lines()
        .find_map(|line| line.split_once("Submission id: "));
    line.map(|(_, id)| id.trim().to_owned()).ok_or_else(|| {
        harness::Error::new(harness::Kind::Answer, "dcos spark run names no submission")
            .ran(&output.ran)
            .evidence(format!("{}{}", output.stdout, output.stderr))
    })
}
