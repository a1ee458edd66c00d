//! The same on a Spark of our days: 3.1.3, the newest whose cluster mode works, of the package's other version.

use harness::client::mesos::TaskState;
use harness::evidence::Verdict;
use harness::workload::spark::{self, DriverState, Release};
use harness::{Cluster, Result, check, check_contains};
use rstest::{fixture, rstest};

use super::{in_client_mode, packaged, prints_pi, submission};

/// With the dispatcher of 3.1.3, and without its sub-command.
#[fixture]
async fn dispatched() -> Result<Cluster> {
    let cluster = packaged().await?;
    cluster.spark().install_release_app(&Release::MODERN).await?;
    Ok(cluster)
}

/// Installed as this version, submitted by `dcos spark`, to its end: each step as with 1.6.0.
#[rstest]
#[tokio::test]
async fn computes_pi(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;
    let spark = cluster.spark();
    let dispatcher = spark.install_release(&Release::MODERN).await?;
    let arguments = format!(
        "--submit-args=--driver-memory=512M --driver-cores=0.5 --executor-memory 512M --total-executor-cores=1 \
         --class org.apache.spark.examples.SparkPi {} 10",
        Release::MODERN.examples
    );

    let id = submission(&spark.command(&["run", &arguments]).await?.success()?)?;

    spark.executor("Spark Pi").await?;
    let done = dispatcher.await_state(&id, DriverState::Finished).await?;
    check_contains!(done.message.unwrap_or_default(), "state: TASK_FINISHED");
    let driver = spark.driver(&id).await?;
    check!(driver.state == TaskState::TaskFinished);
    let output = spark.sandbox(&driver).await?.text("stdout").await?;
    check!(prints_pi(&output), "{output}");
    let status = spark.command(&["status", &id]).await?.success()?.stdout;
    check_contains!(status, format!("Submission ID: {id}\nDriver state: FINISHED\n"));
    spark.idle().await?;
    cluster.finish().await
}

/// Spark's own example in Python, as a driver in cluster mode with a worker in Python beneath its executor.
#[rstest]
#[tokio::test]
async fn runs_a_python_application(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let spark = cluster.spark();
    let dispatcher = spark.dispatcher().await?;

    let created = dispatcher.create(&Release::MODERN.python_pi(2)).await?;

    check!(
        created.success && created.server_spark_version == "3.1.3",
        "{created:?}"
    );
    let id = created.submission_id;
    let done = dispatcher.await_state(&id, DriverState::Finished).await?;
    check_contains!(done.message.unwrap_or_default(), "state: TASK_FINISHED");
    let output = spark.sandbox(&spark.driver(&id).await?).await?.text("stdout").await?;
    check!(prints_pi(&output), "{output}");
    check!(spark.executor("PythonPi").await?.name == "PythonPi 0");
    cluster.finish().await
}

/// Without a dispatcher: spark-submit on a slave is the driver itself, and prints its result there.
#[rstest]
#[tokio::test]
async fn client_mode_drives_where_it_is_typed() -> Verdict {
    let cluster = Cluster::builder()
        .docker()
        .universe()
        .beside(spark::MEGABYTES)
        .boot()
        .await?;

    let typed = in_client_mode(&cluster, &Release::MODERN).await?.success()?;

    check!(prints_pi(&typed.stdout), "{}", typed.stdout);
    check_contains!(
        typed.stderr,
        "INFO MesosCoarseGrainedSchedulerBackend: SchedulerBackend is ready"
    );
    let executor = cluster.spark().executor("Spark Pi").await?;
    check!(executor.name == "Spark Pi 0");
    cluster.finish().await
}
