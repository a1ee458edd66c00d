//! Three brokers on three slaves: what is acknowledged stays, whatever happens to one of them.

use harness::await_until::{Probe, Wait};
use harness::client::AgentId;
use harness::deadlines::BROKER_STATE;
use harness::evidence::Verdict;
use harness::workload::Kafka;
use harness::workload::kafka::{Broker, VERSIONS};
use harness::{Cluster, Error, Kind, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::clients::Clients;
use super::history::Load;
use super::{SMALL, duplicates, with_slaves};

/// Messages that a scenario sends before, while and after something happens.
const MESSAGES: u64 = 100;
const PARTITIONS: i32 = 3;

/// Three small brokers, each on a slave of its own, that are replaced soon; and a topic that all of them have. Its
/// messages are acknowledged by two at least.
async fn replicated(kafka: &Kafka<'_>, version: &(&str, &str)) -> Result<Clients> {
    kafka.install(version.0, &json!({})).await?;
    // ZooKeeper's shortest session: how soon a lost broker is noticed.
    let options =
        "zookeeper.session.timeout.ms=4000,controlled.shutdown.enable=true,unclean.leader.election.enable=false";
    let own = ["--options", options, "--constraints", "hostname=unique"];
    let quick = ["--failover-delay", "1s", "--stickiness-period", "1s"];
    let add = [&["broker", "add", "0..2"], &SMALL[..], &own, &quick].concat();
    kafka.command(&add).await?.success()?;
    kafka.command(&["broker", "start", "0..2"]).await?.success()?;
    let mut endpoints = Vec::new();
    for id in ["0", "1", "2"] {
        endpoints.push(kafka.await_endpoint(id).await?);
    }
    let topic = [
        "topic",
        "add",
        "kept",
        "--partitions",
        "3",
        "--replicas",
        "3",
        "--options",
        "min.insync.replicas=2",
    ];
    kafka.command(&topic).await?.success()?;
    let clients = Clients::of(version.1, &endpoints.join(","));
    clients.await_topic("kept", 3).await?;
    Ok(clients)
}

/// Waits until each partition of the topic is led, with all three replicas in sync. ZooKeeper is asked: a broker of Kafka
/// 0.8 goes on telling clients of replicas in sync that are gone.
async fn await_in_sync(cluster: &Cluster) -> Result<()> {
    let zookeeper = cluster.zookeeper().await?;
    let lagging = async || {
        let mut lagging = Vec::new();
        for partition in 0..PARTITIONS {
            let path = format!("/brokers/topics/kept/partitions/{partition}/state");
            let data = zookeeper.data(&path).await?;
            let state: Value = serde_json::from_slice(&data).unwrap_or_default();
            let in_sync = state["isr"].as_array().map_or(0, Vec::len);
            if state["leader"].as_i64().is_none_or(|leader| leader < 0) || in_sync < 3 {
                lagging.push(format!("partition {partition}: {state}"));
            }
        }
        Ok::<_, Error>(lagging.join("; "))
    };
    Wait::that("every partition has three replicas in sync", BROKER_STATE)
        .until(async || match lagging().await {
            Ok(lagging) if lagging.is_empty() => Probe::Ready(()),
            Ok(lagging) => Probe::NotYet(lagging),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// A broker whose slave has not the scheduler too.
async fn expendable(cluster: &Cluster, kafka: &Kafka<'_>) -> Result<Broker> {
    let app = cluster.marathon().app("/kafka").await?;
    let scheduler = app.tasks.first().map(|task| task.host.clone()).unwrap_or_default();
    let brokers = kafka.brokers().await?;
    let elsewhere = |broker: &Broker| broker.task.as_ref().is_some_and(|task| task.hostname != scheduler);
    let found = brokers.into_iter().find(elsewhere);
    found.ok_or_else(|| Error::new(Kind::Answer, "every broker is beside the scheduler"))
}

/// The node goes, and everything on it at once; an operator says later that it does not come back.
#[rstest]
#[case::kafka_0_8_2_2(VERSIONS[0])]
#[case::kafka_3_9_2(VERSIONS[1])]
#[tokio::test]
async fn lost_agent_loses_no_acknowledged_message(#[case] version: (&str, &str)) -> Verdict {
    let mut cluster = with_slaves(4).await?;
    let (lost, clients, mut load) = {
        let kafka = cluster.kafka().await?;
        let clients = replicated(&kafka, &version).await?;
        let mut load = Load::begin(&clients, "kept", PARTITIONS)?;
        load.goes_on(MESSAGES).await?;
        (expendable(&cluster, &kafka).await?, clients, load)
    };
    let task = lost.task.clone().ok_or_else(|| Error::internal("it runs"))?;
    let node = cluster.node_of(&task.hostname)?.name();

    cluster.stop(node).await?;
    load.goes_on(MESSAGES).await?;
    cluster
        .mesos()
        .mark_agent_gone(&AgentId::from(task.slave_id.as_str()))
        .await?;

    let kafka = cluster.kafka().await?;
    let moved = kafka
        .await_broker(&lost.id, "the lost broker runs on another slave", |broker| {
            broker.endpoint().is_some() && broker.task.as_ref().is_some_and(|now| now.hostname != task.hostname)
        })
        .await?;
    await_in_sync(&cluster).await?;
    load.goes_on(MESSAGES).await?;
    let history = load.end().await?;
    let read = clients.consume_all("kept", PARTITIONS).await?;
    check!(history.acknowledged.len() >= 3 * usize::try_from(MESSAGES).unwrap_or_default());
    check!(history.problems(&read) == [""; 0]);
    check!(history.failed == 0, "a client tries until the next leader is there");
    let mut shorter = read;
    shorter.values_mut().for_each(|all| drop(all.pop()));
    check!(history.problems(&shorter) != [""; 0], "what is lost is seen");
    check!(moved.task.is_some_and(|now| now.id != task.id));
    check!(duplicates(&cluster).await? == [""; 0], "no broker ever ran twice");
    cluster.finish().await
}

/// One broker after the other is stopped and started, as for a new configuration.
#[tokio::test]
async fn rolling_restart_fails_no_message() -> Verdict {
    let cluster = with_slaves(3).await?;
    let kafka = cluster.kafka().await?;
    let clients = replicated(&kafka, &VERSIONS[1]).await?;
    let mut load = Load::begin(&clients, "kept", PARTITIONS)?;
    load.goes_on(MESSAGES).await?;

    for id in ["0", "1", "2"] {
        kafka.command(&["broker", "stop", id]).await?.success()?;
        load.goes_on(MESSAGES).await?;
        kafka.command(&["broker", "start", id]).await?.success()?;
        kafka.await_endpoint(id).await?;
        await_in_sync(&cluster).await?;
    }

    let history = load.end().await?;
    let read = clients.consume_all("kept", PARTITIONS).await?;
    check!(history.failed == 0);
    check!(history.problems(&read) == [""; 0]);
    check!(duplicates(&cluster).await? == [""; 0], "no broker ever ran twice");
    cluster.finish().await
}
