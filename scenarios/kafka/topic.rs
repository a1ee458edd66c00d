//! Topics: what `dcos kafka topic` does, and what brokers make of it.

mod readme {
    use harness::evidence::Verdict;
    use harness::workload::kafka::VERSIONS;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use super::super::clients::Clients;
    use super::super::{assert_printed, installed};

    /// README "Topic".
    #[rstest]
    #[tokio::test]
    async fn is_added_to_the_brokers(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let kafka = cluster.kafka().await?;
        let endpoint = kafka.start("0", &[]).await?;

        let added = kafka.command(&["topic", "add", "topic1"]).await?.success()?.stdout;

        assert_printed(&cluster, "topic-added", &added).await?;
        let list = kafka.command(&["topic", "list"]).await?.success()?.stdout;
        check!(list == added.replace("topic added:", "topic:"));
        let clients = Clients::of(VERSIONS[0].1, &endpoint);
        clients.await_topic("topic1", 1).await?;
        let told = clients.metadata(None).await?;
        let brokers: Vec<String> = told
            .brokers()
            .iter()
            .map(|one| format!("{}:{}", one.host(), one.port()))
            .collect();
        check!(
            brokers == [endpoint],
            "clients find the broker where the command line says that it is"
        );
        let topics: Vec<&str> = told.topics().iter().map(|topic| topic.name()).collect();
        check!(topics == ["topic1"]);
        let partitions = told.topics()[0].partitions();
        check!(partitions.len() == 1 && partitions[0].leader() == 0);
        check!(partitions[0].replicas() == [0] && partitions[0].isr() == [0]);
        cluster.finish().await
    }
}

use harness::evidence::Verdict;
use harness::workload::kafka::VERSIONS;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::json;

use super::clients::Clients;
use super::{SMALL, packaged};

/// Brokers hear of a change by a node of ZooKeeper, which every version of Kafka reads in its own way.
#[rstest]
#[case::kafka_0_8_2_2(VERSIONS[0])]
#[case::kafka_3_9_2(VERSIONS[1])]
#[tokio::test]
async fn options_reach_the_brokers(
    #[future] packaged: Result<Cluster>,
    #[case] (package, version): (&str, &str),
) -> Verdict {
    let cluster = packaged.await?;
    let kafka = cluster.kafka().await?;
    kafka.install(package, &json!({})).await?;
    let endpoint = kafka.start("0", &SMALL).await?;
    kafka.command(&["topic", "add", "t"]).await?.success()?;
    let clients = Clients::of(version, &endpoint);
    clients.await_topic("t", 1).await?;
    let long = "x".repeat(1000);
    check!(clients.produce("t", &[&long]).await? == [0]);

    let change = ["topic", "update", "t", "--options", "max.message.bytes=300"];
    let updated = kafka.command(&change).await?.success()?.stdout;

    check_contains!(updated, "max.message.bytes=300");
    clients.await_refusal("t", &long, "Message size too large").await?;
    check!(
        !clients.produce("t", &["short"]).await?.is_empty(),
        "what is short enough is taken"
    );
    cluster.finish().await
}
