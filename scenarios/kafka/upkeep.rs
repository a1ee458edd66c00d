//! What an operator does with brokers that run.

use harness::await_until::{Probe, Wait};
use harness::deadlines::BROKER_STATE;
use harness::evidence::Verdict;
use harness::workload::Kafka;
use harness::workload::kafka::VERSIONS;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use serde_json::{Value, json};

use super::clients::Clients;
use super::{SMALL, installed};

#[rstest]
#[tokio::test]
async fn change_needs_a_restart(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    kafka.start("0", &SMALL).await?;

    let change = [
        "broker",
        "update",
        "0",
        "--heap",
        "200",
        "--options",
        "num.partitions=3",
    ];
    let updated = kafka.command(&change).await?.success()?.stdout;
    let restarted = kafka.command(&["broker", "restart", "0"]).await?.success()?.stdout;

    check_contains!(updated, "broker updated:\n");
    check_contains!(updated, "  state: running (modified, needs restart)\n");
    check_contains!(restarted, "broker restarted:\n");
    check_contains!(restarted, "  state: running\n");
    let log = kafka
        .command(&["broker", "log", "0", "--name", "stderr", "--lines", "500"])
        .await?
        .success()?
        .stdout;
    check_contains!(log, "-Xmx200m", "the command of the new process");
    let log = kafka
        .command(&["broker", "log", "0", "--lines", "500"])
        .await?
        .success()?
        .stdout;
    check_contains!(log, "num.partitions", "Kafka tells its own configuration");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn rebalance_moves_partitions(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let endpoint = kafka.start("0", &SMALL).await?;
    kafka
        .command(&["topic", "add", "t", "--partitions", "2"])
        .await?
        .success()?;
    Clients::of(VERSIONS[0].1, &endpoint).await_topic("t", 1).await?;
    let idle = kafka
        .command(&["topic", "rebalance", "status"])
        .await?
        .success()?
        .stdout;
    kafka.start("1", &SMALL).await?;

    let moved = kafka
        .command(&["topic", "rebalance", "t", "--timeout", "60s"])
        .await?
        .success()?
        .stdout;

    check!(idle == "Rebalance is idle \n");
    check!(moved == "Rebalance completed: \nt\n  0: 0 -> 0 - done\n  1: 0 -> 1 - done\n\n");
    let list = kafka.command(&["topic", "list"]).await?.success()?.stdout;
    check_contains!(list, "  partitions: 0:[0], 1:[1]\n");
    cluster.finish().await
}

/// One rebalance at a time: it is Kafka's controller that ends one, so here nothing does before a broker starts.
#[rstest]
#[tokio::test]
async fn rebalance_waits_for_brokers(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    kafka
        .command(&[&["broker", "add", "0"][..], &SMALL].concat())
        .await?
        .success()?;
    kafka
        .command(&["topic", "add", "t", "--broker", "0"])
        .await?
        .success()?;

    let late = kafka.command(&["topic", "rebalance", "t", "--timeout", "1s"]).await?;
    let again = kafka.command(&["topic", "rebalance", "t"]).await?;
    let status = kafka.command(&["topic", "rebalance", "status"]).await?.success()?;

    let state = "t\n  0: 0 -> 0 - running\n";
    check!((late.exit_code, late.stdout.as_str()) == (1, ""));
    // dcos 0.3.6 shows the first line of a sub-command's errors, and further ones only while that still runs: how far it is
    // is asked below.
    check!(late.stderr.lines().next() == Some("Error: Rebalance timeout:"));
    let expected = "Error: java.io.IOException: 400 - rebalance is already running\n";
    check!((again.exit_code, again.stdout.as_str(), again.stderr.as_str()) == (1, "", expected));
    check!(status.stdout == format!("Rebalance is running: \n{state}\n"));
    kafka.set_off("start", "0").await?;
    let ended = Wait::that("the rebalance has ended", BROKER_STATE)
        .until(async || match rebalance(&kafka).await {
            Ok(answer) if answer["status"] == "idle" => Probe::Ready(answer),
            Ok(answer) => Probe::NotYet(answer.to_string()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await?;
    check!(ended["state"] == "t\n  0: 0 -> 0 - done\n");
    cluster.finish().await
}

/// What the API says of the last rebalance.
async fn rebalance(kafka: &Kafka<'_>) -> Result<Value> {
    kafka.api().await?.get("api/topic/rebalance").send().await?.ok()?.json()
}

/// What the API refuses, in its own words.
#[rstest]
#[tokio::test]
async fn refuses_what_cannot_be(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let early = kafka.command(&["topic", "add", "t"]).await?;
    let none = "Error: java.io.IOException: 500 - kafka.admin.AdminOperationException: replication factor: 1 larger than \
                available brokers: 0\n";
    check!(
        (early.exit_code, early.stderr.as_str()) == (1, none),
        "there is no broker yet"
    );
    kafka.start("0", &SMALL).await?;
    kafka.command(&["topic", "add", "t"]).await?.success()?;

    for (words, error) in [
        ("broker remove 0", "broker 0 is active"),
        ("broker start 0", "broker 0 is active"),
        ("broker start 5", "broker 5 not found"),
        ("broker update 5 --mem 1", "Broker 5 not found"),
        ("broker add 1 --cpus=NaN --mem=-1", "Invalid cpus; Invalid mem"),
        ("broker add x", "invalid broker-expr"),
        (
            "broker add 1 --port 9-8 --options a",
            "Invalid port; Invalid options: a",
        ),
        ("broker log 0 --lines 0", "lines has to be greater than 0"),
        ("topic add t", "Topic t already exists"),
        ("topic update u --options flush.ms=1", "Topic u not found"),
        (
            "topic add u --options nope=1",
            "requirement failed: Unknown configuration \"nope\".",
        ),
    ] {
        let refused = kafka.command(&words.split(' ').collect::<Vec<_>>()).await?;
        let expected = format!("Error: java.io.IOException: 400 - {error}\n");
        check!(
            (refused.exit_code, refused.stdout.as_str(), &refused.stderr) == (1, "", &expected),
            "{words}: {error}"
        );
    }
    for (topic, name, value, error) in [
        ("nope*", "replicas", "1", "no topics specified"),
        ("nope", "replicas", "1", "Topic nope not found"),
        ("t", "broker", "x", "invalid broker-expr"),
        ("t", "timeout", "x", "invalid timeout"),
        ("t", "replicas", "x", "invalid replicas"),
    ] {
        let request = kafka.api().await?.get("api/topic/rebalance").query("topic", topic);
        let refused = request.query(name, value).send().await?;
        let expected = json!({ "code": 400, "error": error });
        check!((refused.status().as_u16(), refused.json_of_any::<Value>()?) == (400, expected));
    }
    cluster.finish().await
}
