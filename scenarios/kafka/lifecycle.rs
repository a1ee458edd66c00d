//! From an install to what an uninstall leaves, and what is wrong with what an install was given.

use harness::await_until::{Probe, Wait};
use harness::component::mesos_agent;
use harness::deadlines::APP_STATE;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::workload::kafka::{PACKAGE, VERSIONS};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::json;

use super::clients::Clients;
use super::{SMALL, installed, packaged, registered};
use crate::dcos_cli::{dcos, dcos_package};

/// Cuts off Kafka's archives in the sandboxes of the scheduler, which serves them from there.
const TRUNCATE: &str = "found=; for file in $(find /tmp/mesos/slaves -name 'kafka_*.tgz'); do\n  head -c 100000 \"$file\" \
                        >\"$file.cut\" && mv \"$file.cut\" \"$file\" && found=yes\ndone; test \"$found\"";
/// What the scheduler's tasks wrote, wherever they wrote it.
const LOGS: &str = "find /tmp/mesos/slaves -name scheduler.log -o -name stderr | xargs cat";

/// Uninstalls the package and waits until Mesos has none of its frameworks and ZooKeeper none of its brokers.
async fn uninstall(cluster: &Cluster) -> Result<String> {
    let said = dcos_package(cluster, &["uninstall", "--app", PACKAGE])
        .await?
        .success()?
        .stderr;
    let mesos = cluster.mesos();
    Wait::that("Kafka is gone", APP_STATE)
        .until(async || match (mesos.state().await, registered(cluster).await) {
            (Ok(state), Ok(brokers)) => {
                let mut frameworks = state.typed.frameworks.iter();
                match frameworks.any(|one| one.name == PACKAGE) || !brokers.is_empty() {
                    true => Probe::NotYet(format!("brokers {brokers:?}, or the framework, are there")),
                    false => Probe::Ready(()),
                }
            }
            (Err(error), _) | (_, Err(error)) => Probe::NotYet(error.to_string()),
        })
        .await?;
    cluster.marathon().at_rest().await?;
    Ok(said)
}

/// What the notes of the package say, word for word: for the next install, ZooKeeper keeps what there was.
///
/// From 0.8.2.2 to 3.9.2 brokers and topics go with it. Messages do not: a broker's log is in its task's sandbox, and
/// the next install is another framework, with other sandboxes.
#[rstest]
#[tokio::test]
async fn upgrade_keeps_topics_but_no_messages(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let old = kafka.start("0", &SMALL).await?;
    let add = ["topic", "add", "t", "--options", "retention.ms=600000"];
    kafka.command(&add).await?.success()?;
    let clients = Clients::of(VERSIONS[0].1, &old);
    clients.await_topic("t", 1).await?;
    check!(clients.produce("t", &["Hello"]).await? == [0]);

    let notes = uninstall(&cluster).await?;
    let nobody = dcos(&cluster, &["kafka", "broker", "list"]).await?;
    let left = cluster.zookeeper().await?.children("/").await?;
    let topics = cluster.zookeeper().await?.children("/brokers/topics").await?;
    let (package, version) = VERSIONS[1];
    kafka.install(package, &json!({})).await?;

    for node in ["kafka-mesos", "brokers"] {
        check!(left.iter().any(|one| one == node), "{node} is left");
        check_contains!(notes, format!("/{node}"), "and the notes say so");
    }
    check!(topics == ["t"]);
    check!(nobody.exit_code == 1, "the sub-command is left too");
    check_contains!(nobody.stderr, "Error: Kafka is not running");
    let new = kafka.await_endpoint("0").await?;
    let list = kafka.command(&["topic", "list"]).await?.success()?.stdout;
    check_contains!(list, "  name: t\n  partitions: 0:[0]\n  options: retention.ms=600000\n");
    let clients = Clients::of(version, &new);
    clients.await_topic("t", 1).await?;
    check!(clients.produce("t", &["World"]).await? == [0], "the topic begins anew");
    let read = clients.consume("t", 1).await?;
    check!(read[0].text == "World");
    cluster.finish().await
}

/// The archive that the scheduler serves is cut off: the task says so, the scheduler goes on, and with a whole one the
/// broker starts.
#[rstest]
#[tokio::test]
async fn truncated_archive_is_told(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let slave = cluster.slave(1)?;
    slave
        .exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", TRUNCATE]))
        .await?
        .success()?;
    let add = [&["broker", "add", "0"][..], &SMALL, &["--failover-max-tries", "1"]].concat();
    kafka.command(&add).await?.success()?;

    let start = kafka.command(&["broker", "start", "0"]).await?;

    check!((start.exit_code, start.stdout.as_str()) == (1, ""));
    check_contains!(start.stderr, "Error: broker start timeout: ");
    check_contains!(start.stderr, "Failed to fetch all URIs for container");
    let list = kafka.command(&["broker", "list"]).await?.success()?.stdout;
    check_contains!(list, "active: false\n  state: stopped\n", "it is not tried for ever");
    cluster.finish().await
}

/// `kafka.zk` leads nowhere: the scheduler says which servers it asked, and is not called healthy.
#[rstest]
#[tokio::test]
async fn wrong_zookeeper_is_told(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;
    let tools = cluster.toolbox().await?;
    tools.dcos(&["package", "update"]).await?.success()?;
    // Nothing listens there.
    let wrong = format!("{}:2182", cluster.master().address());
    let options = json!({ "kafka": { "zk": wrong } }).to_string();
    let write = ExecSpec::new(["sh", "-c", "cat >/tmp/wrong.json"]).stdin(options);
    tools.run(write).await?.success()?;

    let install = ["package", "install", "--yes", "--options=/tmp/wrong.json", PACKAGE];
    tools.dcos(&install).await?.success()?;

    let slave = cluster.slave(1)?;
    let said = format!("/kafka-mesos in ZooKeeper at {wrong}: ");
    Wait::that("the scheduler says that its ZooKeeper is away", APP_STATE)
        .until(
            async || match slave.exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", LOGS])).await {
                Ok(logs) if logs.stdout.contains(&said) => Probe::Ready(()),
                Ok(logs) => Probe::NotYet(logs.stdout),
                Err(error) => Probe::NotYet(error.to_string()),
            },
        )
        .await?;
    let app = cluster.marathon().app(PACKAGE).await?;
    check!(app.tasks_healthy == 0);
    let state = cluster.mesos().state().await?.typed;
    check!(
        state.frameworks.iter().all(|framework| framework.name != PACKAGE),
        "no broker is started without it"
    );
    cluster.finish().await
}
