//! Launching the cluster.

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Launching the cluster": one master, one slave, and what `dcos node --json` shows of it.
    #[rstest]
    #[tokio::test]
    async fn readme_topology(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;

        let agents = cluster.mesos().agents().await?;

        check!(cluster.nodes().count() == 2, "the cluster is one master and one slave");
        check!(agents.len() == 1, "one agent is registered");
        let agent = &agents[0];
        check!(
            agent.hostname == cluster.slave(1)?.address().to_string(),
            "it goes by its address"
        );
        check!(agent.active, "it is active");
        check!(agent.resources.to_string() == "cpus 4, mem 2929 MB, disk 35164 MB, ports 31000-32000");
        cluster.finish().await
    }
}
