//! README "Docker Image" and "Custom Docker Image".

mod readme {
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::workload::spark::{DriverState, Submission};
    use harness::{Cluster, Result, check_contains};
    use rstest::rstest;

    use super::super::dispatched;

    /// README "Custom Docker Image": built on the slave as typed, and named for the driver: its logs say more.
    #[rstest]
    #[tokio::test]
    async fn custom_image_changes_the_log_level(#[future] dispatched: Result<Cluster>) -> Verdict {
        let cluster = dispatched.await?;
        let spark = cluster.spark();
        let dispatcher = spark.dispatcher().await?;
        let shell = cluster.shell(cluster.slave(1)?).await?;
        let build = "cd /vagrant/spark && sudo docker build -t eronwright/spark:1.6.0 .";
        shell.run(ExecSpec::new(["sh", "-c", build])).await?.success()?;

        let pi = Submission::pi(10).image("eronwright/spark:1.6.0");
        let id = dispatcher.submit(&pi).await?;
        dispatcher.await_state(&id, DriverState::Finished).await?;

        let sandbox = spark.sandbox(&spark.driver(&id).await?).await?;
        check_contains!(sandbox.text("stdout").await?, "Pi is roughly 3");
        let said = sandbox.text("stderr").await?;
        check_contains!(said, " DEBUG CoarseMesosSchedulerBackend: ");
        cluster.finish().await
    }
}
