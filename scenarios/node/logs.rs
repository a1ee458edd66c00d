//! What components write.

mod readme {
    use harness::component::{mesos_agent, mesos_master};
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check_contains};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Docker Logs": `sudo docker logs` on the node.
    #[rstest]
    #[case::master("mesos-master1", mesos_master::NAME, "Elected as the leading master")]
    #[case::agent("mesos-slave1", mesos_agent::NAME, "Registered with master")]
    #[tokio::test]
    async fn master_and_agent_output_is_in_docker_logs(
        #[future] cluster: Result<Cluster>,
        #[case] node: &str,
        #[case] component: &str,
        #[case] line: &str,
    ) -> Verdict {
        let cluster = cluster.await?;
        let shell = cluster.shell(cluster.node(node.parse()?)?).await?;

        let output = shell
            .run(ExecSpec::new(["sudo", "docker", "logs", component]).user("vagrant"))
            .await?;

        check_contains!(
            output.stdout + &output.stderr,
            line,
            "the log of {component} is there, at verbosity INFO"
        );
        cluster.finish().await
    }
}
