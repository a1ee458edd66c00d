//! Clusters that are registered.

mod readme {
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::workload::kafka::VERSIONS;
    use harness::{check, check_contains};
    use rstest::rstest;

    use super::super::{await_page, managed, register, spaced};

    /// What a consumer of Kafka 0.8 that has read one of two messages leaves in ZooKeeper.
    const CONSUMER: &str = "\
create /consumers x
create /consumers/readers x
create /consumers/readers/offsets x
create /consumers/readers/offsets/topic1 x
create /consumers/readers/offsets/topic1/0 1
";

    /// README "Kafka Manager (Optional)": the descriptor is added, the form is typed, and the cluster is there.
    #[rstest]
    #[tokio::test]
    async fn is_registered_and_shown() -> Verdict {
        let (package, version) = VERSIONS[0];
        let (cluster, browser, endpoint, pages) = managed(package).await?;
        let tools = cluster.toolbox().await?;
        cluster
            .kafka()
            .await?
            .command(&["topic", "add", "topic1"])
            .await?
            .success()?;
        let produce = ExecSpec::new(["kafkacat", "-P", "-b", &endpoint, "-t", "topic1"]).stdin("Hello\nWorld\n");
        tools.run(produce).await?.success()?;
        let servers = format!("{}:2181", cluster.master().address());
        let consume = ExecSpec::new(["zkCli.sh", "-server", &servers]).stdin(CONSUMER);
        tools.run(consume).await?.success()?;

        register(&browser, version).await?;

        let shown = spaced(&browser.await_text("Cluster Summary").await?);
        browser.screenshot("1-cluster").await?;
        check_contains!(shown, "Zookeepers master.mesos:2181");
        check_contains!(shown, "Version 0.8.2.2");
        check_contains!(shown, "Topics 1\nBrokers 1");
        browser.click("Brokers").await?;
        check!(browser.await_row(&endpoint).await? == format!("0 {endpoint} 1 1"));
        browser.click("0").await?;
        let shown = spaced(&browser.await_text("Per Topic Detail").await?);
        check_contains!(shown, "# of Partitions as Leader 1");
        check!(browser.await_row("topic1").await? == "topic1 1 1 1 (0) 1 false");
        browser.click("Topics").await?;
        browser.await_gone("Per Topic Detail").await?;
        check!(browser.await_row("topic1").await? == "topic1 1 1 1 0 2");
        browser.click("topic1").await?;
        let topic = format!("{pages}clusters/cluster1/topics/topic1");
        // It asks the broker for offsets, and shows none that come late.
        let partition = "0 0 2 0 (0) (0) true false";
        let shown = await_page(&browser, &topic, "the topic's page shows its partition", |text| {
            text.contains("Partition Information") && text.contains(partition)
        })
        .await?;
        browser.screenshot("2-topic").await?;
        check_contains!(shown, partition, "offsets, leader, replicas, in sync");
        browser.click("Consumers").await?;
        check!(browser.await_row("readers").await? == "readers ZK 0 topic1: 1");
        let stored = cluster.zookeeper().await?.children("/kafka-manager/configs").await?;
        check!(stored == ["cluster1"], "its state is in ZooKeeper");
        check!(
            browser.origins().await? == [""; 0],
            "a page needs nothing beside itself"
        );
        check!(browser.console_errors().await? == [""; 0]);
        cluster.finish().await
    }
}
