//! README "Example App": SparkPi, from its submission to its result.

mod readme {
    use std::f64::consts::PI;

    use harness::client::browser::{self, Browser};
    use harness::client::mesos::TaskState;
    use harness::evidence::Verdict;
    use harness::workload::spark::{self, DRIVER_PAGE_PORT, DriverState};
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{installed, run_example, submission};
    use crate::redactions::assert_text;

    /// README "Example App": what the reader typed, and what they saw of it.
    #[rstest]
    #[tokio::test]
    async fn computes_pi(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let spark = cluster.spark();

        let run = run_example(&cluster, str::to_owned).await?.success()?;

        // Its first look at the driver may find it launched already.
        assert_text(
            &cluster,
            "spark",
            "run-example",
            &run.stdout.replace("is now RUNNING", "is now QUEUED"),
        );
        let id = submission(&run)?;
        let dispatcher = spark.dispatcher().await?;
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
        let pi = spark::pi(&output).unwrap_or_default();
        check!((pi - PI).abs() < 0.05, "{output}");
        cluster.finish().await
    }

    /// README "Example App", 3: the driver has a page of its own. With many slices, so that there is time to look.
    #[rstest]
    #[tokio::test]
    async fn driver_serves_its_page(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let spark = cluster.spark();
        let many = |script: &str| script.replace("APP_ARGS=\"10\"", "APP_ARGS=\"100000\"");
        let id = submission(&run_example(&cluster, many).await?.success()?)?;

        spark.framework("Spark Pi").await?;

        let page = format!("http://{}:{DRIVER_PAGE_PORT}/jobs/", cluster.slave(1)?.address());
        check_contains!(
            harness::client::Http::new(&page)?.get("").send().await?.ok()?.text(),
            "Spark Jobs"
        );
        spark.executor("Spark Pi").await?;
        let killed = spark.command(&["kill", &id]).await?.success()?.stdout;
        check!(killed == "Kill job succeeded.\nMessage: Killing running driver\n");
        spark.idle().await?;
        check!(spark.driver(&id).await?.state == TaskState::TaskKilled);
        cluster.finish().await
    }

    /// README "Sandbox Output": what is whose task. Each has its output in a sandbox of its own.
    #[rstest]
    #[tokio::test]
    async fn tasks_form_a_hierarchy(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let spark = cluster.spark();
        let many = |script: &str| script.replace("APP_ARGS=\"10\"", "APP_ARGS=\"100000\"");
        let id = submission(&run_example(&cluster, many).await?.success()?)?;
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
        let output = async |task| spark.sandbox(task).await?.await_text("stderr", "INFO").await;
        let driver = spark.driver(&id).await?;
        check_contains!(output(&driver).await?, "Registered as framework ID");
        check_contains!(output(&executor).await?, "CoarseGrainedExecutorBackend");
        cluster.finish().await
    }

    /// README "Example App", 1, as a person reads it: the dispatcher's page through the router, in a browser.
    #[rstest]
    #[tokio::test]
    async fn dispatcher_page_shows_the_driver() -> Verdict {
        let builder = Cluster::builder()
            .docker()
            .marathon()
            .mesos_dns()
            .admin_router()
            .universe();
        let cluster = builder.beside(spark::MEGABYTES + browser::MEGABYTES).boot().await?;
        let dispatcher = cluster.spark().install_app().await?;
        let id = dispatcher.submit(&spark::Submission::pi(10)).await?;
        dispatcher.await_state(&id, DriverState::Finished).await?;

        let browser = Browser::start(&cluster).await?;
        browser
            .open(&format!("http://{}/service/spark/", cluster.master().address()))
            .await?;
        check_contains!(browser.await_row(&id).await?, "org.apache.spark.examples.SparkPi");
        browser.screenshot("1-drivers").await?;
        browser.click(&id).await?;
        let shown = browser.await_text("Driver state: FINISHED").await?;
        browser.screenshot("2-driver").await?;

        check_contains!(shown, "spark.executor.memory");
        check!(browser.console_errors().await?.is_empty());
        cluster.finish().await
    }
}

use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, Submission};
use harness::{Cluster, check};
use rstest::rstest;

/// Two drivers share the cluster, and it is as free as before when they have ended.
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
    let dispatcher = cluster.spark().install_app().await?;
    let agent = cluster.slave(1)?.address().to_string();
    let free = async || {
        Ok::<_, harness::Error>(
            cluster
                .mesos()
                .state()
                .await?
                .typed
                .agent_at(&agent)
                .map(|one| one.free()),
        )
    };
    let before = free().await?;

    let (one, two) = (
        dispatcher.submit(&Submission::pi(40)).await?,
        dispatcher.submit(&Submission::pi(40)).await?,
    );
    let both = tokio::try_join!(
        dispatcher.await_state(&one, DriverState::Finished),
        dispatcher.await_state(&two, DriverState::Finished),
    )?;

    for done in [both.0, both.1] {
        check!(done.message.unwrap_or_default().contains("state: TASK_FINISHED"));
    }
    cluster.spark().idle().await?;
    check!(free().await? == before, "every resource is free again");
    cluster.finish().await
}
