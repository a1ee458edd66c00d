//! Executors: what becomes of a driver whose executors are lost or never start.

use harness::component::mesos_agent;
use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, Submission};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::dispatched;

/// The dispatcher and a driver of 950 MB fit the first slave alone, and fill it: executors go to the others, one to each.
async fn with_slaves_for_executors() -> Result<Cluster> {
    let small = "cpus:1;mem:920;disk:10240;ports:[31000-32000]";
    let builder = Cluster::builder().docker().marathon().mesos_dns();
    let builder = builder.admin_router().universe().slaves(3);
    let builder = builder.resources(1, "cpus:4;mem:2000;disk:10240;ports:[31000-32000]")?;
    builder
        .resources(2, small)?
        .resources(3, small)?
        .beside(1300)
        .boot()
        .await
}

/// The slave of an executor dies, its agent first, so that nothing is told of the executor's end, and an operator says
/// that it is gone: the driver gets an executor on another.
#[tokio::test]
async fn is_replaced_when_its_slave_is_lost() -> Verdict {
    let mut cluster = with_slaves_for_executors().await?;
    let dispatcher = cluster.spark().install_app().await?;
    let long = Submission::pi(20_000).property("spark.driver.memory", "950M");
    let id = dispatcher.submit(&long).await?;
    let lost = cluster.spark().executor("Spark Pi").await?;
    let driver = cluster.spark().driver(&id).await?;
    let output = cluster.spark().sandbox(&driver).await?;
    output.await_text("stderr", "Registered executor").await?;
    let node = cluster.spark().node(&lost).await?;

    cluster.kill(&node, mesos_agent::NAME).await?;
    cluster.stop(node.name()).await?;
    cluster.mesos().mark_agent_gone(&lost.slave_id).await?;

    let said = output
        .await_text("stderr", &format!("Mesos slave lost: {}", lost.slave_id))
        .await?;
    check_contains!(said, "Mesos task 0 is now TASK_LOST");
    let found = cluster.spark().executor_but("Spark Pi", &lost.id).await?;
    check!(found.slave_id != lost.slave_id && found.slave_id != driver.slave_id);
    check!(dispatcher.status(&id).await?.driver_state == DriverState::Running);
    dispatcher.kill(&id).await?;
    cluster.spark().idle().await?;
    cluster.finish().await
}

/// One that cannot start says why in its sandbox, and its driver that it has given the slave up.
#[rstest]
#[tokio::test]
async fn that_cannot_start_says_why(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let spark = cluster.spark();
    let dispatcher = spark.dispatcher().await?;

    let none = Submission::pi(10).property("spark.executor.memory", "0");
    let id = dispatcher.submit(&none).await?;

    let executor = spark.executor("Spark Pi").await?;
    let said = spark.sandbox(&executor).await?;
    let said = said
        .await_text("stderr", "Could not create the Java Virtual Machine")
        .await?;
    check_contains!(said, "Invalid maximum heap size: -Xmx0m");
    let driver = spark.sandbox(&spark.driver(&id).await?).await?;
    let told = driver.await_text("stderr", "due to too many failures").await?;
    check_contains!(told, "Mesos task 0 is now TASK_FAILED");
    check_contains!(told, "is Spark installed on it?");
    check!(dispatcher.status(&id).await?.driver_state == DriverState::Running);
    dispatcher.kill(&id).await?;
    spark.idle().await?;
    cluster.finish().await
}
