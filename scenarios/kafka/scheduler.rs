//! The scheduler's own failures, and what it finds when it is back: whatever is stored, there is one broker for an id.

use harness::client::marathon::App;
use harness::component::mesos_agent;
use harness::docker::exec::ExecSpec;
use harness::error::Context;
use harness::evidence::Verdict;
use harness::workload::Kafka;
use harness::workload::kafka::{Broker, BrokerTask, PACKAGE};
use harness::{Cluster, Error, Kind, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SMALL, duplicates, installed};

/// Where the scheduler keeps its brokers.
const NODE: &str = "/kafka-mesos";
/// Kills the scheduler's processes, wherever their program is: all whose command has the words, but not this shell.
const KILL: &str = "for process in /proc/[0-9]*; do\n  command=$(tr '\\0' ' ' 2>/dev/null <\"$process/cmdline\")\n  \
                    case \"$command\" in\n    *'for process in'*) ;;\n    *kafka-mesos*' scheduler '*) kill -9 \
                    \"${process#/proc/}\" ;;\n  esac\ndone";
/// A failed broker is soon tried again.
const QUICK: [&str; 2] = ["--failover-delay", "1s"];

/// The broker's task, of one that runs.
fn task(broker: &Broker) -> Result<BrokerTask> {
    let task = broker.task.clone();
    task.ok_or_else(|| Error::new(Kind::Answer, format!("broker {} has no task", broker.id)))
}

/// Adds and starts a small broker 0 that fails quickly.
async fn start(kafka: &Kafka<'_>) -> Result<BrokerTask> {
    kafka.start("0", &[&SMALL[..], &QUICK].concat()).await?;
    task(&kafka.broker("0").await?)
}

/// Ends the scheduler in order and has `edit` change what it stored; then starts it again.
async fn while_away(cluster: &Cluster, kafka: &Kafka<'_>, edit: impl FnOnce(&mut Value)) -> Result<()> {
    let marathon = cluster.marathon();
    marathon.deployed(&marathon.scale(PACKAGE, 0).await?).await?;
    let data = cluster.zookeeper().await?.data(NODE).await?;
    let mut stored: Value = serde_json::from_slice(&data).context(Kind::Answer, || {
        format!("{NODE} holds {}", String::from_utf8_lossy(&data))
    })?;
    edit(&mut stored);
    let server = format!("{}:2181", cluster.master().address());
    let set = ExecSpec::new(["zkCli.sh", "-server", &server, "set", NODE, &stored.to_string()]);
    cluster.toolbox().await?.run(set).await?.success()?;
    marathon.deployed(&marathon.scale(PACKAGE, 1).await?).await?;
    kafka.await_scheduler().await?;
    Ok(())
}

/// How many frameworks of Kafka's there are and were.
async fn frameworks(cluster: &Cluster) -> Result<Vec<String>> {
    let state = cluster.mesos().state().await?.typed;
    let all = state.frameworks.iter().chain(&state.completed_frameworks);
    let own = all.filter(|framework| framework.name == PACKAGE);
    Ok(own.map(|framework| framework.id.to_string()).collect())
}

/// SIGKILL, and Marathon starts another one.
#[rstest]
#[tokio::test]
async fn adopts_running_brokers(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let before = start(&kafka).await?;
    let known = frameworks(&cluster).await?;
    let marathon = cluster.marathon();
    let first = marathon.app(PACKAGE).await?.tasks.first().map(|task| task.id.clone());

    cluster
        .slave(1)?
        .exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", KILL]))
        .await?
        .success()?;

    let is_another = |app: &App| app.tasks_healthy == 1 && app.tasks.first().map(|task| &task.id) != first.as_ref();
    marathon
        .await_app(PACKAGE, "another scheduler is healthy", is_another)
        .await?;
    kafka.await_endpoint("0").await?;
    let after = task(&kafka.broker("0").await?)?;
    check!(after == before, "the same task, with its endpoint");
    check!(frameworks(&cluster).await? == known, "it is the same framework");
    check!(duplicates(&cluster).await? == [""; 0]);
    let stopped = kafka.command(&["broker", "stop", "0"]).await?.success()?.stdout;
    check!(stopped.starts_with("broker stopped:\n"), "and its own to stop");
    cluster.finish().await
}

/// mesos/kafka issue 285: a task runs that the scheduler knows nothing of.
#[rstest]
#[tokio::test]
async fn kills_tasks_it_does_not_know(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let zombie = start(&kafka).await?;

    while_away(&cluster, &kafka, |stored| {
        if let Some(broker) = stored["brokers"][0].as_object_mut() {
            broker.remove("task");
        }
    })
    .await?;

    let is_another =
        |broker: &Broker| broker.endpoint().is_some() && broker.task.as_ref().is_some_and(|task| task.id != zombie.id);
    kafka
        .await_broker("0", "broker 0 runs as a task that the scheduler knows", is_another)
        .await?;
    check!(duplicates(&cluster).await? == [""; 0], "the other one had ended before");
    cluster.finish().await
}

/// mesos/kafka issue 306: what is stored says `reconciling`, of a task that is long gone.
#[rstest]
#[tokio::test]
async fn reconciles_tasks_that_are_gone(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let add = [&["broker", "add", "0..1"][..], &SMALL, &QUICK].concat();
    kafka.command(&add).await?.success()?;
    let agents = cluster.mesos().agents().await?;
    let agent = agents.first().map(|agent| agent.id.to_string()).unwrap_or_default();
    let host = cluster.slave(1)?.address().to_string();
    let gone = json!({
        "id": "broker-0-4c0af9a2-0000-4000-8000-000000000000", "slaveId": agent, "hostname": host, "attributes": {},
        "executorId": "broker-0-4c0af9a2-0000-4000-8000-000000000001", "state": "reconciling",
    });

    while_away(&cluster, &kafka, |stored| {
        stored["brokers"][0]["active"] = json!(true);
        stored["brokers"][0]["task"] = gone;
    })
    .await?;

    kafka.await_endpoint("0").await?;
    let other = kafka.command(&["broker", "start", "1"]).await?.success()?.stdout;
    check!(other.starts_with("broker started:\n"), "nor are the others held up");
    cluster.finish().await
}
