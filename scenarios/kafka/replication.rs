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
const MESSAGES: usize = 100;
const PARTITIONS: i32 = 3;

/// Three small brokers, each on a slave of its own, that are replaced soon; and a topic that all of them have. Its
/// messages are acknowledged by two at least.
async fn replicated(kafka: &Kafka<'_>, version: &(&str, &str)) -> Result<Clients> {
    kafka.install(version.0, &json!({})).await?;
    // Kafka's own session of today, which the older version has too.
    let options =
        "zookeeper.session.timeout.ms=18000,controlled.shutdown.enable=true,unclean.leader.election.enable=false";
    let own = ["--options", options, "--constraints", "hostname=unique"];
    let quick = ["--failover-delay", "1s", "--stickiness-period", "1s"];
    let add = [&["broker", "add", "0..2"], &SMALL[..], &own, &quick].concat();
    kafka.command(&add).await?.success()?;
    kafka.set_off("start", "0..2").await?;
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

/// Waits until each partition of the topic is led, with all three replicas in sync.
async fn await_in_sync(cluster: &Cluster) -> Result<()> {
    let whole = |in_sync: &[i64]| in_sync.len() == 3;
    await_partitions(cluster, "has three replicas in sync", whole).await
}

/// Waits until no partition of the topic counts on a broker.
async fn await_out_of_sync(cluster: &Cluster, broker: &str) -> Result<()> {
    let without = |in_sync: &[i64]| in_sync.iter().all(|id| id.to_string() != broker);
    await_partitions(cluster, &format!("does without broker {broker}"), without).await
}

/// Waits until each partition of the topic is led, and its replicas in sync are as `holds` wants them. ZooKeeper is asked:
/// a broker of Kafka 0.8 goes on telling clients of replicas in sync that are gone.
async fn await_partitions(cluster: &Cluster, what: &str, holds: impl Fn(&[i64]) -> bool) -> Result<()> {
    let zookeeper = cluster.zookeeper().await?;
    let others = async || {
        let mut others = Vec::new();
        for partition in 0..PARTITIONS {
            let path = format!("/brokers/topics/kept/partitions/{partition}/state");
            let data = zookeeper.data(&path).await?;
            let state: Value = serde_json::from_slice(&data).unwrap_or_default();
            let ids = state["isr"].as_array().into_iter().flatten();
            let in_sync: Vec<i64> = ids.filter_map(Value::as_i64).collect();
            if state["leader"].as_i64().is_none_or(|leader| leader < 0) || !holds(&in_sync) {
                others.push(format!("partition {partition}: {state}"));
            }
        }
        Ok::<_, Error>(others.join("; "))
    };
    Wait::that(format!("every partition {what}"), BROKER_STATE)
        .until(async || match others().await {
            Ok(others) if others.is_empty() => Probe::Ready(()),
            Ok(others) => Probe::NotYet(others),
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
    check!(
        history.failed.is_none(),
        "a client tries until the next leader is there: {:?}",
        history.failed
    );
    check!(history.acknowledged.len() >= 3 * MESSAGES);
    let read = clients.consume_all("kept", PARTITIONS).await?;
    check!(history.problems(&read) == [""; 0]);
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
        kafka.stop(id).await?;
        // It comes back with an empty log, which must not count as one in sync.
        await_out_of_sync(&cluster, id).await?;
        load.goes_on(MESSAGES).await?;
        kafka.set_off("start", id).await?;
        kafka.await_endpoint(id).await?;
        await_in_sync(&cluster).await?;
    }

    let history = load.end().await?;
    check!(history.failed.is_none(), "no message is given up: {:?}", history.failed);
    let read = clients.consume_all("kept", PARTITIONS).await?;
    check!(history.problems(&read) == [""; 0]);
    check!(duplicates(&cluster).await? == [""; 0], "no broker ever ran twice");
    cluster.finish().await
}
