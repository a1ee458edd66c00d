//! README "Docker Image" and "Custom Docker Image".

mod readme {
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::workload::spark::{DriverState, IMAGE, Submission};
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use super::super::{dispatched, prints_pi};

    /// README "Docker Image": what runs on the slave is the dispatcher, the driver and the executor, each in it. And
    /// "Custom Docker Image": built on the slave as typed, and named for the driver: its logs say more.
    #[rstest]
    #[tokio::test]
    async fn dispatcher_and_drivers_run_in_it(#[future] dispatched: Result<Cluster>) -> Verdict {
        let cluster = dispatched.await?;
        let spark = cluster.spark();
        let dispatcher = spark.dispatcher().await?;
        let id = dispatcher.submit(&Submission::pi(20_000)).await?;
        let executor = spark.executor("Spark Pi").await?;
        spark
            .sandbox(&executor)
            .await?
            .await_text("stderr", "Successfully registered with driver")
            .await?;

        let shell = cluster.shell(cluster.slave(1)?).await?;
        let list = ExecSpec::new([
            "sudo",
            "docker",
            "ps",
            "--format",
            "{{.Image}} {{.Command}}",
            "--no-trunc",
        ]);
        let list = shell.run(list).await?.success()?.stdout;

        check!(
            list.lines().filter(|line| line.starts_with(IMAGE)).count() == 3,
            "{list}"
        );
        for command in [
            "./sbin/run-dispatcher",
            "./bin/spark-submit",
            "CoarseGrainedExecutorBackend",
        ] {
            let is_it = |line: &str| line.starts_with(IMAGE) && line.contains(command);
            check!(
                list.lines().filter(|line| is_it(line)).count() == 1,
                "{command}: {list}"
            );
        }
        dispatcher.kill(&id).await?;
        spark.idle().await?;
        let build = "cd /vagrant/spark && sudo docker build -t eronwright/spark:1.6.0 .";
        shell.run(ExecSpec::new(["sh", "-c", build])).await?.success()?;

        // What the image is for: no slave has so much, and which offers are declined shows at that level alone.
        let own = |slices| Submission::pi(slices).image("eronwright/spark:1.6.0");
        let hungry = dispatcher
            .submit(&own(10).property("spark.executor.memory", "100g"))
            .await?;
        let sandbox = spark.sandbox(&spark.driver(&hungry).await?).await?;
        sandbox
            .await_text("stderr", " DEBUG CoarseMesosSchedulerBackend: Declining offer: ")
            .await?;
        dispatcher.kill(&hungry).await?;
        spark.idle().await?;

        let id = dispatcher.submit(&own(10)).await?;
        dispatcher.await_state(&id, DriverState::Finished).await?;

        let sandbox = spark.sandbox(&spark.driver(&id).await?).await?;
        let output = sandbox.text("stdout").await?;
        check!(prints_pi(&output), "{output}");
        cluster.finish().await
    }
}
