//! README "Dispatcher": it launches and supervises drivers, and what it knows of them outlives it.

use harness::client::mesos::TaskState;
use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, Submission};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::{Value, json};

use super::{dispatched, packaged};

mod readme {
    use super::*;

    /// A supervised driver that is killed is launched again under its id; one that waits for that can be given up.
    #[rstest]
    #[tokio::test]
    async fn launches_and_supervises_drivers(#[future] dispatched: Result<Cluster>) -> Verdict {
        let cluster = dispatched.await?;
        let (spark, mesos) = (cluster.spark(), cluster.mesos());
        let dispatcher = spark.dispatcher().await?;
        let supervised = Submission::pi(100_000).property("spark.driver.supervise", "true");
        let id = dispatcher.submit(&supervised).await?;
        dispatcher.await_state(&id, DriverState::Running).await?;
        let driver = spark.driver(&id).await?;
        spark.executor("Spark Pi").await?;

        let first = spark.crash(&driver).await?;

        let in_another = |message: &str| message.contains("state: TASK_RUNNING") && !message.contains(&first);
        dispatcher
            .await_status(&id, "the driver runs in another container", |status| {
                status.message.as_deref().is_some_and(in_another)
            })
            .await?;
        let page = spark.page().await?.get("driver/").query("id", &id);
        let page = page.send().await?.ok()?.text();
        check_contains!(page, "<h4>Retry state</h4>");
        check_contains!(page, "Container exited with status 137", "why it was launched again");
        // No offer from here on: what fails stays as it is.
        mesos.deactivate_agent(&driver.slave_id).await?;
        spark.crash(&driver).await?;
        let failed = dispatcher.await_state(&id, DriverState::Retrying).await?;
        check_contains!(failed.message.unwrap_or_default(), "state: TASK_FAILED");
        let killed = dispatcher.kill(&id).await?;
        check!(killed.success && killed.message == "Removed driver while it's being retried");
        let again = dispatcher.kill(&id).await?;
        check!(!again.success && again.message == "Cannot find driver");
        spark.idle().await?;
        cluster.finish().await
    }
}

/// Its state is in ZooKeeper: killed, it comes back as the same framework, and knows what runs and what waits.
#[rstest]
#[tokio::test]
async fn recovers_its_drivers(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let spark = cluster.spark();
    let dispatcher = spark.dispatcher().await?;
    let large = Submission::pi(10).property("spark.driver.memory", "100g");
    let (running, waiting) = (
        dispatcher.submit(&Submission::pi(100_000)).await?,
        dispatcher.submit(&large).await?,
    );
    dispatcher.await_state(&running, DriverState::Running).await?;
    let before = spark.framework("spark").await?.id;
    let process = spark.task().await?;

    spark.crash(&spark.driver(&process.id).await?).await?;

    // Its address is another one.
    let dispatcher = spark.dispatcher().await?;
    check!(spark.framework("spark").await?.id == before);
    check!(spark.task().await?.id != process.id);
    check!(dispatcher.status(&running).await?.driver_state == DriverState::Running);
    check!(dispatcher.status(&waiting).await?.driver_state == DriverState::Queued);
    check!(
        spark.driver(&running).await?.state == TaskState::TaskRunning,
        "it has not noticed"
    );
    check!(dispatcher.kill(&running).await?.message == "Killing running driver");
    let ended = dispatcher.await_state(&running, DriverState::Finished).await?;
    check_contains!(ended.message.unwrap_or_default(), "state: TASK_KILLED");
    let again = dispatcher.kill(&running).await?;
    check!(!again.success && again.message == "Driver already terminated");
    cluster.finish().await
}

/// As many as `spark.mesos.maxDrivers` run; the next is refused until one has ended; and what waits can be killed, once.
/// That the limit is of those that run, and not of those that wait, is so in Spark 1.6 (`isQueueFull`).
#[rstest]
#[tokio::test]
async fn refuses_when_its_queue_is_full(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;
    let spark = cluster.spark();
    spark.install_app().await?;
    let before = spark.task().await?.id;
    let marathon = cluster.marathon();
    let app: Value = marathon.http().get("v2/apps/spark").send().await?.json()?;
    let mut env = app["app"]["env"].clone();
    env["SPARK_DAEMON_JAVA_OPTS"] = json!("-Dspark.mesos.maxDrivers=1");
    // The deployment of the install may not have ended yet.
    marathon.force("/spark", &json!({ "env": env })).await?;
    marathon
        .await_app("/spark", "another dispatcher is launched", |app| {
            !app.tasks.is_empty() && app.tasks.iter().all(|task| task.id != before)
        })
        .await?;
    let dispatcher = spark.dispatcher().await?;
    let large = Submission::pi(10).property("spark.driver.memory", "100g");
    let waiting = dispatcher.submit(&large).await?;
    let running = dispatcher.submit(&Submission::pi(100_000)).await?;
    dispatcher.await_state(&running, DriverState::Running).await?;

    let refused = dispatcher.create(&large).await?;

    check!(!refused.success && refused.message.as_deref() == Some("Already reached maximum submission size"));
    check!(refused.submission_id.is_empty());
    let killed = dispatcher.kill(&waiting).await?;
    check!(killed.success && killed.message == "Removed driver while it's still pending");
    let again = dispatcher.kill(&waiting).await?;
    check!(!again.success && again.message == "Cannot find driver");
    check!(dispatcher.status(&waiting).await?.driver_state == DriverState::NotFound);
    dispatcher.kill(&running).await?;
    dispatcher.await_state(&running, DriverState::Finished).await?;
    check!(dispatcher.create(&large).await?.success, "there is room again");
    cluster.finish().await
}
