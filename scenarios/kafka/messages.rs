//! Messages, by clients that nobody here wrote.

mod readme {
    use harness::docker::exec::ExecSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;
    use serde_json::json;

    use super::super::clients::{Clients, Read};
    use super::super::{assert_printed, packaged};

    /// README "Validation", by librdkafka from outside of the cluster, and on each version that the package has.
    #[rstest]
    #[case::kafka_0_8_2_2("0.9.2.0", "0.8.2.2")]
    #[case::kafka_3_9_2("0.9.2.0-3.9.2", "3.9.2")]
    #[tokio::test]
    async fn are_consumed_as_produced(
        #[future] packaged: Result<Cluster>,
        #[case] package: &str,
        #[case] version: &str,
    ) -> Verdict {
        let cluster = packaged.await?;
        let kafka = cluster.kafka().await?;
        kafka.install(package, &json!({})).await?;
        let endpoint = kafka.start("0", &[]).await?;
        kafka.command(&["topic", "add", "topic1"]).await?.success()?;
        let clients = Clients::of(version, &endpoint);
        clients.await_topic("topic1", 1).await?;

        let offsets = clients.produce("topic1", &["Hello", "World"]).await?;
        let read = clients.consume("topic1", 2).await?;

        check!(offsets == [0, 1]);
        let expected = ["Hello", "World"].map(str::to_owned);
        check!(
            read == [(0, &expected[0]), (1, &expected[1])].map(|(offset, text)| Read {
                offset,
                text: text.clone()
            })
        );
        cluster.finish().await
    }

    /// README "Validation", by the kafkacat that it names, with nothing but what is typed there.
    #[rstest]
    #[case::kafka_0_8_2_2("0.9.2.0")]
    #[case::kafka_3_9_2("0.9.2.0-3.9.2")]
    #[tokio::test]
    async fn kafkacat_lists_produces_and_consumes(
        #[future] packaged: Result<Cluster>,
        #[case] package: &str,
    ) -> Verdict {
        let cluster = packaged.await?;
        let kafka = cluster.kafka().await?;
        kafka.install(package, &json!({})).await?;
        let endpoint = kafka.start("0", &[]).await?;
        kafka.command(&["topic", "add", "topic1"]).await?.success()?;
        let tools = cluster.toolbox().await?;
        let topic = ["-b", endpoint.as_str(), "-t", "topic1"];
        let kafkacat = |args: &[&str]| ExecSpec::new(["kafkacat"].iter().chain(args).copied().map(str::to_owned));
        Clients::of("0.8.2.2", &endpoint).await_topic("topic1", 1).await?;

        let list = tools.run(kafkacat(&["-L", "-b", &endpoint])).await?.success()?.stdout;
        let produce = kafkacat(&[&["-P"], &topic[..]].concat()).stdin("Hello\nWorld\n");
        tools.run(produce).await?.success()?;
        let consume = kafkacat(&[&["-C"], &topic[..], &["-e", "-q"]].concat());
        let read = tools.run(consume).await?.success()?.stdout;

        // Which of its connections answers first is the client's affair.
        let list = list.replace(
            &format!("broker 0: {endpoint}/0"),
            &format!("broker -1: {endpoint}/bootstrap"),
        );
        // A broker of the README's version does not say which one it is.
        let list = list.replace(" (controller)", "");
        assert_printed(&cluster, "kafkacat-list", &list).await?;
        check!(read == "Hello\nWorld\n");
        cluster.finish().await
    }
}
