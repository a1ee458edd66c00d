//! The package `kafka`.

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check, check_contains};
    use rstest::rstest;

    use super::super::{packaged, readmes_options};
    use crate::dcos_cli::{cells, dcos};
    use crate::redactions::assert_text;

    /// README "Kafka Package": the line as it is typed there, and "once the Mesos task named `Kafka` reaches the running
    /// state".
    #[rstest]
    #[tokio::test]
    async fn installs_the_scheduler(#[future] packaged: Result<Cluster>) -> Verdict {
        let cluster = packaged.await?;
        dcos(&cluster, &["package", "update"]).await?.success()?;
        let options = readmes_options(&cluster).await?;

        let install = dcos(&cluster, &["package", "install", "--yes", options, "kafka"])
            .await?
            .success()?
            .stdout;

        assert_text(&cluster, "kafka", "install", &install);
        let kafka = cluster.kafka().await?;
        kafka.await_scheduler().await?;
        let tasks = dcos(&cluster, &["task"]).await?.success()?.stdout;
        let slave = cluster.slave(1)?.address().to_string();
        check!(
            cells(&tasks)
                .iter()
                .any(|row| row[..4] == ["kafka", slave.as_str(), "root", "R"])
        );
        let services = dcos(&cluster, &["service"]).await?.success()?.stdout;
        check!(cells(&services).iter().any(|row| row[0] == "kafka" && row[2] == "True"));
        let list = kafka.command(&["broker", "list"]).await?.success()?.stdout;
        check!(list == "no brokers\n");
        let help = dcos(&cluster, &["help"]).await?.success()?.stdout;
        check_contains!(help, "Start and manage Kafka brokers");
        cluster.finish().await
    }
}
