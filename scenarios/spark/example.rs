//! README "Example App": SparkPi, from its submission to its result.

mod readme {
    use harness::client::browser::{self, Browser};
    use harness::client::mesos::TaskState;
    use harness::evidence::{Failure, Verdict};
    use harness::workload::spark::{self, DRIVER_PAGE_PORT, DriverState, IMAGE};
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{installed, packaged_beside, prints_pi, run_example, submission};
    use crate::redactions::assert_text;

    /// README "Example App": what the reader typed, what they saw of it, and what "Spark CLI" tells of it afterwards.
    #[tokio::test]
    async fn computes_pi() -> Verdict {
        let cluster = packaged_beside(browser::MEGABYTES).await?;
        let spark = cluster.spark();
        let dispatcher = spark.install().await?;
        // No offer while the reader types: the driver's first state is seen, however soon it would be launched.
        let mesos = cluster.mesos();
        let agent = mesos.agents().await?.remove(0).id;
        mesos.deactivate_agent(&agent).await?;

        let run = run_example(&cluster, str::to_owned).await?.success()?;

        assert_text(&cluster, "spark", "run-example", &run.stdout);
        let id = submission(&run)?;
        check!(dispatcher.status(&id).await?.driver_state == DriverState::Queued);
        mesos.reactivate_agent(&agent).await?;
        let (seen, framework) = tokio::try_join!(
            dispatcher.await_state(&id, DriverState::Running),
            spark.framework("Spark Pi"),
        )?;
        check!(seen.success);
        check!(framework.active, "the driver is a framework of its own");
        check_contains!(spark.page().await?.get("").send().await?.ok()?.text(), &id);
        let done = dispatcher.await_state(&id, DriverState::Finished).await?;
        check_contains!(done.message.unwrap_or_default(), "state: TASK_FINISHED");
        let driver = spark.driver(&id).await?;
        check!(driver.name == "Driver for org.apache.spark.examples.SparkPi");
        let output = spark.sandbox(&driver).await?.text("stdout").await?;
        check!(prints_pi(&output), "{output}");
        the_command_tells(&cluster, &id).await?;
        the_page_shows(&cluster, &id).await?;
        cluster.finish().await
    }

    /// README "Spark CLI": state and output of a driver that has ended, and that there is nothing to kill.
    async fn the_command_tells(cluster: &Cluster, id: &str) -> std::result::Result<(), Failure> {
        let spark = cluster.spark();
        let status = spark.command(&["status", id]).await?.success()?.stdout;
        check!(status.starts_with(&format!(
            "Submission ID: {id}\nDriver state: FINISHED\nLast status: task_id {{"
        )));
        let log = spark.command(&["log", id]).await?.success()?.stdout;
        check!(spark::pi(&log).is_some_and(|pi| (3.0..3.3).contains(&pi)), "{log}");
        let killed = spark.command(&["kill", id]).await?;
        check!(killed.exit_code == 1 && killed.stdout == "Kill job failed.\nMessage: Driver already terminated\n");
        let unknown = spark.command(&["status", "driver-0"]).await?;
        check!(unknown.exit_code == 1 && unknown.stdout == "Job id 'driver-0' is not found\n");
        Ok(())
    }

    /// README "Example App", 1, as a person reads it: the dispatcher's page through the router, in a browser.
    async fn the_page_shows(cluster: &Cluster, id: &str) -> std::result::Result<(), Failure> {
        let browser = Browser::start(cluster).await?;
        browser
            .open(&format!("http://{}/service/spark/", cluster.master().address()))
            .await?;
        check_contains!(browser.await_row(id).await?, "org.apache.spark.examples.SparkPi");
        browser.screenshot("1-drivers").await?;
        browser.click(id).await?;
        let shown = browser.await_text("Driver state: FINISHED").await?;
        browser.screenshot("2-driver").await?;
        check_contains!(shown, "spark.executor.memory");
        check!(browser.console_errors().await?.is_empty());
        Ok(())
    }

