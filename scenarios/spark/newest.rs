//! The newest Spark that has Mesos, 3.5.9: its client mode works, its cluster mode is broken.

use harness::client::mesos::TaskState;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, REFUSED_CORES, Release};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{in_client_mode, packaged, prints_pi};

#[rstest]
#[tokio::test]
async fn drives_in_client_mode(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;

    let typed = in_client_mode(&cluster, &Release::NEWEST).await?.success()?;

    check!(prints_pi(&typed.stdout), "{}", typed.stdout);
    cluster.finish().await
}

/// The dispatcher takes the same program, asked for a whole number of cores, and its driver ends at what the dispatcher
/// has made of that number.
#[rstest]
#[tokio::test]
async fn cluster_mode_is_broken(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;
    let spark = cluster.spark();
    let dispatcher = spark.install_release_app(&Release::NEWEST).await?;
    let whole = Release::NEWEST.pi(10).property("spark.driver.cores", "1");

    let created = dispatcher.create(&whole).await?;
    check!(
        created.success && created.server_spark_version == "3.5.9",
        "{created:?}"
    );
    let id = created.submission_id;
    let done = dispatcher.await_state(&id, DriverState::Finished).await?;
    check_contains!(done.message.unwrap_or_default(), "state: TASK_FAILED");
    let driver = spark.driver(&id).await?;
    check!(driver.state == TaskState::TaskFailed);
    let said = spark.sandbox(&driver).await?.text("stderr").await?;
    check_contains!(said, REFUSED_CORES);
    check_contains!(said, "SparkSubmitArguments.validateSubmitArguments");
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let list = ExecSpec::new(["sudo", "docker", "ps", "-a", "--no-trunc", "--format", "{{.Command}}"]);
    let commands = shell.run(list).await?.success()?.stdout;
    check_contains!(commands, "--driver-cores 1.0", "what the dispatcher makes of 1");
    cluster.finish().await
}
