//! Brokers: from `broker add` to a task of Mesos.

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{assert_printed, installed, registered};
    use crate::dcos_cli::{cells, dcos};

    /// README "Broker": what it prints, word for word, and the table of tasks.
    #[rstest]
    #[tokio::test]
    async fn is_added_and_started(#[future] installed: Result<Cluster>) -> Verdict {
        let cluster = installed.await?;
        let kafka = cluster.kafka().await?;

        let added = kafka.command(&["broker", "add", "0"]).await?.success()?.stdout;
        let started = kafka.command(&["broker", "start", "0"]).await?.success()?.stdout;
        let again = kafka.command(&["broker", "add", "0"]).await?;

        assert_printed(&cluster, "broker-added", &added).await?;
        assert_printed(&cluster, "broker-started", &started).await?;
        let tasks = dcos(&cluster, &["task"]).await?.success()?.stdout;
        let slave = cluster.slave(1)?.address().to_string();
        let tasks = cells(&tasks);
        let row = tasks
            .iter()
            .find(|row| row[0] == "broker-0")
            .cloned()
            .unwrap_or_default();
        check!(row.get(1..4) == Some(&[slave.as_str(), "root", "R"][..]));
        check_contains!(started, format!("id: {}\n", row.get(4).copied().unwrap_or_default()));
        let list = kafka.command(&["broker", "list"]).await?.success()?.stdout;
        check!(
            list == started.replace("broker started:", "broker:"),
            "as it was when it was started"
        );
        check!(registered(&cluster).await? == ["0"], "Kafka's own word for it");
        check!(again.exit_code == 1);
        check_contains!(
            again.stderr,
            "Error: java.io.IOException: 400 - Broker 0 already exists"
        );
        cluster.finish().await
    }
}