    /// README "Example App", 3, and "Sandbox Output", with so many slices that there is time to look, and no image named:
    /// the driver has a page of its own, and what is whose task shows. Each has its output in a sandbox of its own.
    #[rstest]
    #[tokio::test]
    async fn tasks_form_a_hierarchy(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let spark = cluster.spark();
        let edited = |script: &str| {
            let many = script.replace("APP_ARGS=\"10\"", "APP_ARGS=\"100000\"");
            many.replace(" --docker-image=\"$APP_IMAGE\"", "")
        };
        let id = submission(&run_example(&cluster, edited).await?.success()?)?;
        let executor = spark.executor("Spark Pi").await?;

        let state = cluster.mesos().state().await?.typed;

        let tasks_of = |name: &str| {
            let framework = state.frameworks.iter().find(|framework| framework.name == name);
            framework.map(|framework| framework.tasks.clone()).unwrap_or_default()
        };
        let dispatcher = spark.task().await?.id;
        check!(tasks_of("marathon").iter().any(|task| task.id.as_str() == dispatcher));
        check!(tasks_of("spark").iter().any(|task| task.id.as_str() == id));
        check!(tasks_of("Spark Pi").iter().any(|task| task.id == executor.id));
        let driver = spark.driver(&id).await?;
        for (task, says) in [
            (&driver, "Registered as framework ID"),
            (&executor, "CoarseGrainedExecutorBackend"),
        ] {
            check_contains!(spark.sandbox(task).await?.await_text("stderr", says).await?, says);
        }
        let page = format!("http://{}:{DRIVER_PAGE_PORT}/jobs/", cluster.slave(1)?.address());
        let page = harness::client::Http::new(&page)?.get("").send().await?.ok()?;
        check_contains!(page.text(), "Spark Jobs");
        let page = spark.page().await?.get("driver/").query("id", &id);
        let page = page.send().await?.ok()?.text();
        let image = format!("<td>spark.mesos.executor.docker.image</td><td>{IMAGE}</td>");
        check_contains!(page, image, "where no other is named");
        let killed = spark.command(&["kill", &id]).await?.success()?.stdout;
        check!(killed == "Kill job succeeded.\nMessage: Killing running driver\n");
        spark.idle().await?;
        check!(spark.driver(&id).await?.state == TaskState::TaskKilled);
        cluster.finish().await
    }
}

use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, Submission};
use harness::{Cluster, check};
use rstest::rstest;

/// Two drivers share the cluster, each with an executor at the same time, and it is as free as before when they have ended.
#[rstest]
#[tokio::test]
async fn two_share_the_cluster_and_give_all_back() -> Verdict {
    let builder = Cluster::builder()
        .docker()
        .marathon()
        .mesos_dns()
        .admin_router()
        .universe();
    let builder = builder.resources(1, "cpus:6;mem:5000;disk:20000;ports:[31000-32000]")?;
    let cluster = builder.beside(1500).boot().await?;
    let spark = cluster.spark();
    let dispatcher = spark.install_app().await?;
    let agent = cluster.slave(1)?.address().to_string();
    let free = async || {
        let state = cluster.mesos().state().await?.typed;
        Ok::<_, harness::Error>(state.agent_at(&agent).map(|one| one.free()))
    };
    let before = free().await?;

    let one = dispatcher.submit(&Submission::pi(100_000)).await?;
    let two = dispatcher.submit(&Submission::pi(100_000)).await?;

    let first = spark.executor("Spark Pi").await?;
    let second = spark.executor_beside("Spark Pi", &first).await?;
    check!(
        first.framework_id != second.framework_id,
        "each driver has one of its own"
    );
    for id in [&one, &two] {
        check!(dispatcher.status(id).await?.driver_state == DriverState::Running);
        check!(dispatcher.kill(id).await?.success);
    }
    spark.idle().await?;
    check!(free().await? == before, "every resource is free again");
    cluster.finish().await
}
