//! Where brokers go, and why they do not.

use harness::await_until::{Probe, Wait};
use harness::deadlines::BROKER_STATE;
use harness::evidence::Verdict;
use harness::workload::Kafka;
use harness::workload::kafka::{BROKER_MEGABYTES, Broker, VERSIONS};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SMALL, duplicates, installed};

/// Two slaves of the README's size, in two racks.
async fn two_racks() -> Result<Cluster> {
    let builder = Cluster::builder()
        .slaves(2)
        .attributes(1, "rack:a")?
        .attributes(2, "rack:b")?
        .resources(2, "cpus:4;mem:2929;disk:35164;ports:[31000-32000]")?
        .marathon()
        .mesos_dns()
        .admin_router()
        .universe()
        .beside(BROKER_MEGABYTES * 4);
    // Its future is large, and the stack of a test is not.
    let cluster = Box::pin(builder.boot()).await?;
    cluster.kafka().await?.install(VERSIONS[0].0, &json!({})).await?;
    Ok(cluster)
}

/// What the scheduler says of a broker beyond the original, as soon as it says something: `notPlaced`, `lastFailure`.
async fn told(kafka: &Kafka<'_>, id: &str, field: &str, contains: &str) -> Result<String> {
    Wait::that(format!("{field} of broker {id} contains {contains}"), BROKER_STATE)
        .until(async || match field_of(kafka, id, field).await {
            Ok(text) if text.contains(contains) => Probe::Ready(text),
            Ok(text) => Probe::NotYet(text),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

async fn field_of(kafka: &Kafka<'_>, id: &str, field: &str) -> Result<String> {
    let answer = kafka
        .api()
        .await?
        .get("api/broker/list")
        .query("broker", id)
        .send()
        .await?
        .ok()?;
    Ok(answer.json::<Value>()?["brokers"][0][field].to_string())
}

/// mesos/kafka issues 155 and 293: `Error: broker start timeout`, and nothing else.
#[rstest]
#[tokio::test]
async fn says_what_is_short(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    kafka
        .command(&["broker", "add", "0", "--mem", "100000"])
        .await?
        .success()?;

    let start = kafka.command(&["broker", "start", "0", "--timeout", "30s"]).await?;

    let host = cluster.slave(1)?.address().to_string();
    check!(start.exit_code == 1 && start.stdout.is_empty());
    check_contains!(start.stderr, "Error: broker start timeout: ");
    check_contains!(start.stderr, format!("broker 0: {host}: mem < 100000 (offered: "));
    kafka
        .command(&["broker", "update", "0", SMALL[2], SMALL[3]])
        .await?
        .success()?;
    kafka.await_endpoint("0").await?;
    cluster.finish().await
}

/// mesos/kafka issue 225: "TASK_FAILED and no indication why".
#[rstest]
#[tokio::test]
async fn says_why_a_broker_failed(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let broken = ["--jvm-options", "-XX:+NoSuchOption", "--failover-max-tries", "1"];
    kafka
        .command(&[&["broker", "add", "0"][..], &SMALL, &broken].concat())
        .await?
        .success()?;

    let start = kafka.command(&["broker", "start", "0"]).await?;

    check!(start.exit_code == 1);
    check_contains!(start.stderr, "Error: broker start timeout: ");
    check_contains!(start.stderr, "TASK_FAILED on ");
    check_contains!(start.stderr, "Unrecognized VM option 'NoSuchOption'");
    let list = kafka.command(&["broker", "list"]).await?.success()?.stdout;
    check_contains!(
        list,
        "active: false\n  state: stopped\n",
        "a broker that failed as often as it may is given up"
    );
    cluster.finish().await
}

/// For `stickiness-period` after its end a broker waits for its host, and then goes elsewhere.
#[tokio::test]
async fn sticks_to_the_host_for_a_while() -> Verdict {
    let cluster = two_racks().await?;
    let kafka = cluster.kafka().await?;
    kafka.start("0", &SMALL).await?;
    let first = kafka.broker("0").await?.stickiness.hostname.unwrap_or_default();
    kafka.stop("0").await?;

    let elsewhere = format!("hostname=unlike:{first}");
    kafka
        .command(&["broker", "update", "0", "--constraints", &elsewhere])
        .await?
        .success()?;
    kafka
        .command(&["broker", "start", "0", "--timeout", "0"])
        .await?
        .success()?;
    let why = told(&kafka, "0", "notPlaced", "stickiness host").await?;
    kafka
        .command(&["broker", "update", "0", "--stickiness-period", "1ms"])
        .await?
        .success()?;

    check_contains!(why, format!("held for {first} until "));
    let moved = |broker: &Broker| broker.endpoint().is_some();
    let moved = kafka
        .await_broker("0", "broker 0 runs on the other slave", moved)
        .await?;
    check!(moved.task.is_some_and(|task| task.hostname != first));
    cluster.finish().await
}

/// mesos/kafka issue 271: several offers at once, and a broker for each of them.
#[tokio::test]
async fn launches_each_broker_once_where_it_may_be() -> Verdict {
    let cluster = two_racks().await?;
    let kafka = cluster.kafka().await?;
    let rule = ["--constraints", "rack=groupBy:2"];
    kafka
        .command(&[&["broker", "add", "0..3"][..], &SMALL, &rule].concat())
        .await?
        .success()?;

    kafka.set_off("start", "*").await?;
    for id in ["0", "1", "2", "3"] {
        kafka.await_endpoint(id).await?;
    }

    let started = kafka.command(&["broker", "list"]).await?.success()?.stdout;

    check!(started.matches("attributes: rack=a\n").count() == 2);
    check!(started.matches("attributes: rack=b\n").count() == 2);
    let state = cluster.mesos().state().await?.typed;
    let own = state.frameworks.iter().filter(|framework| framework.name == "kafka");
    let tasks = own.map(|framework| framework.tasks.len() + framework.completed_tasks.len());
    check!(tasks.sum::<usize>() == 4, "four brokers, four tasks");
    check!(duplicates(&cluster).await? == [""; 0]);
    cluster.finish().await
}
