//! README "Insufficient Resources".

mod readme {
    use harness::evidence::Verdict;
    use harness::node::NodeName;
    use harness::workload::spark::{self, DriverState, STARVING, Submission};
    use harness::{Cluster, check, check_contains};
    use rstest::rstest;

    /// A driver that gets no executor says so; the harness says what is short; and a larger slave is what helps.
    #[rstest]
    #[tokio::test]
    async fn shortage_is_told_and_a_slave_helps() -> Verdict {
        let builder = Cluster::builder()
            .docker()
            .marathon()
            .mesos_dns()
            .admin_router()
            .universe();
        let builder = builder.resources(2, "cpus:4;mem:4000;disk:10240;ports:[31000-32000]")?;
        let mut cluster = builder.beside(spark::MEGABYTES).boot().await?;
        let dispatcher = cluster.spark().install_app().await?;
        // What the driver says every fifteen seconds, sooner.
        let hungry = Submission::pi(10)
            .property("spark.executor.memory", "3000M")
            .of_driver("spark.starvation.timeout", "1s");

        let id = dispatcher.submit(&hungry).await?;
        let driver = cluster.spark().driver(&id).await?;
        let sandbox = cluster.spark().sandbox(&driver).await?;
        sandbox.await_text("stderr", STARVING).await?;

        let why = cluster.spark().starvation(&driver).await?;
        let why = why.map(|why| why.to_string()).unwrap_or_default();
        check_contains!(
            why,
            "no agent can ever run it: asks for mem 3384 MB, the most any agent has is 2929 MB"
        );
        cluster.start_slave(2).await?;
        dispatcher.await_state(&id, DriverState::Finished).await?;
        check_contains!(sandbox.text("stdout").await?, "Pi is roughly 3");
        check!(cluster.node(NodeName::Slave(2)).is_ok());
        cluster.finish().await
    }
}
