//! Spark: real, in cluster mode, installed by its package, used through the real dcos CLI.

mod dispatcher;
mod docker_image;
mod example;
mod executor;
mod modern;
mod newest;
mod package;
mod resources;
mod rest;
mod shuffle_service;

use std::f64::consts::PI;

use harness::deadlines::SPARK_DRIVER;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::workload::spark::{self, Release};
use harness::{Cluster, Result};
use rstest::fixture;

/// What the package needs, with the README's one slave.
#[fixture]
async fn packaged() -> Result<Cluster> {
    packaged_beside(0).await
}

/// The same, with so many megabytes for what a scenario puts beside it.
async fn packaged_beside(megabytes: u64) -> Result<Cluster> {
    let builder = Cluster::builder().docker().marathon().mesos_dns();
    let builder = builder.admin_router().universe();
    builder.beside(spark::MEGABYTES + megabytes).boot().await
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

/// SparkPi of a Spark 3 by its spark-submit, typed on the first slave, which is the driver there.
async fn in_client_mode(cluster: &Cluster, release: &Release) -> Result<ExecOutput> {
    let typed = format!(
        "sudo docker run --rm --net=host {image} bin/spark-submit --master mesos://zk://{zookeeper}:2181/mesos \
         --driver-memory 512M --executor-memory 512M --total-executor-cores 1 \
         --conf spark.mesos.executor.docker.image={image} --class org.apache.spark.examples.SparkPi \
         examples/jars/spark-examples_2.12-{version}.jar 10",
        image = release.image,
        zookeeper = cluster.master().address(),
        version = release.version,
    );
    let shell = cluster.shell(cluster.slave(1)?).await?;
    shell
        .run(ExecSpec::new(["sh", "-c", &typed]).within(SPARK_DRIVER))
        .await
}

/// Whether the result that SparkPi printed is near the number.
fn prints_pi(output: &str) -> bool {
    spark::pi(output).is_some_and(|pi| (pi - PI).abs() < 0.05)
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
