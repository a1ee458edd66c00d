//! Entering nodes.

mod readme {
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Using SSH": `vagrant ssh mesos-master1`.
    #[rstest]
    #[case::master("mesos-master1", "mesos-slave1")]
    #[case::slave("mesos-slave1", "mesos-master1")]
    #[tokio::test]
    async fn enters_each_node(#[future] cluster: Result<Cluster>, #[case] name: &str, #[case] other: &str) -> Verdict {
        let cluster = cluster.await?;
        let node = cluster.node(name.parse()?)?;
        let neighbour = cluster.node(other.parse()?)?;

        let shell = cluster.shell(node).await?;

        let hostname = shell.run(ExecSpec::new(["hostname"])).await?;
        check!(hostname.stdout.trim() == name);
        let addresses = shell.run(ExecSpec::new(["ip", "-4", "address"])).await?;
        check_contains!(addresses.stdout, node.address().to_string());
        let ping = shell.run(ExecSpec::new(["ping", "-c", "1", "-W", "20", other])).await?;
        check!(ping.exit_code == 0, "the other node answers");
        check_contains!(
            ping.stdout,
            neighbour.address().to_string(),
            "the other node is reached by its name"
        );
        cluster.finish().await
    }
}
