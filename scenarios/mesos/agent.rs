//! Agents that come and go.

mod readme {
    use harness::client::mesos::FrameworkSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Adding Slaves": `vagrant up mesos-slave2`, and so on to mesos-slave5.
    #[rstest]
    #[case::slave2(2)]
    #[case::slave3(3)]
    #[case::slave4(4)]
    #[case::slave5(5)]
    #[tokio::test]
    async fn started_slave_joins(#[future] cluster: Result<Cluster>, #[case] number: u8) -> Verdict {
        let mut cluster = cluster.await?;

        let slave = cluster.start_slave(number).await?.address().to_string();

        let framework = cluster.framework(FrameworkSpec::new("adding-slaves")).await?;
        let offer = framework
            .await_offer("is of the new slave", |offer| offer.hostname == slave)
            .await?;
        check!(offer.usable().to_string() == "cpus 2, mem 1024 MB, disk 10240 MB, ports 31000-32000");
        check!(
            cluster.mesos().agents().await?.len() == 2,
            "the first slave is still there"
        );
        framework.finish().await?;
        cluster.finish().await
    }
}
